import {
  BadAddress,
  type Blamed,
  NotYet,
  OutcomeUnknown,
  Permanent,
  type Receipt,
  Retryable,
} from "../channels/channel.ts";
import type { Instant } from "../core/instant.ts";
import type { SuppressionReason } from "../core/recheck.ts";
import type { DeliveryStatus } from "../core/reminder.ts";
import { type Retries, retryDelayMs } from "../core/retry.ts";
import type { StopAnswer } from "../core/stop.ts";
import type { Held } from "./held.ts";
import type { Quiet } from "./quiet.ts";

/** What became of one attempt. */
export interface Outcome {
  status: DeliveryStatus;
  reason: string | null;
  /** With `pending` and `retrying`: how long until it may be taken again. */
  retryInMs: number;
  /** Nor is it taken before this; not set: that is all. */
  notBefore?: Instant;
  /** True when nothing was tried after all. */
  untried: boolean;
  /** What its stop condition answered last, where that is something to note. */
  stop?: Pick<StopAnswer, "state" | "because">;
  /** True where nothing has begun that its places under the caps were for: it has them again. */
  keepsPlaces?: boolean;
  /** True where the message that it was to be in goes without it; not set: it goes with it, or alone. */
  leavesDigest?: boolean;
  suppression: SuppressionReason | null;
  providerId: string | null;
  demo: boolean;
  /** Why nothing is to be sent to this address any more; not set: nothing is known against it. */
  blamed?: Blamed;
  /** True where it certainly hasn't arrived, and over another channel it may. */
  mayGoOver?: boolean;
  /** True where it failed, and may have arrived all the same. */
  mayHaveArrived?: boolean;
}

/** An attempt that has ended, and how. */
export interface Ended {
  held: Held;
  outcome: Outcome;
}

const NOTHING = { reason: null, retryInMs: 0, untried: false, suppression: null, providerId: null, demo: false };
const LONGEST_TEXT = 1_000;

/** `note`: what there is to say of it all the same. */
export function sent({ providerId, demo }: Receipt, note: string | null = null): Outcome {
  const reason = note === null ? null : clean(note);
  const id = providerId === null ? null : clean(providerId);
  return { status: "sent", reason, retryInMs: 0, untried: false, suppression: null, providerId: id, demo };
}

export function suppressed(suppression: SuppressionReason, because: string): Outcome {
  return { ...NOTHING, status: "suppressed", suppression, reason: because, untried: true };
}

/** `isTheirWish`: whoever is there has said so themselves, and isn't written to in another way instead. */
export function unwanted(because: string, isTheirWish: boolean): Outcome {
  return { ...suppressed("address", because), mayGoOver: !isTheirWish };
}

/** Given back unsent, for whoever takes it next. */
export function handedBack(attempts: number): Outcome {
  return { ...NOTHING, status: attempts > 1 ? "retrying" : "pending", untried: true };
}

/** True where it was given back because its lease or the database is gone, and not for anything about the message itself. */
export function isHandedBack(outcome: Outcome): boolean {
  return isPutBack(outcome) && outcome.untried && outcome.reason === null;
}

/** True where it is to be taken again. */
export function isPutBack({ status }: Pick<Outcome, "status">): boolean {
  return status === "pending" || status === "retrying";
}

/** Put back unsent for a while: what it needs first takes its time. */
export function putBack(attempts: number, retryInMs: number, reason: string): Outcome {
  return { ...handedBack(attempts), retryInMs, reason };
}

/** Put back unsent until the quiet hours end. */
export function heldBack(attempts: number, { until, because }: Quiet): Outcome {
  return { ...putBack(attempts, 0, because), notBefore: until };
}

/** Put back unsent because nobody can say whether it is still wanted. */
export function unanswered(attempts: number, retryInMs: number, stop: StopAnswer): Outcome {
  return { ...putBack(attempts, retryInMs, `nobody can say whether it is done: ${stop.because}`), stop };
}

/** A delivery whose attempts are used up, and nobody knows how the last one ended. */
export function exhausted(attempts: number): Outcome {
  const reason = `gave up after ${counted(attempts)}: during the last one the worker died or was cut off, so whether the message arrived is unknown`;
  return { ...NOTHING, status: "failed", reason, untried: true };
}

