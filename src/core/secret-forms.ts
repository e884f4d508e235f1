/** Shorter ones are hardly secret, and would be found in too much. */
const SHORTEST_SECRET = 6;
/** As long as this, a piece of a secret between its separators is secret by itself: the token in a URL, say. */
const SHORTEST_PIECE = 16;
const SEPARATORS = /[/?&=:,\s]+/;

const ESCAPE = /\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%([0-9a-f]{2})|&#x([0-9a-f]{1,4});|\\(.)/gi;
const BASE64 = /[A-Za-z0-9+/_-]{8,}/g;
const HEX = /[0-9a-f]{12,}/gi;

/**
 * The text with `mask` in place of the secrets, as they are and in the forms that protocols and programs write them in; null
 * where it tells one of them all the same, in a form that can't be cut out. For what peers say, who may say back what they got.
 */
export function withoutSecrets(text: string, secrets: readonly string[], mask = "***"): string | null {
  const shown = secrets.flatMap(formsOf).reduce((all, form) => replaceForm(all, form, mask), text);
  return secrets.some((secret) => tellsSecret(shown, secret)) ? null : shown;
}

/** Whether the text has the secret, or a piece of it that is secret by itself, in any form in which it can be read again. */
export function tellsSecret(text: string, secret: string): boolean {
  const needles = piecesOf(secret)
    .flatMap((piece) => [piece, turned(piece)].map((each) => squashed(bytesOf(each))))
    .filter(({ length }) => length >= SHORTEST_SECRET);
  const found = readingsOf(text).map(squashed);
  return needles.some((needle) => found.some((reading) => reading.includes(needle)));
}

function turned(text: string): string {
  return [...text].reverse().join("");
}

function piecesOf(secret: string): string[] {
  const pieces = secret.split(SEPARATORS).filter(({ length }) => length >= SHORTEST_PIECE);
  return [secret, ...pieces];
}

/** The longest first: what is in another one would leave the rest of that. */
function formsOf(secret: string): string[] {
  if (secret === "") return [];
  const bytes = Buffer.from(secret);
  const escaped = JSON.stringify(secret).slice(1, -1);
  const encoded = [bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex")];
  const forms = new Set([secret, escaped, encodeURIComponent(secret.toWellFormed()), ...encoded]);
  return [...forms].sort((a, b) => b.length - a.length);
}

/** Hexadecimal digits and escapes in capitals or not. */
function replaceForm(text: string, form: string, mask: string): string {
  return text.replaceAll(new RegExp(form.replaceAll(/[^A-Za-z0-9]/g, "\\$&"), "gi"), () => mask);
}

/** The text as its bytes, what it says without its escapes, and what it says where it is encoded, whatever stands before that. */
function readingsOf(text: string): string[] {
  const plain = bytesOf(text);
  const once = unescaped(plain);
  const texts = [...new Set([plain, once, unescaped(once)])];
  const encoded = texts.flatMap((each) => [
    ...[...each.matchAll(BASE64)].flatMap(([run]) => [0, 1, 2, 3].map((at) => decoded(run.slice(at), "base64"))),
    ...[...each.matchAll(HEX)].flatMap(([run]) => [0, 1].map((at) => decoded(run.slice(at), "hex"))),
  ]);
  return [...texts, ...encoded];
}

function unescaped(text: string): string {
  return text.replaceAll(ESCAPE, (_, unit, byte, percent, entity, character) => {
    const code = unit ?? byte ?? percent ?? entity;
    if (code === undefined) return character;
    const letter = String.fromCharCode(Number.parseInt(code, 16));
    return percent === undefined && byte === undefined ? bytesOf(letter) : letter;
  });
}

/** A letter for each byte. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function decoded(run: string, encoding: "base64" | "hex"): string {
  return Buffer.from(run, encoding).toString("latin1");
}

/** Without what is written in different ways: capitals, spaces, and what a form has in their place. */
function squashed(text: string): string {
  return text.toLowerCase().replaceAll(/[\s+]+/g, "");
}
