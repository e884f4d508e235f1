import type { Instant } from "./instant.ts";

export const STOP_STATES = ["met", "not_met", "unknown"] as const;

/** Nobody knows whether the thing is done when what would say so can't be asked: that is neither a yes nor a no. */
export type StopState = (typeof STOP_STATES)[number];

/** What the stop condition answered, and the sentence that says why. */
export interface StopAnswer {
  state: StopState;
  because: string;
  /** When it was got; null: it was read along with the reminder itself. */
  gotAt: Instant | null;
  /** For how long after that it may be used, in milliseconds. */
  freshForMs: number;
}

/** What was answered last before a message left, or didn't: kept with its attempt. */
export interface Checked extends Pick<StopAnswer, "state" | "because"> {
  /** The kind of its stop condition. */
  type: string;
  /** Since when that was so, as far as is known: when it was got, or read. */
  at: Instant;
}

/** An answer from what was read along with the reminder: as fresh as that. */
export function readAnswer(state: StopState, because: string): StopAnswer {
  return { state, because, gotAt: null, freshForMs: 0 };
}

/** Where the stop condition is left out of a question. */
export const NOT_MET = readAnswer("not_met", "");
