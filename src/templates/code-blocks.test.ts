import fc from "fast-check";
import MarkdownIt from "markdown-it";
import { expect, test } from "vitest";
import { firstWithRoom, withCodeEnded, withoutCode } from "./code-blocks.ts";

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

test("what lies too deep in one another to be read begins no block", () => {
  const deep = `${"- ".repeat(30)}a\n~~~~\nb`;
  expect(withCodeEnded(deep, "lines")).toBe(deep.replace("~~~~", "~~\u200b~~"));
});

test("a block is one of the text as it is written, which may not be as it was", () => {
  const apart = (text: string): string => text.replaceAll("\n", "\n\n");
  expect(withCodeEnded("- a\nb\n  ```\nc", "lines")).toBe("- a\nb\n  ```\nc");
  expect(withCodeEnded("- a\nb\n  ```\nc", "lines", apart)).toBe("- a\nb\n  ```\nc\n```");
});

test("what is disarmed before it is sent begins no HTML, and so hides no block", () => {
  expect(withCodeEnded("<pre>\n```\na", "lines")).toBe("<pre>\n```\na\n```");
});

test.each([
  ["```\na\n```\nb", "```\na\n```\nb"],
  ["```js\na", "```js\na\n```"],
  ["```\na\n````", "```\na\n````\n```"],
  [" ```\na\n```", " ```\na\n```\n```"],
  ["1. Run:\n   ```\n   a", "1. Run:\n   ```\n   a"],
  ["```quote\n```js\na\n```\n```\nb", "```quote\n```js\na\n```\n```\nb"],
  ["````quote\n```\na", "````quote\n```\na\n```\n````"],
  ["````quote\n```\na\n````\nb", "````quote\n```\na\n````\nb\n```\n````"],
  ["~~~quote\n```\na\n~~~\nb", "~~~quote\n```\na\n~~~\nb\n```\n~~~"],
  ["```{.py}\na", "```{.py}\na\n```"],
  ["``` py the title\na", "``` py the title\na\n```"],
])("at the margin, %j ends as %j", (text, ended) => {
  expect(withCodeEnded(text, "margin")).toBe(ended);
});

test.each(["```(see)\na", '~~~"a"\nb', "```{\na", "```a ~\nb"])(
  "%j, of which versions of Zulip differ in whether it is one, begins no block at the margin",
  (text) => {
    expect(withCodeEnded(text, "margin")).toBe(withoutCode(text));
  },
);

test.each(["a ```", "``````\na", "```\n```\na"])(
  "%j, of which readers differ in where it ends, begins no block",
  (text) => {
    expect(withCodeEnded(text, "anywhere")).toBe(withoutCode(text));
    const none = withCodeEnded(text, "throughout");
    expect(none.replaceAll("\u02cb", "`")).toBe(withoutCode(text));
    expect(none).not.toContain("```");
  },
);

test.each([
  ["Ann`s contract", "Ann\u02cbs contract"],
  ["`a` and Ann`s", "`a` and Ann\u02cbs"],
  ["``a` b", "\u02cb\u02cba\u02cb b"],
  ["```\nAnn`s\n```\nBob`s", "```\nAnn`s\n```\nBob\u02cbs"],
  ["a ```", "a \u02cb\u02cb\u200b\u02cb"],
  ["```sh\necho `date", "```sh\necho `date\n```"],
])("a mark alone, which code over several lines may begin with, is none: %j is sent as %j", (text, sent) => {
  expect(withCodeEnded(text, "throughout")).toBe(sent);
});

test.each(["lines", "margin", "anywhere"] as const)(
  "where code within a line ends with that (%s), a mark alone on one line takes nothing from the code of another",
  (marks) => {
    const text = "Ann`s contract\nRun `make`";
    expect(withCodeEnded(text, marks)).toBe(text);
  },
);

test("room for the end of code is made in a few tries, or not at all", () => {
  const tried: number[] = [];
  const write = (end: number) => (count: number) => {
    tried.push(count);
    return "a".repeat(count + end);
  };
  expect(firstWithRoom(100, write(4), ({ length }) => length - 100)).toHaveLength(100);
  expect(tried).toEqual([100, 96]);
  expect(firstWithRoom(1_000, write(101), ({ length }) => Math.min(1, length - 100))).toBeNull();
  expect(tried).toHaveLength(5);
});

test.each([
  ["```a\nb```\nc", "```a\nb```\nc"],
  ["a ```\nb", "a ```\nb\n```"],
  ["```a``` and ```b", "```a``` and ```b\n```"],
  ["~~~\na", "~~~\na"],
])("wherever backticks stand, %j ends as %j", (text, ended) => {
  expect(withCodeEnded(text, "anywhere")).toBe(ended);
});
