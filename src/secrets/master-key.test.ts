import { inspect } from "node:util";
import { expect, test } from "vitest";
import { BadKey, newMasterKey, parseMasterKeys } from "./master-key.ts";

test("keys come in their order, separated by whatever people put between them, with or without comments", () => {
  const [first, second, third] = [newMasterKey(), newMasterKey(), newMasterKey()];
  const ids = [first, second, third].map((text) => parseMasterKeys(text)[0]?.id);

  expect(new Set(ids).size).toBe(3);
  for (const text of [
    `${first},${second}, ${third}`,
    `\n${first}\r\n${second}\n${third}\n`,
    `# made in May\n${first}\n  # the one before\n${second} ${third}`,
    [first, second, third].map((key) => key.replaceAll("+", "-").replaceAll("/", "_").replace("=", "")).join(" "),
  ]) {
    expect(parseMasterKeys(text).map(({ id }) => id)).toEqual(ids);
  }
});

test.each([
  ["nothing", ""],
  ["only a comment", "# AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk="],
  ["a password", "correct horse battery staple"],
  ["16 bytes", Buffer.from("0123456789abcdef").toString("base64")],
  ["33 bytes", Buffer.alloc(33, "0123456789abcdef").toString("base64")],
  ["64 hex digits", "0123456789abcdef".repeat(4)],
  ["zeros", Buffer.alloc(32).toString("base64")],
  ["one character over and over", Buffer.alloc(32, "x").toString("base64")],
  ["a good one and a bad one", `${newMasterKey()} oops-not-a-key`],
])("%s is refused without being quoted", (_, text) => {
  expect(() => parseMasterKeys(text)).toThrow(BadKey);
  try {
    parseMasterKeys(text);
  } catch (error) {
    for (const word of text.split(/\s+/).filter((part) => part.length > 5)) {
      expect((error as Error).message).not.toContain(word);
    }
  }
});

test("a key that is printed shows nothing of itself", () => {
  const text = newMasterKey();
  const bytes = Buffer.from(text, "base64");
  const shown = inspect(parseMasterKeys(text), { depth: 10, showHidden: true }) + JSON.stringify(parseMasterKeys(text));

  for (const form of [text, bytes.toString("hex"), bytes.toString("latin1")]) expect(shown).not.toContain(form);
});
