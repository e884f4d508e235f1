import type { Change } from "./lifecycle.ts";
import type { OnUnknown } from "./reminder.ts";
import type { StopAnswer } from "./stop.ts";

/** What is done while nobody can say whether the thing is done. */
export interface HoldPolicy {
  /** Wait before it is asked again, in seconds; each wait is twice the one before. */
  baseSeconds: number;
  /** No wait is longer, in seconds (before jitter). */
  capSeconds: number;
  /** After so many times in a row a person must look at it. */
  attentionAfter: number;
}

export const DEFAULT_HOLD: HoldPolicy = { baseSeconds: 30, capSeconds: 15 * 60, attentionAfter: 5 };

/** Waits are spread by up to this share either way, so that what was held together isn't asked together. */
const JITTER = 0.1;

/**
 * Milliseconds until a condition is asked again that could not be answered `count` times in a row (1: this was the first
 * time). `random` is a number in [0, 1) that the caller draws.
 */
export function askAgainMs({ baseSeconds, capSeconds }: HoldPolicy, count: number, random: number): number {
  // The exponent is capped as well: 2 to the power of a large count is no number any more.
  const exponential = Math.min(capSeconds, baseSeconds * 2 ** Math.min(count - 1, 32));
  return Math.round(exponential * 1000 * (1 - JITTER + 2 * JITTER * random));
}

/** What an answer changes in what is kept of a reminder. */
export interface Note {
  /** How often in a row nobody could say; null: somebody could. */
  unknownCount: number | null;
  /** Why a person must look at it from now on; null: nothing new. */
  attention: string | null;
  /** The timeline says when it begins and when it ends, not how often it was asked. */
  events: Change[];
}

/** What to note of an answer, given how often in a row nobody could say before (0: somebody could); null: nothing. */
export function noteOf(
  { state, because }: Pick<StopAnswer, "state" | "because">,
  unknownBefore: number,
  onUnknown: OnUnknown,
  { attentionAfter }: HoldPolicy,
): Note | null {
  if (state !== "unknown") {
    if (unknownBefore === 0) return null;
    const answered = `its stop condition can be answered again: ${because}`;
    return { unknownCount: null, attention: null, events: [{ type: "answered", because: answered, details: {} }] };
  }
  const unknownCount = unknownBefore + 1;
  const meanwhile = onUnknown === "hold" ? "nothing is sent until it can" : "its messages are sent all the same";
  const events: Change[] = [];
  if (unknownBefore === 0) {
    const unanswered = `nobody can say whether it is done: ${because}; ${meanwhile}`;
    events.push({ type: "unanswered", because: unanswered, details: { on_unknown: onUnknown } });
  }
  if (unknownCount < attentionAfter) return { unknownCount, attention: null, events };
  const attention = `nobody could say ${unknownCount} times in a row whether it is done: ${because}; ${meanwhile}`;
  if (unknownCount === attentionAfter) events.push({ type: "needs_attention", because: attention, details: {} });
  return { unknownCount, attention, events };
}
