import { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import type { StopCondition } from "../core/reminder.ts";
import type { StopAnswer, StopState } from "../core/stop.ts";
import type { CombiningKind } from "./condition.ts";

/** A condition inside another has at most so many around it. */
export const MAX_DEPTH = 4;
/** A condition is made of at most so many that aren't made of others. */
export const MAX_LEAVES = 20;
const LONGEST_BECAUSE = 500;

/** Which of them it can be, the registry knows: it looks at each with the schemas of its kind. */
const part = z.strictObject({
  type: z.string().min(1).max(50),
  value: z.string().nullish(),
  settings: z.record(z.string(), z.json()).nullish(),
});
type Part = z.output<typeof part>;

const several = z.strictObject({
  conditions: z.array(part).min(1).max(MAX_LEAVES),
}) as unknown as z.ZodType<JsonObject>;
const one = z.strictObject({ condition: part }) as unknown as z.ZodType<JsonObject>;

const exampleParts = [
  { type: "db_check", value: "paid:{entity_id}" },
  { type: "deadline", value: "P30D" },
];

/** Met when all of them are. */
export const allOf: CombiningKind = {
  name: "all_of",
  description:
    "Met when all of its conditions are; not met as soon as one is not, whatever the others say; else unknown. Conditions " +
    "that ask outside are only asked where the others leave it open, in their order.",
  example: { settings: { conditions: exampleParts } },
  value: null,
  settings: several,
  parts: partsOf,
  combine: (answers) => decided("not_met", answers) ?? together("met", answers),
};

/** Met when one of them is. */
export const anyOf: CombiningKind = {
  name: "any_of",
  description:
    "Met as soon as one of its conditions is, whatever the others say; not met when none of them is; else unknown. Conditions " +
    "that ask outside are only asked where the others leave it open, in their order.",
  example: { settings: { conditions: exampleParts } },
  value: null,
  settings: several,
  parts: partsOf,
  combine: (answers) => decided("met", answers) ?? together("not_met", answers),
};

/** Met when its condition is not. */
export const not: CombiningKind = {
  name: "not",
  description: "Met when its condition is not met, and the other way round; unknown where that is unknown.",
  example: { settings: { condition: { type: "db_check", value: "on_hold:{entity_id}" } } },
  value: null,
  settings: one,
  parts: partsOf,
  combine: ([answer]) => {
    if (!answer) return null;
    const opposite: Record<StopState, StopState> = { met: "not_met", not_met: "met", unknown: "unknown" };
    return { ...answer, state: opposite[answer.state] };
  },
};

function partsOf({ settings }: StopCondition): ReturnType<CombiningKind["parts"]> {
  const { conditions, condition } = settings as unknown as { conditions?: Part[]; condition?: Part };
  if (condition) return [{ condition: toCondition(condition), path: ["condition"] }];
  return (conditions ?? []).map((each, index) => ({ condition: toCondition(each), path: ["conditions", index] }));
}

function toCondition({ type, value, settings }: Part): StopCondition {
  return { type, value: value ?? null, settings: (settings as JsonObject | null | undefined) ?? null };
}

/** The first answer that settles it, whatever the others are. */
function decided(state: StopState, answers: readonly (StopAnswer | null)[]): StopAnswer | null {
  return answers.find((answer) => answer?.state === state) ?? null;
}

/** What all of them come to when none settles it alone; null while one is missing. */
function together(all: StopState, answers: readonly (StopAnswer | null)[]): StopAnswer | null {
  const given = answers.filter((answer) => answer !== null);
  if (given.length < answers.length) return null;
  const unknown = given.filter(({ state }) => state === "unknown");
  const telling = unknown.length > 0 ? unknown : given;
  const gotAts = given.flatMap(({ gotAt }) => (gotAt === null ? [] : [gotAt]));
  return {
    state: unknown.length > 0 ? "unknown" : all,
    because: telling
      .map(({ because }) => because)
      .join("; ")
      .slice(0, LONGEST_BECAUSE),
    gotAt: gotAts.length === 0 ? null : Math.min(...gotAts),
    freshForMs: Math.min(...given.map(({ freshForMs }) => freshForMs)),
  };
}
