import { z } from "zod";
import { flagKey, MAX_FLAG_KEY_LENGTH, strayPlaceholder } from "../core/flag-key.ts";
import { readAnswer } from "../core/stop.ts";
import type { StopConditionKind } from "./condition.ts";

/** Met when the flag that the condition names is true in `status_flags`. */
export const dbCheck: StopConditionKind = {
  name: "db_check",
  description:
    "Met while a flag is true (see `/flags`). The value is its key, in which `{entity_type}`, `{entity_id}` and " +
    "`{event_type}` stand for the reminder's own.",
  example: { value: "feedback_submitted:{entity_id}" },
  value: z
    .string()
    .refine((value) => value.length <= MAX_FLAG_KEY_LENGTH || [...value].length <= MAX_FLAG_KEY_LENGTH, {
      error: `must have at most ${MAX_FLAG_KEY_LENGTH} characters`,
    })
    .superRefine((value, context) => {
      const stray = strayPlaceholder(value);
      if (stray === null) return;
      const message = `must have no other placeholders than {entity_type}, {entity_id} and {event_type}: ${stray} isn't filled in`;
      context.addIssue({ code: "custom", message });
    }),
  settings: null,
  asksOutside: false,
  flagKeys: ({ value }, reminder) => (value === null ? [] : [flagKey(value, reminder)]),
  answer: ({ value }, { reminder, flags }) => {
    const key = flagKey(value ?? "", reminder);
    const isSet = flags.get(key) ?? false;
    return readAnswer(isSet ? "met" : "not_met", `flag "${key}" is ${isSet ? "set" : "not set"}`);
  },
};