/** One that isn't sent any more, of which nobody knows either how the last of its attempts ended. */
export function afterAll(outcome: Outcome, attempts: number): Outcome {
  const reason = `${outcome.reason}; whether it arrived in ${counted(attempts)} before, the last of them cut off, is unknown`;
  return { ...outcome, reason };
}

/** Its worker died or was cut off when it may have left: it isn't sent again unasked. */
export function cutOff(): Outcome {
  const reason =
    "its worker died or was cut off while it was being sent, so whether it arrived is unknown; it isn't sent again by itself";
  return { ...NOTHING, status: "unknown", reason, untried: true };
}

/** The same of what another worker may have sent meanwhile: it is neither put back, to be sent once more, nor does it go another way. */
export function unlessSentElsewhere({ held, outcome }: Ended): Outcome {
  const isKept = !held.mayHaveLeftElsewhere || outcome.status === "sent" || outcome.status === "unknown";
  return isKept ? outcome : cutOff();
}

/** What is to be known of an attempt that failed. */
type Tried = Pick<Held, "attempts" | "wasLetGo"> & Partial<Pick<Held, "mayHaveLeft">>;

/** What a thrown error means. `cutShort`: we ended the attempt because the worker stops; it isn't held against it. */
export function failed(
  error: unknown,
  { attempts, mayHaveLeft, wasLetGo }: Tried,
  retries: Retries,
  cutShort: boolean,
): Outcome {
  const reason = sentence(error);
  if (error instanceof NotYet) return { ...putBack(attempts, error.waitMs, reason), keepsPlaces: true };
  if (error instanceof BadAddress) {
    const { blamed } = error;
    return { ...NOTHING, status: "failed", reason, blamed, mayGoOver: !isTheirWish(blamed.reason) };
  }
  if (error instanceof Permanent) return { ...NOTHING, status: "failed", reason, mayGoOver: true };
  // What its channel doesn't say itself may mean anything once it was let go; so does silence.
  const isUnknown = error instanceof OutcomeUnknown || (wasLetGo && mayHaveLeft && !(error instanceof Retryable));
  if (isUnknown) return { ...NOTHING, status: "unknown", reason };
  const { retryAfterMs, mayHaveArrived } =
    error instanceof Retryable ? error : { retryAfterMs: 0, mayHaveArrived: wasLetGo === true };
  if (cutShort) return { ...NOTHING, status: "retrying", reason, untried: true, mayHaveArrived };
  const how = { ...NOTHING, mayGoOver: !mayHaveArrived, mayHaveArrived };
  const delayMs = retryDelayMs(retries, attempts, Math.random(), retryAfterMs);
  if (delayMs === null) return { ...how, status: "failed", reason: `gave up after ${counted(attempts)}: ${reason}` };
  return { ...how, status: "retrying", reason, retryInMs: delayMs };
}

/** True where whoever has an address wants nothing there, in difference to nobody being reached at it. */
export function isTheirWish(suppressedFor: string): boolean {
  return suppressedFor === "stop" || suppressedFor === "unsubscribed" || suppressedFor === "complaint";
}

/** One that may pass, and isn't waited for any longer: `because` says why. */
export function givenUp(outcome: Outcome, because: string): Outcome {
  return { ...outcome, status: "failed", retryInMs: 0, reason: clean(`${because}: ${outcome.reason}`) };
}

/** The same outcome without what others wrote, or itself when there is nothing of the kind in it. */
export function withoutTexts(outcome: Outcome): Outcome {
  if (outcome.providerId === null && outcome.reason === null) return outcome;
  return { ...outcome, providerId: null, reason: null };
}

/** Occurrences and checks of conditions are counted too, so a count says what it counts. */
function counted(attempts: number): string {
  return attempts === 1 ? "1 delivery attempt" : `${attempts} delivery attempts`;
}

function sentence(error: unknown): string {
  return clean(error instanceof Error ? error.message || error.name : String(error));
}

/** PostgreSQL's text holds no NUL and no half of a surrogate pair, and a ledger no novels. */
export function clean(text: string): string {
  return text.replaceAll("\0", "").slice(0, LONGEST_TEXT).toWellFormed();
}
