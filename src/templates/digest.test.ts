import MarkdownIt from "markdown-it";
import { expect, test } from "vitest";
import { exampleMessage } from "../../test/support/message.ts";
import { testLinks } from "../secrets/test-link.ts";
import { countThatFits, type Item, writeDigest } from "./digest.ts";
import { renderMessage } from "./render.ts";

const AT = Date.UTC(2026, 0, 20, 9);

function item(reminderId: number, hasLinks = true, said = "Please."): Item {
  const links = testLinks("https://r.example.com", { tenant: `t${reminderId}`, reminderId, at: AT });
  const message = exampleMessage({ reminder: { id: reminderId, subject: `S${reminderId}`, message: said } });
  const written = hasLinks ? { ...message, links } : message;
  return { message: written, rendered: renderMessage(written) };
}

test("in short each of several has the one link that leads to its answers, in full it has each of them", () => {
  const items = [item(1), item(2)];
  const { body, text, html, allAnswers } = writeDigest(items);
  expect(body.match(/^Answer: https:\/\/r\.example\.com\/a\/test-answer-x*$/gm)).toHaveLength(2);
  expect(body.match(/https?:/g)).toHaveLength(2);
  for (const form of [text, html]) {
    expect(form.match(/test-done-x/g)).toHaveLength(2);
    expect(form).not.toContain("test-answer");
  }
  expect(allAnswers).toBeNull();
});

test("where it leads to one page of all of them, its text has no links", () => {
  const items = [1, 2, 3, 4, 5].map((id) => item(id));
  const { body, allAnswers } = writeDigest(items, "https://r.example.com/a/all");
  expect(allAnswers).toEqual({ label: "Answer", url: "https://r.example.com/a/all" });
  expect(body).toMatch(/^5 are open:\n\n1\. S1\nPlease\.\n\n2\. S2/);
  expect(body).not.toContain("https:");
  expect(countThatFits(items, { maxDigestChars: body.length })).toBeLessThan(5);
});

test("one that is left alone says what it would have said by itself, where it is led to", () => {
  const url = "https://r.example.com/a/all";
  const { subject, title, body, allAnswers } = writeDigest([item(1)], url);
  expect([subject, title, body]).toEqual(["S1", "S1", "Please."]);
  expect(allAnswers?.url).toBe(url);
  expect(writeDigest([item(1, true, "Please. ".repeat(9))], url, { maxDigestChars: 20 }).body).toHaveLength(20);
  expect(writeDigest([item(1)]).subject).toBe("1 reminder for you");
});

test("without links nothing is said of answers", () => {
  const { body, text, allAnswers } = writeDigest([item(1, false), item(2, false)]);
  expect(`${body}${text}`).not.toMatch(/Answer|https?:/);
  expect(allAnswers).toBeNull();
});

test("a block of code that one of them doesn't end takes in no link, neither its own nor those of others", () => {
  const { body } = writeDigest([item(1, true, "Run:\n```\nnpm test"), item(2)], null, { codeMarks: "lines" });
  expect(body).toMatch(/\n```\nnpm test\n```\nAnswer: https:/);
});

test.each([
  [
    "far enough from the margin to be part of its item",
    "Run:\n   ```\n   npm test\nThanks",
    "Run:\n   ```\n   npm test\nThanks",
  ],
  ["in a list of its own", "1. Run:\n   ```\n   npm test\nThanks", "1. Run:\n   ```\n   npm test\nThanks"],
  ["at the margin", "1. Run:\n```\nnpm test", "1. Run:\n```\nnpm test\n```"],
])("a block of code %s takes in no link", (_, text, ended) => {
  const { body } = writeDigest([item(1, true, text), item(2)], null, { codeMarks: "lines" });
  expect(body).toContain(`1. S1\n${ended}\nAnswer: https:`);
  const links = new MarkdownIt("commonmark").parse(body, {}).filter(({ content }) => content.includes("https:"));
  expect(links.map(({ type }) => type)).toEqual(["inline", "inline"]);
});

test("a title that looks like the beginning of a block isn't one behind its number", () => {
  const first = item(1, true, "Today.");
  const { body } = writeDigest([{ ...first, rendered: { ...first.rendered, title: "~~~~ Sale" } }, item(2)], null, {
    codeMarks: "lines",
  });
  expect(body).toContain("1. ~~~~ Sale\nToday.\nAnswer: https:");
});

test("where blocks of code mean nothing, or there is no link to be pressed, none is ended", () => {
  const items = [item(1, true, "~~~~\nSale"), item(2)];
  expect(writeDigest(items).body).toContain("\n~~~~\nSale\nAnswer: https:");
  expect(writeDigest(items, "https://r.example.com/a/all", { codeMarks: "lines" }).body).not.toContain("Sale\n~");
});

test("one alone that is too long is cut itself, and keeps its link whole", () => {
  const long = item(1, true, `${"👩‍👩‍👧 sehr lang ".repeat(300)}.`);
  const room = { maxDigestChars: 1_450 };
  expect(countThatFits([long, item(2)], room)).toBe(1);
  const { body, text } = writeDigest([long], null, room);
  expect(body).toMatch(
    /^1 is open:\n\n1\. S1\n👩‍👩‍👧 sehr lang .*…\nAnswer: https:\/\/r\.example\.com\/a\/test-answer-x*$/s,
  );
  expect(body.length).toBeGreaterThan(1_400);
  expect(body.length).toBeLessThanOrEqual(1_450);
  expect(text).toContain("lang .");
});
