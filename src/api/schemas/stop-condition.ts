import { z } from "zod";
import { check, type Flaw } from "../../conditions/check.ts";
import { kindOf, STOP_CONDITION_TYPES } from "../../conditions/registry.ts";
import { ON_UNKNOWN, type StopCondition } from "../../core/reminder.ts";
import { sentence } from "../validation.ts";
import { jsonObject, text } from "./fields.ts";

/** Longest value, in characters: an expression or an address may need it. */
const LONGEST_VALUE = 2_000;

/** The fields of a request that say until when. */
export const stopFields = {
  stop_condition_type: z
    .enum(STOP_CONDITION_TYPES as [string, ...string[]])
    .nullish()
    .describe("Kind of the stop condition, which is asked before every message: see `GET /conditions`."),
  stop_condition_value: text(LONGEST_VALUE)
    .nullish()
    .describe(
      "What the kind takes as text. For `db_check`: the flag's key, in which `{entity_type}`, `{entity_id}` and " +
        "`{event_type}` stand for the reminder's own.",
    ),
  stop_condition_settings: jsonObject.nullish().describe("What the kind takes as fields. For most: nothing."),
  on_unknown: z
    .enum(ON_UNKNOWN)
    .nullish()
    .describe(
      "What to do while nobody can say whether it is done, because what would say so doesn't answer. `hold` (as usual): " +
        "nothing is sent, and it is asked again, at longer and longer intervals. `send`: the message is sent.",
    ),
};

export interface StopFields {
  stop_condition_type?: string | null | undefined;
  stop_condition_value?: string | null | undefined;
  stop_condition_settings?: StopCondition["settings"] | undefined;
}

const TYPE = "stop_condition_type";

/** What is wrong with the stop condition that these fields make, by the schemas of its kind; what is undefined is null. */
export function stopFlaws(fields: StopFields): readonly Flaw[] {
  const {
    stop_condition_type: type,
    stop_condition_value: value = null,
    stop_condition_settings: settings = null,
  } = fields;
  if (type == null) {
    const [other] = Object.entries(fields).filter(([name, given]) => name.startsWith("stop_") && given != null);
    return other ? [{ path: [TYPE], message: `is required where ${other[0]} is given` }] : [];
  }
  if (value === null && kindOf({ type })?.value) return [missing("stop_condition_value")];
  if (settings === null && kindOf({ type })?.settings?.safeParse(undefined).success === false) {
    return [missing("stop_condition_settings")];
  }
  const isPlain = settings === null;
  if (isPlain && type === lastWhole.type && value === lastWhole.value) return [];
  const checked = check({ type, value, settings }, sentence);
  if (!("type" in checked)) return checked.map(byField);
  if (isPlain) lastWhole = { type, value };
  return [];
}

/** What was checked last and had no flaw: most of many that are created together have the same stop condition. */
let lastWhole: { type: string; value: string | null } = { type: "", value: null };

/** By the names of the fields that make a stop condition. */
export function byField({ path: [part, ...within], message }: Flaw): Flaw {
  return { path: [`stop_condition_${String(part)}`, ...within], message };
}

/** The stop condition that these fields make; `stopFlaws` has seen to it that it is whole. */
export function toStopCondition({ stop_condition_type: type, ...others }: StopFields): StopCondition | null {
  if (type == null) return null;
  return { type, value: others.stop_condition_value ?? null, settings: others.stop_condition_settings ?? null };
}

function missing(field: string): Flaw {
  return { path: [field], message: `is required where ${TYPE} is given` };
}
