/** Where blocks of code begin and end: by lines of their own, as CommonMark has it (§4.5), or wherever three backticks stand. */
export type CodeMarks = "lines" | "anywhere";

/** A line that begins a block of code in Markdown, or ends one. */
const FENCE = /^( {0,3})(`{3,}|~{3,})(.*)$/gm;

/** A text whose blocks of code all have an end. What was cut, or forgotten, would else take what stands behind it in: no link there could be pressed. */
export function withCodeEnded(text: string, marks: CodeMarks): string {
  const end = marks === "lines" ? missingFence(text) : text.split("```").length % 2 === 0 ? "```" : null;
  return end === null ? text : `${text}\n${end}`;
}

function missingFence(text: string): string | null {
  let open: { indent: string; fence: string } | null = null;
  for (const [, indent = "", fence = "", rest = ""] of text.matchAll(FENCE)) {
    if (open === null) open = fence.startsWith("`") && rest.includes("`") ? null : { indent, fence };
    else if (fence.startsWith(open.fence) && rest.trim() === "") open = null;
  }
  // As far from the margin as its beginning: before that, it would end the item of a list that this is in, and begin another block.
  return open && open.indent + open.fence;
}
