import { expect, test } from "vitest";
import { explainLine } from "./line.ts";

test.each([
  ["bounced", "550 5.1.1 unknown", "A message came back, and its address is to blame: 550 5.1.1 unknown."],
  ["bounced_for_now", "452 full", "A message came back or is late, for which its address isn't blamed: 452 full."],
  ["complained", "the reader calls it spam", "The reader calls it spam."],
])("%s is told in a sentence, whatever words a mail server has for it", (type, because, sentence) => {
  const line = { told: "event", at: 0, id: 1, type, because, deliveryAttempt: null, checked: null } as const;
  expect(explainLine(line, { id: 1 }, "UTC").sentence).toBe(sentence);
});
