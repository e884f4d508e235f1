import { z } from "zod";
import { readAnswer } from "../core/stop.ts";
import type { StopConditionKind } from "./condition.ts";

const MUST_BE = 'must be a whole number from 1 to 999999 as text, like "5"';
const PATTERN = /^[1-9]\d{0,5}$/;

/** Met once so many of the reminder's messages were sent. What failed or was held back doesn't count. */
export const maxAttempts: StopConditionKind = {
  name: "max_attempts",
  description:
    "Met once so many of the reminder's messages were sent. Messages that failed or were held back don't count, and a message " +
    "that needed several delivery attempts counts once. The value is the number, as text.",
  example: { value: "5" },
  value: z.string().regex(PATTERN, { error: MUST_BE }),
  settings: null,
  asksOutside: false,
  completionReason: "max_attempts",
  answer: ({ value }, { counts }) => {
    if (value === null || !PATTERN.test(value)) {
      return readAnswer("unknown", `its number of messages ${MUST_BE}, not ${JSON.stringify(value)}`);
    }
    const because = `${counts.sent} of ${value} messages were sent`;
    return readAnswer(counts.sent >= Number(value) ? "met" : "not_met", because);
  },
};
