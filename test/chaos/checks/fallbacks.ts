import type { Arrival, DeliveryRow } from "../evidence.ts";
import type { Case, Court } from "./case.ts";

/** What goes over another channel bears the number of what it stands in for, and so much more. */
const PER_HOP = 1_000;
/** When a failure is stored, its receiver has said so for a while. */
const LAST_TRY_MS = 2_000;
/** What may have arrived waits as long as its channel would anyway: webhooks never longer than a day, and a little. */
const LONGEST_OWN_WAIT_MS = 30 * 3_600_000;

/** What failed for good goes over once, in the same transaction; what only fails, when it has for long enough; and nothing that may have arrived. */
export function judgeFallbacks(one: Case, court: Court): void {
  const { input, deliveries, events } = one;
  const accuse = (what: string) => court.accuse("fallback", input.id, what);
  const overs = deliveries.filter(isFallback);
  const told = events.filter(({ type }) => type === "fell_back").length;
  if (told !== overs.length) accuse(`${overs.length} deliveries went over, and the timeline tells of ${told}`);
  for (const over of overs) {
    if (input.over === null) accuse(`occurrence ${over.occurrenceAt} went over, and there is nothing to go over`);
    else if (over.recipient !== input.over.to || over.channel !== "email")
      accuse(`occurrence ${over.occurrenceAt} went over ${over.channel} to ${over.recipient}`);
    if (!deliveries.some((first) => isInSteadOf(over, first)))
      accuse(`occurrence ${over.occurrenceAt} went over as number ${over.recipientNo}, in nobody's stead`);
  }
  if (input.over === null) return;
  for (const first of deliveries.filter((delivery) => !isFallback(delivery)))
    judgeGoingOver(
      one,
      first,
      overs.filter(({ occurrenceAt }) => occurrenceAt === first.occurrenceAt),
      court,
    );
}

function judgeGoingOver(one: Case, first: DeliveryRow, overs: DeliveryRow[], court: Court): void {
  const accuse = (what: string) =>
    court.accuse("fallback", one.input.id, `occurrence ${first.occurrenceAt}, ${first.status}, ${what}`);
  const [over, ...others] = overs;
  if (others.length > 0) accuse(`went over ${overs.length} times`);
  const kept = one.arrivalsOf(first).filter((arrival) => mayHaveArrived(arrival, court));
  if (!over) {
    if (mustGoOver(one, first, court)) accuse("failed, certainly hasn't arrived, and didn't go over");
    return;
  }
  if (first.status !== "failed" && !(first.status === "suppressed" && isGone(one, first))) accuse("went over");
  if (over.createdAt !== first.finishedAt)
    accuse(`went over ${over.createdAt - (first.finishedAt ?? 0)} ms after it had ended`);
  if (kept.length > 0) accuse(`went over though it was ${kept[0]?.answer}`);
  if (first.status === "failed" && !mayGoOverBy(one, first, court) && !isRefusedForGood(one, first))
    accuse("went over before its channel had failed for long enough");
}

/** Whether it has been failing for so long, when it ended, that it goes over though it might have been tried again. */
export function mayGoOverBy(one: Case, delivery: DeliveryRow, { limits }: Court): boolean {
  const [failed] = one.arrivalsOf(delivery).filter(({ answer }) => answer === "refused");
  if (one.input.over === null || isFallback(delivery) || !failed) return false;
  return (delivery.finishedAt ?? 0) >= (failed.answeredAt ?? failed.wholeAt) + limits.downMs - limits.clockSlackMs;
}

/** Whether it only fails, and is tried again when its fallback is due, or before. */
export function isHeldByFailing(one: Case, delivery: DeliveryRow, { limits, readAt }: Court): boolean {
  const { status, nextAttemptAt } = delivery;
  if (one.input.over === null || isFallback(delivery) || status !== "retrying") return false;
  const arrivals = one.arrivalsOf(delivery);
  const since = Math.max(arrivals.at(-1)?.answeredAt ?? 0, delivery.createdAt) + limits.recoveryMs;
  const isOwn = arrivals.some(({ answer }) => !answer.startsWith("refused"));
  const waitsMs = isOwn ? LONGEST_OWN_WAIT_MS : limits.downMs;
  return nextAttemptAt !== null && nextAttemptAt > readAt && nextAttemptAt <= since + waitsMs;
}

export function isFallback({ recipientNo }: Pick<DeliveryRow, "recipientNo">): boolean {
  return recipientNo >= PER_HOP;
}

/** Whether another of the occurrence's deliveries stands in for this one. */
export function hasGoneOver(first: DeliveryRow, all: DeliveryRow[]): boolean {
  return all.some((over) => isInSteadOf(over, first));
}

function isInSteadOf(over: DeliveryRow, first: DeliveryRow): boolean {
  return over.occurrenceAt === first.occurrenceAt && over.recipientNo === first.recipientNo + PER_HOP;
}

/** Whether where it was to go has said before that nothing is taken there any more. */
export function isGone({ arrivals }: Case, { recipient, occurrenceAt }: DeliveryRow): boolean {
  return arrivals.some(
    ({ answer, to, messageId }) =>
      answer === "refused for good" && to === recipient && !messageId.includes(`-${occurrenceAt}-`),
  );
}

function isRefusedForGood(one: Case, delivery: DeliveryRow): boolean {
  return one.arrivalsOf(delivery).some(({ answer }) => answer === "refused for good");
}

/** Whether it was taken, or whoever sent it couldn't know. Of an attempt whose worker ended with it nobody was told anything. */
function mayHaveArrived(arrival: Arrival, court: Court): boolean {
  return !arrival.answer.startsWith("refused") && !hasWorkerEnded(arrival, court);
}

function mustGoOver(one: Case, first: DeliveryRow, court: Court): boolean {
  const arrivals = one.arrivalsOf(first);
  if (first.status !== "failed" || one.input.isLoose || arrivals.length === 0) return false;
  return arrivals.every((arrival) => arrival.answer.startsWith("refused") && !hasWorkerEnded(arrival, court));
}

/** Whether its worker was hit before the result could be stored. */
function hasWorkerEnded({ worker, leftAt, answeredAt, wholeAt }: Arrival, { faults, limits }: Court): boolean {
  const storedBy = (answeredAt ?? wholeAt) + limits.storingMs + LAST_TRY_MS;
  return faults.some(
    ({ hits, kind, from, until }) =>
      kind.includes("worker") && (hits === worker || hits === "database") && from <= storedBy && until >= leftAt,
  );
}
