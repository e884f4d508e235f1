import type { JsonObject } from "./json.ts";
import type { Change, Transition } from "./lifecycle.ts";

/** What becomes of an answer. `noted`: the reminder stays as it is, its timeline says what was answered, and a flag may have to be set. */
export type Answered = Transition | { kind: "noted"; change: Change; flagKey: string | null };

/** Who answers, as it is told in the timeline. */
export interface Answerer {
  /** Like `ann@example.com`, or `somebody`. */
  who: string;
  /** What else is kept of it. */
  details: JsonObject;
}

export const IS_DONE: Answered = { kind: "refused", because: "it is done" };
