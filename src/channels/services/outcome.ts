import { at } from "../../core/json-fields.ts";
import { jsonOf } from "../../outgoing/json-answer.ts";
import type { Answer, Failure } from "../../outgoing/outcome.ts";
import { resetsInMs, retryAfterMs } from "../../outgoing/retry-after.ts";
import { BadAddress, GONE, NotYet, OutcomeUnknown, Permanent, Retryable } from "../channel.ts";
import { noAnswer } from "../no-answer.ts";
import type { HttpService, Refusal } from "./service.ts";

const LONGEST_WAIT_MS = 3_600_000;
/** Where a service asks to wait and doesn't say for how long. */
const USUAL_WAIT_MS = 30_000;
const LONGEST_ID = 200;

type Trouble = NotYet | OutcomeUnknown | Permanent | Retryable;

/** What an answer says: the message's id there, where it gave one, or what the send is to throw. */
export function readOutcome(service: HttpService, outcome: Answer | Failure): { id: string | null } | Trouble {
  if (!outcome.ok) return noAnswer(outcome, service);
  const { status } = outcome;
  const fields = jsonOf(outcome);
  if (status >= 200 && status <= 299) return { id: idIn(service, fields) };
  const trouble =
    status === 429
      ? askedToWait(service, outcome, fields)
      : refused(service, outcome, wordsIn(service, outcome, fields));
  return outcome.mayHaveBeenSeen ? doubtful(trouble) : trouble;
}

/**
 * What is refused now may have been taken before, over the connection that broke: so it was an attempt, and its refusal isn't its end. Who
 * can't tell that it is the same was not asked twice.
 */
function doubtful(trouble: Trouble): Retryable | OutcomeUnknown {
  if (trouble instanceof OutcomeUnknown) return trouble;
  const waitMs = trouble instanceof NotYet ? trouble.waitMs : trouble instanceof Retryable ? trouble.retryAfterMs : 0;
  return new Retryable(trouble.message, waitMs, true);
}

function askedToWait({ title, answer }: HttpService, outcome: Answer, fields: unknown): NotYet {
  const told = answer.retryAfterAt && at(fields, ...answer.retryAfterAt.path.split("."));
  const toldMs = typeof told === "number" && told > 0 ? told * (answer.retryAfterAt?.unitMs ?? 0) : 0;
  const askedMs = retryAfterMs(outcome) || toldMs || usedUpMs(answer, outcome);
  const waitMs = Math.ceil(Math.min(LONGEST_WAIT_MS, askedMs || USUAL_WAIT_MS));
  return new NotYet(`waits for its turn: ${title} takes no more messages at the moment`, waitMs);
}

/** For how long nothing is left of its quota; 0: something is, or it has none. */
function usedUpMs({ quotaIn }: HttpService["answer"], outcome: Answer): number {
  const isUsedUp = quotaIn !== undefined && outcome.headers[quotaIn.left]?.trim() === "0";
  return isUsedUp ? resetsInMs(outcome, quotaIn.resetAt) : 0;
}

/**
 * What is known of this service counts first. Then: 4xx is a clear no; 503 is said by who doesn't take requests on, and other 5xx may
 * come in the middle of one. Of the answer nothing is told but what we know of it: all who may read the reminder see the reason.
 */
function refused(service: HttpService, outcome: Answer, words: string): Trouble {
  const { title, refusals, isIdempotent } = service;
  const { status } = outcome;
  const known = refusals.find((refusal) => fits(refusal, status, words));
  const sentence = `${title} answered with status ${status}`;
  if (known) {
    const reason = `${sentence}: ${known.toDo}`;
    if (known.fault === "gone") return new BadAddress(reason, GONE);
    return known.fault === "later" ? new Retryable(reason, retryAfterMs(outcome)) : new Permanent(reason);
  }
  if (status === 401 || status === 403) return new Permanent(`${sentence}: check ${service.access.told}`);
  if (status === 404 || status === 410) return new Permanent(`${sentence}: what it was sent to isn't there any more`);
  if (status === 408 || status === 425 || status === 503) return new Retryable(sentence, retryAfterMs(outcome));
  if (status < 400)
    return new Permanent(`${sentence}, which leads elsewhere and is not followed: set the address it leads to`);
  if (status < 500) return new Permanent(sentence);
  return isIdempotent
    ? new Retryable(sentence, retryAfterMs(outcome), true)
    : new OutcomeUnknown(`${sentence}: whether it took the message is unknown`);
}

function fits({ status, says }: Refusal, actual: number, words: string): boolean {
  return (status === undefined || status === actual) && (says === undefined || words.includes(says.toLowerCase()));
}

function wordsIn({ answer }: HttpService, outcome: Answer, fields: unknown): string {
  if (answer.codeAt === undefined) return outcome.body.toString().toLowerCase();
  const words = at(fields, ...answer.codeAt.split("."));
  return (typeof words === "string" ? words : JSON.stringify(words ?? "")).toLowerCase();
}

function idIn({ answer }: HttpService, fields: unknown): string | null {
  const id = answer.idAt === undefined ? null : at(fields, ...answer.idAt.split("."));
  const text = typeof id === "number" ? String(id) : id;
  return typeof text === "string" && text.length <= LONGEST_ID && /^[\x21-\x7e]+$/.test(text) ? text : null;
}
