import type { DeliveryRow, ReminderInput } from "../evidence.ts";
import type { Case, Court } from "./case.ts";

const ENDED = ["sent", "failed", "suppressed", "unknown"];
/** Outcomes of which the timeline tells in a line of its own. */
const TOLD = ["failed", "suppressed", "unknown"];

/** P2: every delivery has come to an end, and the end it tells of is what happened. */
export function judgeDeliveries(one: Case, court: Court): void {
  const { input, deliveries, events } = one;
  const accuse = (what: string) => court.accuse("P2", input.id, what);
  for (const delivery of deliveries) {
    const which = `the delivery ${delivery.recipientNo} of occurrence ${delivery.occurrenceAt}`;
    if (!ENDED.includes(delivery.status) && !isHeldByQuiet(one, delivery, court))
      accuse(`${which} is left ${delivery.status}`);
    if (delivery.attempts > court.limits.maxAttempts) accuse(`${which} was tried ${delivery.attempts} times`);
    const untrue = contradiction(one, delivery, court);
    if (untrue) accuse(`${which} is ${delivery.status} (${delivery.reason}): ${untrue}`);
  }
  for (const status of TOLD) {
    const count = deliveries.filter((delivery) => delivery.status === status).length;
    const told = events.filter((event) => event.type === status).length;
    if (told !== count) accuse(`${count} deliveries are ${status}, and the timeline tells of ${told}`);
  }
}

function contradiction(one: Case, delivery: DeliveryRow, court: Court): string | null {
  const arrivals = one.arrivalsOf(delivery);
  const answered = (...answers: string[]) => arrivals.some(({ answer }) => answers.includes(answer));
  switch (delivery.status) {
    case "sent":
      return answered("accepted") ? null : "the receiver never accepted it";
    case "unknown":
      return answered("none") ? null : "the receiver answered everything it got";
    case "failed":
      if (answered("refused for good")) return null;
      return delivery.attempts >= court.limits.maxAttempts
        ? null
        : "there were tries left, and nobody refused it for good";
    case "suppressed":
      return hasCause(one, delivery, court) ? null : "nothing had happened that would be a reason";
    default:
      return null;
  }
}

/** Its quiet hours haven't ended yet: then it is asked about again. */
export function isHeldByQuiet({ input: { quiet } }: Case, { status }: DeliveryRow, { readAt }: Court): boolean {
  return quiet !== null && ["pending", "retrying"].includes(status) && quiet.from <= readAt && readAt < quiet.until;
}

function hasCause({ input, stop, deliveries }: Case, delivery: DeliveryRow, court: Court): boolean {
  const { finishedAt, occurrenceAt, recipient } = delivery;
  const endedAt = (finishedAt ?? Number.POSITIVE_INFINITY) + court.limits.transactionMs;
  if (input.isLoose || (stop && stop.from <= endedAt)) return true;
  if (deliveries.some((newer) => newer.occurrenceAt > occurrenceAt && newer.createdAt <= endedAt)) return true;
  if (input.done.some(({ person, from }) => person === recipient && from <= endedAt)) return true;
  if (wasRefused(input, delivery, court)) return true;
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
