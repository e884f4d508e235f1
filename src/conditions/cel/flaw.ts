/** An expression that can't be taken. The message goes on from what it is: "must be an expression: column 7: ...". */
export class ExpressionFlaw extends Error {
  override name = "ExpressionFlaw";

  constructor(text: string, at: number | undefined, what: string) {
    super(at === undefined ? what : `${placeOf(text, at)}: ${what}`);
  }
}

/** Where in a text something is, as people count: from 1. */
export function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split("\n");
  const column = `column ${(before.at(-1) ?? "").length + 1}`;
  return text.includes("\n") ? `line ${before.length}, ${column}` : column;
}
