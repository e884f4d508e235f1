/** A line that begins a block of code in Markdown, or ends one (CommonMark §4.5). */
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/gm;

/** A text whose blocks of code all have an end. What was cut, or forgotten, would else take what stands behind it in: no link there could be pressed. */
export function withCodeEnded(text: string): string {
  let open: string | null = null;
  for (const [, fence = "", rest = ""] of text.matchAll(FENCE)) {
    if (open === null) open = fence.startsWith("`") && rest.includes("`") ? null : fence;
    else if (fence.startsWith(open) && rest.trim() === "") open = null;
  }
  return open === null ? text : `${text}\n${open}`;
}
