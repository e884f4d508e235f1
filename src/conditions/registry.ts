import type { StopAnswer, StoredFacts } from "../core/decide.ts";
import type { StopCondition } from "../core/reminder.ts";
import type { StopConditionKind } from "./condition.ts";
import { dbCheck } from "./db-check.ts";

const KINDS = [dbCheck] as const satisfies readonly StopConditionKind[];

export const STOP_CONDITION_TYPES: readonly string[] = KINDS.map((kind) => kind.name);

const byName = new Map<string, StopConditionKind>(KINDS.map((kind) => [kind.name, kind]));

/** Whether the thing is done. A reminder without a stop condition is never done by itself. */
export function stopAnswer(condition: StopCondition | null, facts: StoredFacts): StopAnswer {
  if (condition === null) return { met: false, because: "there is no stop condition" };
  const kind = byName.get(condition.type);
  if (!kind) return { met: false, because: `stop condition type "${condition.type}" is not known here` };
  return kind.answer(condition, facts);
}
