import { type Arrival, type DeliveryRow, heldBy } from "../evidence.ts";
import { type Case, type Court, groupBy, nameOf } from "./case.ts";
import { windowOf } from "./windows.ts";

/** One of those that go as one message. */
interface Item {
  one: Case;
  delivery: DeliveryRow;
  window: NonNullable<ReturnType<typeof windowOf>>;
  arrivals: Arrival[];
}

/** What goes together leaves when it is to, once, whole, and each of it at most under one id; what is excepted goes by itself. */
export function judgeDigests(cases: Case[], court: Court): void {
  const items = cases.flatMap((one) =>
    one.deliveries.flatMap((delivery): Item[] => {
      const window = windowOf(one, delivery);
      if (window) return [{ one, delivery, window, arrivals: one.arrivalsOf(delivery) }];
      judgeAlone(one, delivery, court);
      return [];
    }),
  );
  for (const item of items) judgeTime(item, court);
  for (const item of items) judgeIds(item, court);
  for (const all of groupBy(items, ({ delivery, window }) => `${delivery.recipient} ${window.from}`).values())
    judgeHalves(all, court);
  judgeCopies(items, court);
}

function judgeAlone({ input, arrivalsOf }: Case, delivery: DeliveryRow, court: Court): void {
  // What its person has no room for today comes together, too.
  if (input.budget !== null) return;
  const crowded = arrivalsOf(delivery).find((arrival) => heldBy(arrival).length > 1);
  if (crowded) court.accuse("digest", input.id, `${crowded.messageId} holds ${nameOf(delivery)}, which goes by itself`);
}

/** Neither before its time nor, where nothing kept it, a while after. */
function judgeTime({ one, delivery, window, arrivals }: Item, court: Court): void {
  const accuse = (what: string) => court.accuse("digest", one.input.id, `${nameOf(delivery)} ${what}`);
  const { status, attempts, nextAttemptAt } = delivery;
  const [first] = arrivals;
  if (first && first.leftAt < window.from - court.limits.clockSlackMs)
    accuse(`left ${window.from - first.leftAt} ms before its message was to`);
  const isFree = one.input.budget === null && one.input.quiet.length === 0;
  const since = Math.max(window.until, ...one.input.changes.map(({ until }) => until));
  if (first && isFree && first.leftAt > court.deadline(since))
    accuse(`left ${first.leftAt - window.until} ms after its message was to, and no fault explains it`);
  if (isFree && status === "pending" && attempts === 0 && (nextAttemptAt ?? 0) > window.until)
    accuse(`waits until ${nextAttemptAt}, and is to leave at ${window.until}`);
}

/** What the receiver kept came under one id, unless the worker was told that it wasn't. */
function judgeIds({ one, delivery, arrivals }: Item, court: Court): void {
  // In quiet hours, put off, or where it can't be written, it leaves a message that may have been sent already, and comes by itself.
  if (one.input.quiet.length > 0 || one.input.changes.length > 0 || hasFailedAlone(one, delivery)) return;
  const kept = arrivals.filter(({ answer }) => answer === "accepted" || answer === "none");
  const ids = [...new Set(kept.map(({ messageId }) => localPart(messageId)))];
  if (ids.length > 1) court.accuse("digest", one.input.id, `${nameOf(delivery)} came as ${ids.join(" and as ")}`);
}

/** Of one person's and one time, what could have been in the first message isn't in another one. */
function judgeHalves(items: Item[], court: Court): void {
  const all = items.flatMap((item) => item.arrivals.map((arrival) => ({ item, arrival })));
  const [first] = all.toSorted((a, b) => a.arrival.leftAt - b.arrival.leftAt);
  if (!first) return;
  const { messageId, leftAt } = first.arrival;
  for (const { one, delivery, arrivals } of items) {
    const { input } = one;
    const wasReady = delivery.createdAt + court.limits.storingMs < leftAt;
    const mayWait = input.quiet.length > 0 || input.budget !== null || input.changes.length > 0;
    const other = arrivals[0];
    if (
      !wasReady ||
      mayWait ||
      hasFailedAlone(one, delivery) ||
      !other ||
      localPart(other.messageId) === localPart(messageId)
    )
      continue;
    court.accuse(
      "digest",
      input.id,
      `${nameOf(delivery)} left in ${other.messageId}, and could have been in ${messageId}`,
    );
  }
}

/** What couldn't be written left the others alone, and its timeline tells that it was tried in vain. */
function hasFailedAlone({ events }: Case, { reminderId, occurrenceAt, recipientNo }: DeliveryRow): boolean {
  const id = `${reminderId}-${occurrenceAt}-${recipientNo}`;
  return events.some(({ type, details }) => type === "attempt_failed" && details.delivery === id);
}

/** A message that comes again holds nothing that it didn't hold before. */
function judgeCopies(items: Item[], court: Court): void {
  const arrivals = [...new Set(items.flatMap((item) => item.arrivals))].toSorted((a, b) => a.leftAt - b.leftAt);
  for (const copies of groupBy(arrivals, ({ messageId }) => localPart(messageId)).values()) {
    copies.slice(1).forEach((copy, index) => {
      const before = new Set(heldBy(copies[index] as Arrival).map(nameOfHeld));
      const added = heldBy(copy).find((held) => !before.has(nameOfHeld(held)));
      if (added)
        court.accuse("digest", added.reminderId, `${copy.messageId} came again, and holds ${nameOf(added)} besides`);
    });
  }
}

function nameOfHeld({ reminderId, occurrenceAt }: ReturnType<typeof heldBy>[number]): string {
  return `${reminderId}-${occurrenceAt}`;
}

/** Whichever worker sends it, what is before the @ is the message's. */
function localPart(messageId: string): string {
  return messageId.split("@")[0] ?? "";
}
