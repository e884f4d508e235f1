import { z } from "zod";
import { type Instant, toIso } from "../core/instant.ts";
import { addDate, parseDuration } from "../core/schedule/duration.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { readAnswer } from "../core/stop.ts";
import type { StopConditionKind } from "./condition.ts";

const MUST_BE =
  "must be an instant of ISO 8601 with Z or an offset, like 2026-01-31T09:00:00Z, or how long after the reminder's creation " +
  "as a duration of at most ten years, like P14D or PT36H";
/** The last instant that the engine can hold. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const isoInstant = z.iso.datetime({ offset: true });

/** Met from an instant on: the whole question is what time it is. */
export const deadline: StopConditionKind = {
  name: "deadline",
  description:
    "Met from an instant on. The value is that instant (`2026-01-31T09:00:00Z`), or how long after the reminder's creation it " +
    "is, as a duration of ISO 8601 (`P14D`, `PT36H`; days, months and years by the calendar in UTC).",
  example: { value: "P14D" },
  value: z
    .string()
    .max(100)
    .refine((value) => deadlineAt(value, 0) !== null, { error: MUST_BE }),
  settings: null,
  asksOutside: false,
  completionReason: "deadline",
  answer: ({ value }, { reminder, now }) => {
    const at = deadlineAt(value ?? "", reminder.createdAt);
    if (at === null) return readAnswer("unknown", `its deadline ${MUST_BE}, not ${JSON.stringify(value)}`);
    const isMet = now >= at;
    return readAnswer(isMet ? "met" : "not_met", `its deadline ${isMet ? "was" : "is"} ${toIso(at)}`);
  },
};

/** The instant that this value means for a reminder created then; null: it means none. */
function deadlineAt(value: string, createdAt: Instant): Instant | null {
  const at = isoInstant.safeParse(value).success ? Date.parse(value) : afterCreation(value, createdAt);
  return at !== null && Number.isFinite(at) && at <= LATEST ? at : null;
}

function afterCreation(value: string, createdAt: Instant): Instant | null {
  try {
    const duration = parseDuration(value);
    const at = addDate(createdAt, duration) + duration.ms;
    return at > createdAt ? at : null;
  } catch (error) {
    if (error instanceof RuleError) return null;
    throw error;
  }
}
