import { expect, test } from "vitest";
import { withCodeEnded } from "./code-blocks.ts";

test.each([
  ["no code", "no code"],
  ["```\na\n```\nb", "```\na\n```\nb"],
  ["```js\na", "```js\na\n```"],
  ["  ````\na\n```", "  ````\na\n```\n  ````"],
  ["1. Run:\n   ```\n   a", "1. Run:\n   ```\n   a\n   ```"],
  ["~~~\na\n```\nb", "~~~\na\n```\nb\n~~~"],
  ["```\na\n``` b", "```\na\n``` b\n```"],
  ["```a``` is within a line", "```a``` is within a line"],
  ["a ```\nb", "a ```\nb"],
])("by lines, %j ends as %j", (text, ended) => {
  expect(withCodeEnded(text, "lines")).toBe(ended);
});

test.each([
  ["```a\nb```\nc", "```a\nb```\nc"],
  ["a ```\nb", "a ```\nb\n```"],
  ["```a``` and ```b", "```a``` and ```b\n```"],
  ["~~~\na", "~~~\na"],
])("wherever backticks stand, %j ends as %j", (text, ended) => {
  expect(withCodeEnded(text, "anywhere")).toBe(ended);
});
