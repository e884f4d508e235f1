import type { Failure } from "../outgoing/outcome.ts";
import { OutcomeUnknown, Permanent, Retryable } from "./channel.ts";

/**
 * What it means that a service gave no answer. Where the message may have arrived nobody can say, and sending it again might send it
 * twice; unless the service knows it again (`isIdempotent`).
 */
export function noAnswer(
  { kind, because, mayHaveArrived }: Failure,
  { title, isIdempotent = false }: { title: string; isIdempotent?: boolean },
): Permanent | OutcomeUnknown | Retryable {
  if (kind === "refused") return new Permanent(`the message to ${title} was not sent: ${because}`);
  return mayHaveArrived && !isIdempotent
    ? new OutcomeUnknown(`${title} had the message and never said whether it took it: ${because}`)
    : new Retryable(`${title} did not answer: ${because}`, 0, mayHaveArrived);
}
