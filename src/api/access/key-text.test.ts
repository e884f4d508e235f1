import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { idOf, isKeyOf, newKey } from "./key-text.ts";

test("a key is told by its beginning, names its id, and is kept as its SHA-256", () => {
  const { id, text, hash } = newKey();
  expect(text).toMatch(/^rmd_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
  expect(idOf(text)).toBe(id);
  expect(hash).toEqual(createHash("sha256").update(text).digest());
  // 43 letters out of 62.
  expect(43 * Math.log2(62)).toBeGreaterThan(192);
});

test("of many keys no two share an id or a secret, and every letter is used", () => {
  const keys = Array.from({ length: 2_000 }, newKey);
  expect(new Set(keys.map(({ id }) => id)).size).toBe(keys.length);
  expect(new Set(keys.map(({ text }) => text.slice(17))).size).toBe(keys.length);
  expect(new Set(keys.flatMap(({ text }) => [...text.slice(17)])).size).toBe(62);
});

test("one wrong, missing or swapped letter anywhere makes it no key", () => {
  const { text } = newKey();
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom(..."0aZ_-9é "), (at, letter) => {
      fc.pre(text[at] !== letter);
      expect(idOf(text.slice(0, at) + letter + text.slice(at + 1))).toBeNull();
      expect(idOf(text.slice(0, at) + text.slice(at + 1))).toBeNull();
    }),
  );
  expect(idOf("")).toBeNull();
  expect(idOf(`${text}\n`)).toBeNull();
});

test("only the whole key fits its hash", () => {
  const { text, hash } = newKey();
  expect(isKeyOf(hash, text)).toBe(true);
  expect(isKeyOf(hash, newKey().text)).toBe(false);
  expect(isKeyOf(hash, text.slice(0, -1))).toBe(false);
  expect(isKeyOf(hash.subarray(0, 31), text)).toBe(false);
});
