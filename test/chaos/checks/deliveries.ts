import type { Arrival, DeliveryRow, ReminderInput } from "../evidence.ts";
import type { Case, Court } from "./case.ts";
import { isGone, mayGoOverBy } from "./fallbacks.ts";
import { isHeld } from "./held.ts";
import { wasHit, wasInFlight } from "./in-flight.ts";
import { isForLater } from "./windows.ts";

const ENDED = ["sent", "failed", "suppressed", "unknown"];
/** Outcomes of which the timeline tells in a line of its own. */
const TOLD = ["failed", "suppressed", "unknown"];

/** P2: every delivery has come to an end, and the end it tells of is what happened. */
export function judgeDeliveries(one: Case, court: Court): void {
  const { input, deliveries, events } = one;
  const accuse = (what: string) => court.accuse("P2", input.id, what);
  for (const delivery of deliveries) {
    const which = `the delivery ${delivery.recipientNo} of occurrence ${delivery.occurrenceAt}`;
    if (!ENDED.includes(delivery.status) && !isHeld(one, delivery, court))
      accuse(`${which} is left ${delivery.status}`);
    if (delivery.attempts > triesOf(delivery, court)) accuse(`${which} was tried ${delivery.attempts} times`);
    const untrue = contradiction(one, delivery, court);
    if (untrue) accuse(`${which} is ${delivery.status} (${delivery.reason}): ${untrue}`);
  }
  for (const status of TOLD) {
    const count = deliveries.filter((delivery) => delivery.status === status).length;
    const told = events.filter((event) => event.type === status).length;
    if (told !== count) accuse(`${count} deliveries are ${status}, and the timeline tells of ${told}`);
  }
}

/** Channels whose receiver would send again what comes again: of these whoever takes a message over that may have left doesn't. */
export function isAtMostOnce({ channel }: DeliveryRow): boolean {
  return channel === "sms";
}

/** Whether nobody could know how it ended: its worker had given up, or was hit with it. */
function isGivenUp(delivery: DeliveryRow, arrivals: Arrival[], court: Court): boolean {
  if (arrivals.some((arrival) => isAnsweredAfter(arrival, delivery)) || hadToEnd(delivery, arrivals, court))
    return true;
  if (!isAtMostOnce(delivery)) return false;
  const last = arrivals.at(-1);
  return last ? wasInFlight(last, delivery.finishedAt ?? court.readAt, court) : wasHit(delivery, court);
}

/** A worker that is told to end gives up what it waits for: an answer that came after that was none. */
function isAnsweredAfter({ answeredAt }: Arrival, { finishedAt }: DeliveryRow): boolean {
  return answeredAt !== null && finishedAt !== null && answeredAt > finishedAt;
}

function contradiction(one: Case, delivery: DeliveryRow, court: Court): string | null {
  const arrivals = one.arrivalsOf(delivery);
  const answered = (...answers: string[]) => arrivals.some(({ answer }) => answers.includes(answer));
  switch (delivery.status) {
    case "sent":
      return answered("accepted") || isUntold(delivery) ? null : "the receiver never accepted it";
    case "unknown":
      return answered("none") || isGivenUp(delivery, arrivals, court)
        ? null
        : "the receiver answered everything it got";
    case "failed":
      if (answered("refused for good") || mayGoOverBy(one, delivery, court)) return null;
      return delivery.attempts >= triesOf(delivery, court)
        ? null
        : "there were tries left, and nobody refused it for good";
    case "suppressed":
      return hasCause(one, delivery, court) ? null : "nothing had happened that would be a reason";
    default:
      return null;
  }
}

/**
 * Its worker was told to end with it: what was answered meanwhile, it may have heard no more; and what was on its way when it hung up, in the middle of a
 * message that was announced, nobody may have got.
 */
function hadToEnd({ finishedAt }: DeliveryRow, arrivals: Arrival[], { faults }: Court): boolean {
  if (finishedAt === null) return false;
  const ends = faults.filter(
    ({ kind, from, until }) => kind === "worker told to end" && from <= finishedAt && finishedAt <= until,
  );
  return ends.some(({ hits, from }) => {
    const isItsOwn = ({ worker, answeredAt, wholeAt }: Arrival) => worker === hits && (answeredAt ?? wholeAt) >= from;
    const last = arrivals.at(-1);
    return last === undefined || isItsOwn(last);
  });
}

export function triesOf({ channel }: DeliveryRow, { limits }: Court): number {
  return channel === "webhook" ? limits.maxHookAttempts : limits.maxAttempts;
}

/** Its own words took too long to be written, as its reason says; those in their stead don't tell what a message holds. */
function isUntold({ reason }: DeliveryRow): boolean {
  return reason?.includes("in the built-in words") === true;
}

function hasCause(one: Case, delivery: DeliveryRow, court: Court): boolean {
  const { input, stop, deliveries } = one;
  const { finishedAt, occurrenceAt, recipient } = delivery;
  const endedAt = (finishedAt ?? Number.POSITIVE_INFINITY) + court.limits.transactionMs;
  if (input.isLoose || (stop && stop.from <= endedAt)) return true;
  const hasTakenPlace = (newer: DeliveryRow) => newer.occurrenceAt > occurrenceAt && newer.createdAt <= endedAt;
  if (deliveries.some((newer) => hasTakenPlace(newer) && !isForLater(one, newer, delivery))) return true;
  if (input.done.some(({ person, from }) => person === recipient && from <= endedAt)) return true;
  if (wasRefused(input, delivery, court) || isGone(one, delivery)) return true;
  return input.changes.some(
    (change) => ["paused", "completed", "deleted", "silenced"].includes(change.kind) && change.from <= endedAt,
  );
}

/** Whether its address may have been one that nothing is sent to, while it was waiting. */
export function wasRefused(
  { refusals }: ReminderInput,
  { recipient, createdAt, finishedAt }: DeliveryRow,
  { limits }: Court,
): boolean {
  const endedAt = (finishedAt ?? Number.POSITIVE_INFINITY) + limits.transactionMs;
  return refusals.some(
    ({ address, from, lifted }) =>
      address === recipient &&
      from <= endedAt &&
      (lifted === null || lifted.until + limits.stopMs + limits.clockSlackMs >= createdAt),
  );
}
