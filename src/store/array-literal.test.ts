import fc from "fast-check";
import pg from "pg";
import { expect, test } from "vitest";
import { arrayLiteral } from "./array-literal.ts";

// 1009: an array of texts.
const parse = pg.types.getTypeParser(1009 as number, "text") as (text: string) => (string | null)[];

test("reads as what it was made of, whatever the texts", () => {
  const texts = fc.array(fc.option(fc.string({ unit: "binary" }), { nil: null }));
  fc.assert(
    fc.property(texts, (values) => {
      expect(parse(arrayLiteral(values) as string)).toEqual(values);
    }),
  );
  for (const odd of ["", "null", "NULL", "{}", "a,b", '"', "\\", '\\"', " ", "\n", "}"])
    expect(parse(arrayLiteral([odd, null]) as string)).toEqual([odd, null]);
});

test("numbers and truths are written as they are", () => {
  expect(arrayLiteral([1, -2.5, 2 ** 53, null, true, undefined])).toBe("{1,-2.5,9007199254740992,NULL,true,NULL}");
  expect(arrayLiteral([])).toBe("{}");
});

test("what else there may be is left to pg", () => {
  for (const value of [new Date(0), Buffer.from("x"), ["a"], { a: 1 }, 1n]) expect(arrayLiteral([1, value])).toBeNull();
});
