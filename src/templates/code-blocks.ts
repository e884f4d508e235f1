import MarkdownIt from "markdown-it";

/**
 * Where blocks of code begin and end: by lines of their own, as CommonMark has it (§4.5); by lines at the margin, and ended by the very marks that
 * began it alone (Zulip); or wherever three backticks stand.
 */
export type CodeMarks = "lines" | "margin" | "anywhere";

/** Stands between two characters that would have a meaning together, and is not seen. */
const APART = "\u200b";

/**
 * A text whose blocks of code all end before what stands behind it. What was cut, or forgotten, would else take that in: no link there could be
 * pressed. What can't be ended for sure begins none. It is read as it is `written` for whoever reads it.
 */
export function withCodeEnded(text: string, marks: CodeMarks, written = (as: string): string => as): string {
  if (!/```|~~~/.test(text)) return text;
  const end = END[marks](written(text));
  if (end === undefined) return withoutCode(text);
  return end === "" ? text : `${text}\n${end}`;
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

/** What begins a block there, and what that is: quotations and what is hidden at first have blocks of their own in them. */
const AT_MARGIN = /^(`{3,}|~{3,}) *\{?\.?([\w+\-./#]*)[^`~]*$/;
const HAS_BLOCKS = /^(?:quote|quoted|spoiler)$/i;

function endAtMargin(text: string): string {
  const open: { fence: string; hasBlocks: boolean }[] = [];
  for (const line of text.split("\n")) {
    const ends = open.findLastIndex(({ fence }) => fence === line.trimEnd());
    const [, fence, what = ""] = AT_MARGIN.exec(line) ?? [];
    if (ends !== -1) open.length = ends;
    else if (fence !== undefined && (open.at(-1)?.hasBlocks ?? true))
      open.push({ fence, hasBlocks: HAS_BLOCKS.test(what) });
  }
  return open
    .map(({ fence }) => fence)
    .reverse()
    .join("\n");
}

/** Of blocks of which not everybody reads where they are, as six marks at once or a block with nothing in it, none is sure to end. */
function endAnywhere(text: string): string | undefined {
  const end = text.split("```").length % 2 === 0 ? "```" : "";
  const isEmpty = (part: string, n: number): boolean => n % 2 === 1 && /^\n*$/.test(part);
  return /`{6}/.test(text) || `${text}\n${end}`.split("```").some(isEmpty) ? undefined : end;
}
