/** Only these have a meaning that has to be taken from them; Slack decodes nothing else. */
const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Characters that go into one piece, so that no entity or link is ever cut: a piece fits into a block however it is escaped. */
const PIECE_CHARS = 500;
const LINES = new RegExp(`[\\s\\S]{0,${PIECE_CHARS - 1}}\\n|[^\\n]+\\n?`, "g");
const LONGEST_LINK_CHARS = 2_000;

const LINK = /(https?:\/\/[^\s<>"'`|]*[^\s<>"'`|.,;:!?)\]}])/i;

/** Text that mentions nobody, links nothing and calls no channel, whatever is in it. */
export function escapeMrkdwn(text: string): string {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character] as string);
}

const CODE = "```";

/**
 * Escaped text with its web addresses as links, in texts of at most `maxChars` each; line breaks stay. A block of code ends in each and goes on in
 * the next: its end would else begin one there.
 */
export function mrkdwnTexts(text: string, maxChars: number): string[] {
  const texts: string[] = [];
  let current = "";
  for (const piece of pieces(text)) {
    if (current.length + piece.length <= maxChars - CODE.length) {
      current += piece;
      continue;
    }
    const isCode = current.split(CODE).length % 2 === 0;
    const endsNow = isCode && piece.startsWith(CODE);
    texts.push(isCode ? current + CODE : current);
    current = endsNow ? piece.slice(CODE.length) : isCode ? CODE + piece : piece;
  }
  return [...texts, current].filter((part) => part.trim() !== "");
}

function pieces(text: string): string[] {
  return text.split(LINK).flatMap((part, index) => {
    const escaped = escapeMrkdwn(part);
    if (index % 2 === 1 && escaped.length <= LONGEST_LINK_CHARS) return [`<${escaped}>`];
    return lines(part).map(escapeMrkdwn);
  });
}

/** Cut behind line breaks where there are some, and never within a character. Short lines stay together, since each piece takes its time. */
function lines(text: string): string[] {
  return text.match(LINES)?.flatMap(cut) ?? [];
}

function cut(line: string): string[] {
  if (line.length <= PIECE_CHARS) return [line];
  const parts: string[] = [];
  let current = "";
  for (const character of line) {
    if (current.length >= PIECE_CHARS) {
      parts.push(current);
      current = "";
    }
    current += character;
  }
  return [...parts, current];
}
