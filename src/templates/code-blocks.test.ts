import fc from "fast-check";
import MarkdownIt from "markdown-it";
import { expect, test } from "vitest";
import { withCodeEnded } from "./code-blocks.ts";

test.each([
  ["no code", "no code"],
  ["```\na\n```\nb", "```\na\n```\nb"],
  ["```js\na", "```js\na\n```"],
  ["  ````\na\n```", "  ````\na\n```\n````"],
  ["- a\n```\nb", "- a\n```\nb\n```"],
  ["~~~\na\n```\nb", "~~~\na\n```\nb\n~~~"],
  ["```\na\n``` b", "```\na\n``` b\n```"],
  ["```a``` is within a line", "```a``` is within a line"],
  ["a ```\nb", "a ```\nb"],
  ["    ```\n    a", "    ```\n    a"],
])("by lines, %j ends as %j", (text, ended) => {
  expect(withCodeEnded(text, "lines")).toBe(ended);
});

test.each([
  "1. Run:\n   ```\n   a",
  "1. Run:\n   ```\n   a\nThanks",
  "10. Run:\n    ```\n    a\nThanks",
  "- ```\n  a\nb",
  "1. a\n   - ```\n     b",
  "> ```\n> a",
])("a block within a list or a quotation ends with it: %j stays", (text) => {
  expect(withCodeEnded(text, "lines")).toBe(text);
});

test("however a text is put together, what stands behind it is in no block of code", () => {
  const parts = ["```", "~~~~", "\n", "\n\n", " ", "    ", "- ", "10. ", "> ", "a", "`", "# "];
  const text = fc.array(fc.constantFrom(...parts), { maxLength: 20 }).map((some) => some.join(""));
  fc.assert(
    fc.property(text, (some) => {
      const read = new MarkdownIt("commonmark").parse(`${withCodeEnded(some, "lines")}\nhttps://r.example.com/a`, {});
      expect(read.filter(({ content }) => content.includes("https:")).map(({ type }) => type)).toEqual(["inline"]);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["```a\nb```\nc", "```a\nb```\nc"],
  ["a ```\nb", "a ```\nb\n```"],
  ["```a``` and ```b", "```a``` and ```b\n```"],
  ["~~~\na", "~~~\na"],
])("wherever backticks stand, %j ends as %j", (text, ended) => {
  expect(withCodeEnded(text, "anywhere")).toBe(ended);
});
