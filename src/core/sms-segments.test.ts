import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { smsSegments, toGsm7Friendly } from "./sms-segments.ts";

describe("an SMS travels in", () => {
  test.each([
    ["nothing", "", "GSM-7", 0, 0],
    ["160 septets: one part", "x".repeat(160), "GSM-7", 160, 1],
    ["161: two", "x".repeat(161), "GSM-7", 161, 2],
    ["306: two", "x".repeat(306), "GSM-7", 306, 2],
    ["307: three", "x".repeat(307), "GSM-7", 307, 3],
    ["the extension's characters take two", "€".repeat(80), "GSM-7", 160, 1],
    ["and aren't cut in two", `${"x".repeat(152)}€${"x".repeat(152)}`, "GSM-7", 306, 3],
    ["70 units of UCS-2: one part", "ж".repeat(70), "UCS-2", 70, 1],
    ["71: two", "ж".repeat(71), "UCS-2", 71, 2],
    ["134: two", "ж".repeat(134), "UCS-2", 134, 2],
    ["emoji take two, and aren't cut in two", `${"ж".repeat(66)}😀${"ж".repeat(66)}`, "UCS-2", 134, 3],
    ["one such character makes all of them cost more", `${"x".repeat(100)}ж`, "UCS-2", 101, 2],
    ["German and Greek capitals are in the alphabet", "ÄÖÜäöüßñàéÇΔΩ§", "GSM-7", 14, 1],
    ["a backtick and a small ç are not", "`ç", "UCS-2", 2, 1],
  ] as const)("%s", (_what, text, encoding, units, parts) => {
    expect(smsSegments(text)).toMatchObject({ encoding, units, parts });
  });

  test("room that is left is room for so much more, and no more", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("x", "€", "ж", "😀"), maxLength: 400 }), (text) => {
        const { unitsLeft, encoding, parts } = smsSegments(text);
        const more = encoding === "GSM-7" ? "x" : "ж";
        if (parts > 0) expect(smsSegments(text + more.repeat(unitsLeft)).parts).toBe(parts);
        expect(smsSegments(text + more.repeat(unitsLeft + 1)).parts).toBeGreaterThan(parts);
      }),
    );
  });
});

describe("what has a plain double is replaced", () => {
  test.each([
    ["„Zahlung“ – bitte\u00A0heute…", '"Zahlung" - bitte heute...'],
    ["it’s 10\u202F€", "it's 10 €"],
    ["a\r\nb\u2028c\td", "a\nb\nc d"],
    ["soft\u00ADhyphen\u200B", "softhyphen"],
    ["a\u0308 is ä", "ä is ä"],
    ["日本語 😀", "日本語 😀"],
  ])("%j: %j", (text, friendly) => {
    expect(toGsm7Friendly(text)).toBe(friendly);
  });

  test("what is friendly already stays as it is, and nothing is said twice differently", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(toGsm7Friendly(toGsm7Friendly(text))).toBe(toGsm7Friendly(text));
      }),
    );
    const plain = "Hello [world] {1} ~ ^ \\ | € @ £ é";
    expect(toGsm7Friendly(plain)).toBe(plain);
  });
});
