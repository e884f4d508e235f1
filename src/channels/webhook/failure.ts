import type { Answer, Failure } from "../../outgoing/outcome.ts";
import { retryAfterMs } from "../../outgoing/retry-after.ts";
import { BadAddress, Permanent, Retryable } from "../channel.ts";

/** As Standard Webhooks has it, nothing more is sent there: until somebody releases it, who knows that it is taken again. */
const GONE = { reason: "gone", days: null } as const;

const TOLD_BY_STATUS: Record<number, string> = {
  401: "its receiver may not know the secret that it is signed with",
  403: "its receiver may not know the secret that it is signed with",
  404: "there may be a mistake in the address",
};

/**
 * What became of a webhook: null when it was taken, else what to throw. Whatever isn't a clear yes or a clear "never again"
 * is tried again, also where it may have arrived: its id tells the receiver that it is the same. Of an answer nothing is told
 * but its status, since the reason is seen by all who may read the reminder.
 */
export function failureOf(outcome: Answer | Failure, host: string): Retryable | Permanent | null {
  if (!outcome.ok) {
    if (outcome.kind === "refused") return new Permanent(`the webhook to ${host} was not sent: ${outcome.because}`);
    return new Retryable(`${host} did not answer the webhook: ${outcome.because}`, 0, outcome.mayHaveArrived);
  }
  const { status } = outcome;
  if (status >= 200 && status <= 299) return null;
  if (status === 410) {
    return new BadAddress(
      `${host} answered the webhook with status 410: nobody takes it there any more; give the reminder another recipient`,
      GONE,
    );
  }
  if (status >= 300 && status <= 399) {
    return new Retryable(
      `${host} answered the webhook with a redirect (${status}), which is not followed: give the reminder the address it leads to`,
    );
  }
  const told = TOLD_BY_STATUS[status];
  return new Retryable(
    `${host} answered the webhook with status ${status}${told === undefined ? "" : `: ${told}`}`,
    retryAfterMs(outcome),
    // 503 is said by who doesn't take requests on; other 5xx may come in the middle of one.
    status >= 500 && status !== 503,
  );
}
