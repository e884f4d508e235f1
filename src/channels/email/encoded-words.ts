/** As base64 52 characters, with those that say what it is 64: one fits into a line beside a header's name (RFC 2047 §2 allows 75). */
const MOST_BYTES = 39;

/**
 * A text as words that are encoded (RFC 2047), for a header. Who reads it gets just this, also where it looks like such words itself:
 * left as it is, it would be shown as what they stand for, be that a line's end or what turns the writing direction.
 */
export function encodedWords(text: string): string {
  const words: string[] = [];
  let word = "";
  for (const character of text.toWellFormed()) {
    if (Buffer.byteLength(word + character) > MOST_BYTES) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  return [...words, word].map((part) => `=?UTF-8?B?${Buffer.from(part).toString("base64")}?=`).join(" ");
}
