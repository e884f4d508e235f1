/** So many UTF-16 units of a text at most, one at least, and that it is cut where it is. No character is cut in two. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const kept = text.slice(0, Math.max(0, length - 1)).replace(/[\ud800-\udbff]$/, "");
  return `${kept.toWellFormed()}…`;
}
