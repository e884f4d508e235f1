/**
 * Text that a terminal shows as it is: escape sequences, other control characters and those that turn the writing
 * direction are shown by their number instead of being obeyed. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]|[\u2028\u2029\u202A-\u202E\u2066-\u2069]|\p{Surrogate}/gu,
    (character) => `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
}

/** A block with a bar on the left, so that a reader (and nobody's text) says where it begins and ends. */
export function framed(title: string, lines: readonly string[]): string {
  const body = printable(lines.join("\n"))
    .split("\n")
    .map((line) => `│ ${line}`.trimEnd());
  const heading = `┌── ${printable(title)} `;
  return `${[heading.padEnd(80, "─"), ...body, "└".padEnd(80, "─")].join("\n")}\n`;
}
