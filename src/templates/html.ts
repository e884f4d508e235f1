/** Markup that is safe to put into a page as it stands: only the functions of this file make it. */
export class Markup {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

/** A template literal whose values are escaped, apart from those that are markup already. */
export function html(parts: TemplateStringsArray, ...values: (string | number | Markup)[]): Markup {
  return new Markup(parts.reduce((page, part, index) => page + toMarkup(values[index - 1] ?? "") + part));
}

export function join(pieces: readonly Markup[]): Markup {
  return new Markup(pieces.map((piece) => piece.markup).join(""));
}

/** A style sheet of our own as it stands: never one with anybody's values in it. */
export function styleSheet(css: string): Markup {
  return new Markup(`<style>${css}</style>`);
}

/** Plain text as markup: line breaks stay (never more than one empty line), web addresses become links. */
export function textToMarkup(text: string): Markup {
  const lines = text.trim().replace(/\n\s*\n/g, "\n\n");
  return new Markup(
    lines
      .split("\n")
      .map((line) => linkify(line).markup)
      .join("<br>\n"),
  );
}

/** Only http(s), and only up to what may end a sentence: "see https://example.com/x." links without the full stop. */
function linkify(line: string): Markup {
  const pieces = line.split(/(https?:\/\/[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}])/i);
  return join(pieces.map((piece, index) => (index % 2 === 1 ? html`<a href="${piece}">${piece}</a>` : html`${piece}`)));
}

function toMarkup(value: string | number | Markup): string {
  return value instanceof Markup ? value.markup : escapeText(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
