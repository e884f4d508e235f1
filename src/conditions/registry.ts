import type { StopCondition } from "../core/reminder.ts";
import { readAnswer, type StopAnswer, type StopSubject } from "../core/stop.ts";
import type { StopConditionKind } from "./condition.ts";
import { dbCheck } from "./db-check.ts";

export const KINDS: readonly StopConditionKind[] = [dbCheck];

export const STOP_CONDITION_TYPES: readonly string[] = KINDS.map((kind) => kind.name);

const byName = new Map<string, StopConditionKind>(KINDS.map((kind) => [kind.name, kind]));

/** What can be said without asking outside. A reminder without a stop condition is never done by itself. */
export function stopAnswer(condition: StopCondition | null, subject: StopSubject): StopAnswer {
  if (condition === null) return readAnswer("not_met", "there is no stop condition");
  const kind = byName.get(condition.type);
  if (!kind) return readAnswer("unknown", `stop condition type "${condition.type}" is not known here`);
  return kind.answer(condition, subject, {} as never) as StopAnswer;
}
