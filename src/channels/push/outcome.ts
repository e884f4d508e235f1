import type { Answer, Failure } from "../../outgoing/outcome.ts";
import { retryAfterMs } from "../../outgoing/retry-after.ts";
import { NotYet, type OutcomeUnknown, Permanent, Retryable } from "../channel.ts";
import { noAnswer } from "../no-answer.ts";

/** What became of a message to one device: its push service took it, the device is gone, it was too large, or it failed. */
export type ToDevice = "taken" | "gone" | "too_large" | NotYet | OutcomeUnknown | Permanent | Retryable;

const LONGEST_WAIT_MS = 3_600_000;
/** Where a push service asks to wait and doesn't say for how long. */
const USUAL_WAIT_MS = 60_000;

const TO_DO: Record<number, string> = {
  400: "it doesn't understand the message; look whether VAPID_SUBJECT is an address of yours that it can reach",
  401: "it doesn't know the key: look whether VAPID_PRIVATE_KEY has changed since the device subscribed, and have it subscribe again",
  403: "the device has subscribed with another key: set the VAPID_PRIVATE_KEY of that time, or have it subscribe again",
};

/**
 * What a push service's answer says (RFC 8030 §5, §6.2, §7.2, §7.3). What may have arrived is sent again: with the same topic and tag, the
 * later takes the place of the earlier. Of the answer nothing is told but its status, since it may hold the endpoint.
 */
export function readPushAnswer(outcome: Answer | Failure, host: string): ToDevice {
  if (!outcome.ok) return noAnswer(outcome, { title: host, isIdempotent: true });
  const { status } = outcome;
  if (status >= 200 && status <= 299) return "taken";
  if (status === 404 || status === 410) return "gone";
  if (status === 413) return "too_large";
  const sentence = `${host} answered with status ${status}`;
  if (status === 429) {
    const waitMs = Math.min(LONGEST_WAIT_MS, retryAfterMs(outcome) || USUAL_WAIT_MS);
    return new NotYet(`waits for its turn: ${host} takes no more messages at the moment`, waitMs);
  }
  // 503 is said by who doesn't take requests on; other 5xx may come in the middle of one.
  if (status >= 500) return new Retryable(sentence, retryAfterMs(outcome), status !== 503);
  if (status === 408 || status === 425) return new Retryable(sentence, retryAfterMs(outcome));
  if (status >= 300 && status < 400) return new Permanent(`${sentence}, which leads elsewhere and is not followed`);
  return new Permanent(`${sentence}: ${TO_DO[status] ?? "it takes no such message; look into its documentation"}`);
}

/** What is to be thrown for a message that none of the devices took; the most hopeful counts, and what may have arrived at one of them may have arrived. */
export function worstOf(failures: readonly Exclude<ToDevice, string>[]): Exclude<ToDevice, string> | null {
  const retryable = failures.filter((one) => one instanceof Retryable);
  if (retryable.length > 0) {
    const doubtful = retryable.find((one) => one.mayHaveArrived);
    const retryAfterMs = Math.max(...retryable.map((one) => one.retryAfterMs));
    const longest = retryable.find((one) => one.retryAfterMs === retryAfterMs) as Retryable;
    return doubtful ? new Retryable(doubtful.message, retryAfterMs, true) : longest;
  }
  const later = failures.filter((one) => one instanceof NotYet);
  if (later.length > 0) return later.reduce((one, other) => (other.waitMs < one.waitMs ? other : one));
  return failures[0] ?? null;
}
