import MarkdownIt from "markdown-it";

/** Where blocks of code begin and end: by lines of their own, as CommonMark has it (§4.5), or wherever three backticks stand. */
export type CodeMarks = "lines" | "anywhere";

// What stands within a paragraph ends no block, and is the longest to read.
const blocks = new MarkdownIt("commonmark").disable("inline");

/** A text whose blocks of code all end before what stands behind it. What was cut, or forgotten, would else take that in: no link there could be pressed. */
export function withCodeEnded(text: string, marks: CodeMarks): string {
  const end = marks === "lines" ? missingFence(text) : text.split("```").length % 2 === 0 ? "```" : null;
  return end === null ? text : `${text}\n${end}`;
}

/** The line that ends a block which would take in a line at the margin. One within a list or a quotation wouldn't: such a line ends these, and what is in them. */
function missingFence(text: string): string | null {
  if (!/```|~~~/.test(text)) return null;
  const last = blocks.parse(`${text}\nbehind`, {}).at(-1);
  return last?.type === "fence" ? last.markup : null;
}
