import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidRecipient } from "../channel.ts";
import { parseEmailAddress } from "./address.ts";

describe("an e-mail address", () => {
  test.each([
    ["ann@example.com", "ann@example.com"],
    ["  ann@example.com\n", "ann@example.com"],
    ["Ann.O'Neil+tag@EXAMPLE.Com", "Ann.O'Neil+tag@example.com"],
    ["a_b-c/d=e@sub.example.co.uk", "a_b-c/d=e@sub.example.co.uk"],
    ["ann@bücher.example", "ann@xn--bcher-kva.example"],
    ["ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"],
    ["ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"],
    ["root@localhost", "root@localhost"],
    [`${"x".repeat(64)}@example.com`, `${"x".repeat(64)}@example.com`],
  ])("%j is %j", (text, normal) => {
    expect(parseEmailAddress(text)).toBe(normal);
  });

  test.each([
    "",
    "ann",
    "@example.com",
    "ann@",
    "ann@example",
    "ann@@example.com",
    "ann@bob@example.com",
    "ann@example.com,bob@example.com",
    "ann@example.com; bob@example.com",
    "ann@example.com bob@example.com",
    "Ann <ann@example.com>",
    "<ann@example.com>",
    '"ann"@example.com',
    '"a@b, c"@example.com',
    "ann(comment)@example.com",
    "ann\\@x@example.com",
    "ann@exa\r\nmple.com",
    "ann\r\nRCPT TO:<x@y.example>@example.com",
    "ann\u0000@example.com",
    "änn@example.com",
    "ann@[127.0.0.1]",
    "ann@127.0.0.1",
    "ann@１２７.０.０.１",
    "ann@-x.example.com",
    "ann@x-.example.com",
    "ann@exa_mple.com",
    "ann@example..com",
    "ann@.example.com",
    "ann@example.com.",
    ".ann@example.com",
    "ann.@example.com",
    "a..n@example.com",
    `${"x".repeat(65)}@example.com`,
    `ann@${"x".repeat(64)}.com`,
    `ann@${"abcdefgh.".repeat(30)}com`,
  ])("%j is refused, with what would be right", (text) => {
    expect(() => parseEmailAddress(text)).toThrow(InvalidRecipient);
    expect(() => parseEmailAddress(text)).toThrow(/^must /);
  });

  test("whatever the text: it is refused, or comes out as one address that stays as it is", () => {
    const characters = fc.constantFrom(..."ab@.,;:<>\"'()[]\\ \r\n\t\u0000äı\u3002\uff20\u2028-_+xn");
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 40 }), (text) => {
        let address: string;
        try {
          address = parseEmailAddress(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRecipient);
          return;
        }
        expect(address).toMatch(/^[!-~]+@[a-z0-9.-]+$/);
        expect(address).not.toMatch(/[,;:<>"()[\]\\]/);
        expect(address.split("@")).toHaveLength(2);
        expect(parseEmailAddress(address)).toBe(address);
      }),
      { numRuns: 2_000 },
    );
  });
});
