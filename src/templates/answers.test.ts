import { expect, test } from "vitest";
import { PURPOSES, type Purpose } from "../core/answer.ts";
import { type Renderable, renderMessage } from "./render.ts";

const AT = Date.UTC(2026, 10, 27, 9);

function message(fields: Partial<Renderable> = {}): Renderable {
  return {
    recipient: "ann@example.com",
    reminder: {
      ...{ id: 1, entityType: "interviewer", entityId: "INT_100", eventType: "feedback_form" },
      ...{ subject: null, message: null, timeZone: "UTC", createdAt: AT, data: {} },
    },
    contact: null,
    ...{ occurrenceAt: AT, occurrenceNumber: 2, nextRunAt: AT + 86_400_000 },
    ...fields,
  };
}

const links = Object.fromEntries(
  PURPOSES.map((purpose) => [purpose, `https://r.example.com/a/${purpose}?x="&y`]),
) as Record<Purpose, string>;

const EACH = PURPOSES.filter((purpose) => purpose !== "answer");

test("with links, each answer is a button in HTML and a line in text; what stops it stands small beneath", () => {
  const { text, html, answers, allAnswers } = renderMessage(message({ links }));
  expect(answers.map(({ label, isQuiet }) => [label, isQuiet])).toEqual([
    ["Done", false],
    ["Snooze", false],
    ["I’ll do it by…", false],
    ["Not me", false],
    ["Stop these", true],
    ["Why do I get this?", true],
  ]);
  expect(allAnswers).toEqual({ label: "Answer", url: links.answer });
  expect(`${text}${html}`).not.toContain("/a/answer");
  for (const { label, url } of answers) expect(text.split("\n")).toContain(`${label}: ${url}`);
  const [above, beneath] = text.split("-- \n");
  expect(above).toContain("Done: ");
  expect(above).not.toContain("Stop these: ");
  expect(beneath).toContain("Stop these: ");
  for (const purpose of EACH) {
    expect(html).toContain(`href="https://r.example.com/a/${purpose}?x=&quot;&amp;y"`);
  }
});

test("without links, nothing is said of answers", () => {
  const { text, html, answers, allAnswers } = renderMessage(message());
  expect([answers, allAnswers]).toEqual([[], null]);
  expect(text).not.toMatch(/Snooze|Stop these|Done:/);
  expect(html).not.toMatch(/Snooze|Stop these|<a /);
});

test("a promise that wasn't kept is told; the end of a snooze is a reminder like any other", () => {
  const told = renderMessage(message({ endsSilence: { until: AT, by: "acknowledgement" } }));
  expect(told.text).toContain("Promised: it would be done by now, and it isn’t yet");
  expect(renderMessage(message({ endsSilence: { until: AT, by: "snooze" } })).text).not.toContain("Promised");
});
