import MarkdownIt from "markdown-it";

/**
 * Where blocks of code begin and end: by lines of their own, as CommonMark has it (§4.5); by lines at the margin, and ended by the very marks that
 * began it alone (Zulip); wherever three backticks stand; or there, where code within a line goes on over line breaks as well (Discord).
 */
export type CodeMarks = "lines" | "margin" | "anywhere" | "throughout";

/** Stands between two characters that would have a meaning together, and is not seen. */
const APART = "\u200b";

/**
 * A text whose blocks of code all end before what stands behind it. What was cut, or forgotten, would else take that in: no link there could be
 * pressed. What can't be ended for sure begins none. It is read as it is `written` for whoever reads it.
 */
export function withCodeEnded(text: string, marks: CodeMarks, written = (as: string): string => as): string {
  const said = marks === "throughout" ? withMarksPaired(text) : text;
  if (!/```|~~~/.test(said)) return said;
  const end = END[marks](written(said));
  if (end === undefined) return marks === "throughout" ? withMarksPaired(withoutCode(said)) : withoutCode(said);
  return end === "" ? said : `${said}\n${end}`;
}

/** Looks like the mark of code, and is none. */
const NO_MARK = "\u02cb";

/**
 * A text in which one or two marks that nothing in it answers are none: code within a line that goes on over line breaks would go to the next such
 * mark, past links. People write them as apostrophes. In a block that has no end they are code.
 */
function withMarksPaired(text: string): string {
  const runs = [...text.matchAll(/`+/g)].map(({ 0: { length }, index }) => ({ length, index }));
  let said = "";
  let saidTo = 0;
  for (let n = 0; n < runs.length; n += 1) {
    const { length, index } = runs[n] as (typeof runs)[0];
    // What is between two of the same is code; none of one or two has a block in it.
    let end = n + 1;
    while (end < runs.length && runs[end]?.length !== length && (length > 2 || (runs[end]?.length ?? 0) < 3)) end += 1;
    if (runs[end]?.length === length) n = end;
    else if (length > 2) break;
    else {
      said += text.slice(saidTo, index) + NO_MARK.repeat(length);
      saidTo = index + length;
    }
  }
  return said + text.slice(saidTo);
}

/** The same with marks that begin no block of code. */
export function withoutCode(text: string): string {
  return text.replace(/(``|~~)(?=[`~])/g, `$1${APART}`);
}

/** How often a text is cut shorter to make room for the end of its code; each time all of it is read. */
const TRIES = 3;

/** The first of what is written of so many characters, and of ever fewer, that has none too many; null where a few tries find none. */
export function firstWithRoom(
  most: number,
  write: (count: number) => string,
  tooManyIn: (written: string) => number,
): string | null {
  let count = most;
  for (let tries = 0; tries < TRIES && count > 0; tries += 1) {
    const written = write(count);
    const tooMany = tooManyIn(written);
    if (tooMany <= 0) return written;
    count -= tooMany;
  }
  return null;
}

/** The lines that a text needs behind it; undefined: nothing is sure to end what is in it. */
const END: Record<CodeMarks, (text: string) => string | undefined> = {
  lines: endByLines,
  margin: endAtMargin,
  anywhere: endAnywhere,
  throughout: endAnywhere,
};

// What stands within a paragraph ends no block, and is the longest to read. HTML and definitions of links are disarmed in all that is sent.
const blocks = new MarkdownIt("commonmark").disable(["inline", "html_block", "reference"]);

/** Of a block that would take in a line at the margin. One within a list or a quotation wouldn't: such a line ends these, and what is in them. */
function endByLines(text: string): string | undefined {
  const read = blocks.parse(`${text}\nbehind`, {});
  const last = read.at(-1);
  if (last?.type === "fence") return last.markup;
  // What lies too deep in one another is read no further, not even what stands behind it.
  const lines = text.split(/\r\n?|\n/).length + 1;
  return read.findLast(({ type }) => type === "inline")?.map?.[1] === lines ? "" : undefined;
}

const AT_MARGIN = /^(?:`{3,}|~{3,})/;
/** What may stand behind that: nothing, or what it is, and a title. */
const NAMED = /^ *(?:$|\{?\.?([\w+,\-./#]+))/;
/** Quotations and what is hidden at first have blocks of their own in them. */
const HAS_BLOCKS = /^(?:quote|quoted|spoiler)$/i;

interface AtMargin {
  fence: string;
  hasBlocks: boolean;
}

function endAtMargin(text: string): string | undefined {
  const open: AtMargin[] = [];
  for (const line of text.split("\n")) {
    // The innermost alone is asked: within code, the end of a quotation around it is a line of code.
    const innermost = open.at(-1);
    if (innermost?.fence === line.trimEnd()) open.pop();
    else if (innermost?.hasBlocks ?? true) {
      const begun = beginsAtMargin(line);
      if (begun === undefined) return undefined;
      if (begun !== null) open.push(begun);
    }
  }
  return open
    .map(({ fence }) => fence)
    .reverse()
    .join("\n");
}

/** Null: nothing. Undefined for what begins a block in some versions of Zulip, and in others none. */
function beginsAtMargin(line: string): AtMargin | null | undefined {
  const fence = AT_MARGIN.exec(line)?.[0];
  if (fence === undefined) return null;
  const rest = line.slice(fence.length);
  if (rest.includes(fence.charAt(0))) return null;
  const named = NAMED.exec(rest);
  return named === null || /[`~]/.test(rest) ? undefined : { fence, hasBlocks: HAS_BLOCKS.test(named[1] ?? "") };
}

/** Of blocks of which not everybody reads where they are, as more marks at once or a block with nothing in it, none is sure to end. */
function endAnywhere(text: string): string | undefined {
  const end = text.split("```").length % 2 === 0 ? "```" : "";
  const isEmpty = (part: string, n: number): boolean => n % 2 === 1 && /^\n*$/.test(part);
  return /`{4}/.test(text) || `${text}\n${end}`.split("```").some(isEmpty) ? undefined : end;
}
