/**
 * An array parameter as PostgreSQL reads it (its manual, §8.15.2), where it holds nothing but texts, numbers and truths; else null. A batch is
 * a dozen of arrays with hundreds of elements each, and pg would take each number for a text that may have to be escaped.
 */
export function arrayLiteral(values: readonly unknown[]): string | null {
  let literal = "{";
  for (const [index, value] of values.entries()) {
    const element = elementOf(value);
    if (element === null) return null;
    literal += index === 0 ? element : `,${element}`;
  }
  return `${literal}}`;
}

function elementOf(value: unknown): string | null {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "string") return `"${isPlain(value) ? value : value.replace(/["\\]/g, "\\$&")}"`;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}

function isPlain(text: string): boolean {
  return !text.includes('"') && !text.includes("\\");
}
