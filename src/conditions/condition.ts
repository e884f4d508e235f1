import type { StopAnswer, StoredFacts } from "../core/decide.ts";
import type { StopCondition } from "../core/reminder.ts";

/** A kind of stop condition. One file each, and one line in the registry. */
export interface StopConditionKind {
  name: string;
  /** Pure: what the stored facts say. */
  answer(condition: StopCondition, facts: StoredFacts): StopAnswer;
}
