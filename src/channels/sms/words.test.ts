import { expect, test } from "vitest";
import { exampleMessage } from "../../../test/support/message.ts";
import { smsSegments } from "../../core/sms-segments.ts";
import { testLinks } from "../../secrets/test-link.ts";
import { writeDigest } from "../../templates/digest.ts";
import { renderMessage } from "../../templates/render.ts";
import { MOST_SMS_CHARS, smsText } from "./words.ts";

const AT = Date.UTC(2026, 0, 20, 9);
const links = testLinks("https://reminders.example.com", { tenant: "default", reminderId: 4711, at: AT });

/** A built-in message, and the same as it was when its one link said that it is done. */
function written(locale: string, changes: { message: string | null }) {
  const contact = { name: "Ann", email: null, timeZone: "Europe/Berlin", locale };
  const reminder = { ...{ entityType: "invoice", entityId: "42", eventType: "payment" }, ...changes };
  const rendered = renderMessage(exampleMessage({ contact, links, reminder, occurrenceAt: AT }));
  const [done] = rendered.answers;
  return { now: smsText(rendered), before: smsText({ ...rendered, allAnswers: done ?? null }) };
}

test.each([
  ["en", "Answer: "],
  ["de", "Antworten: "],
  ["fr", "Répondre: "],
  ["es", "Responder: "],
])("in %s, one link leads to all answers, and costs no more than the one to say that it is done", (locale, label) => {
  for (const message of [null, "Ok?"]) {
    const { now, before } = written(locale, { message });
    expect(now.split("\n").at(-1)).toBe(`${label}${links.answer}`);
    expect(now).not.toContain(links.done);
    const [one, other] = [smsSegments(now), smsSegments(before)];
    expect(smsSegments(label).encoding).toBe("GSM-7");
    // The links' own names are of different lengths here; signed ones are as long as each other.
    expect(one.units - other.units - (links.answer.length - links.done.length)).toBeLessThanOrEqual(4);
    expect([one.encoding, one.parts]).toEqual([other.encoding, other.parts]);
  }
});

test("of several, the first may be too long for any SMS: it is cut, and not its link", () => {
  const message = exampleMessage({ links, reminder: { subject: "Rent", message: "Please pay. ".repeat(300) } });
  const digest = writeDigest([{ message, rendered: renderMessage(message) }], null, {
    maxDigestChars: MOST_SMS_CHARS - 150,
  });
  const sms = smsText(digest);
  expect(sms.length).toBeLessThanOrEqual(MOST_SMS_CHARS);
  expect(sms.split("\n").at(-1)).toBe(`Answer: ${links.answer}`);
});
