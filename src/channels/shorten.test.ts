import { expect, test } from "vitest";
import { shorten } from "./shorten.ts";

test.each([
  [8, "Pay 🙂🙂"],
  [7, "Pay 🙂…"],
  [6, "Pay …"],
  [5, "Pay …"],
  [0, "…"],
])("in %d units no character is cut in two", (length, shown) => {
  expect(shorten("Pay 🙂🙂", length)).toBe(shown);
});
