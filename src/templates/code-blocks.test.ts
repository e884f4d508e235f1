import { expect, test } from "vitest";
import { withCodeEnded } from "./code-blocks.ts";

test.each([
  ["no code", "no code"],
  ["```\na\n```\nb", "```\na\n```\nb"],
  ["```js\na", "```js\na\n```"],
  ["  ````\na\n```", "  ````\na\n```\n````"],
  ["~~~\na\n```\nb", "~~~\na\n```\nb\n~~~"],
  ["```\na\n``` b", "```\na\n``` b\n```"],
  ["```a``` is within a line", "```a``` is within a line"],
  ["a ```\nb", "a ```\nb"],
])("%j ends as %j", (text, ended) => {
  expect(withCodeEnded(text)).toBe(ended);
});
