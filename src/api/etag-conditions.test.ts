import { expect, test } from "vitest";
import { conditionsOf } from "./etag-conditions.ts";

const ifMatch = (header: string) => conditionsOf({ headers: { "if-match": header } } as never).ifMatch;

test("tags are read with spaces around them and commas in them, and empty elements are none", () => {
  expect(ifMatch(' , "a" ,\t W/"b,c",, "d"\t')).toEqual([
    { opaque: '"a"', isWeak: false },
    { opaque: '"b,c"', isWeak: true },
    { opaque: '"d"', isWeak: false },
  ]);
  expect(ifMatch(" * ")).toBe("*");
});

test.each(["a", '"a" "b"', 'W/ "a"', '"a', ", ,", ""])("%j is refused", (header) => {
  expect(() => ifMatch(header)).toThrow("must be * or entity tags");
});

test("a header of nothing but spaces holds nobody else up", () => {
  const { user } = process.cpuUsage();
  expect(() => ifMatch(`"a",${"\t".repeat(200_000)}/`)).toThrow("must be * or entity tags");
  expect((process.cpuUsage().user - user) / 1_000).toBeLessThan(1_000);
});
