import fc from "fast-check";
import { expect, test } from "vitest";
import { tellsSecret, withoutSecrets } from "./secret-forms.ts";

const SECRET = 'Zp4.canary-7f3a "9+/&=é';
const bytes = Buffer.from(SECRET);
const hex = bytes.toString("hex");

const FORMS: [string, string][] = [
  ["as it is", SECRET],
  ["in capitals", SECRET.toUpperCase()],
  ["in a JSON string", JSON.stringify(SECRET)],
  ["in a JSON string within one", JSON.stringify(JSON.stringify(SECRET))],
  ["by the numbers of its characters", [...SECRET].map((c) => `\\u${hexOf(c.charCodeAt(0), 4)}`).join("")],
  ["percent-encoded", encodeURIComponent(SECRET)],
  ["percent-encoded as a whole", hex.replace(/../g, "%$&")],
  ["as a form has it", new URLSearchParams({ it: SECRET }).toString()],
  ["in base64", bytes.toString("base64")],
  ["in base64url", bytes.toString("base64url")],
  ["in base64 with a name before it", btoa(`u:${bytes.toString("latin1")}`)],
  ["in base64 as SMTP has it", Buffer.from(`\0u\0${SECRET}`).toString("base64")],
  ["in base64 in a URL", encodeURIComponent(bytes.toString("base64"))],
  ["in hexadecimal digits", hex],
  ["in capital ones", hex.toUpperCase()],
  ["in such behind an odd one", `0${hex}`],
  ["turned around", [...SECRET].reverse().join("")],
];

function hexOf(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}

test.each(FORMS)("a secret is found %s, and nothing of it is left", (_, form) => {
  const shown = withoutSecrets(`535 no ${form} here`, [SECRET]);
  expect(tellsSecret(`535 no ${form} here`, SECRET) || shown?.includes("***")).toBe(true);
  expect(shown === null || !tellsSecret(shown, SECRET)).toBe(true);
});

test("what can be cut out is, and the rest is shown", () => {
  const said = `535 no ${SECRET}, ${bytes.toString("base64")} or ${hex.toUpperCase()}: try again`;
  expect(withoutSecrets(said, [SECRET])).toBe("535 no ***, *** or ***: try again");
});

test("the token in a URL is secret by itself, and so is the key behind a name", () => {
  const url =
    "https://chat.example.com/v1/spaces/AAAAMpdlehY/messages?key=0123456789abcdefgh&token=canary-of-it-0123456789";
  expect(tellsSecret("m-canary-of-it-0123456789", url)).toBe(true);
  expect(tellsSecret("spaces/AAAAMpdlehY/messages/xyz", url)).toBe(false);
  expect(tellsSecret("secretkey0123456789", "bot@chat.example.com:SecretKey0123456789")).toBe(true);
});

test("texts that don't tell it stay as they are, whatever they are", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      expect(withoutSecrets(text, [SECRET, "$&$1(.*", ""])).toBe(text);
    }),
  );
});
