import type { Arrival, DeliveryRow } from "../evidence.ts";
import { type Case, type Court, groupBy, nameOf } from "./case.ts";
import { isAtMostOnce, triesOf } from "./deliveries.ts";
import { wasInFlight } from "./in-flight.ts";

/** Arrivals of a message beyond the first that the receiver kept. */
export interface Copies {
  afterFaults: number;
  /** The receiver kept it and asked for it again. */
  afterLies: number;
}

/** P3, P4, P6: what reached the receiver was recorded, left neither early nor after its end, and came twice only by a fault. */
export function judgeMessages(one: Case, court: Court): Copies {
  const { input, arrivals, deliveries } = one;
  const { clockSlackMs } = court.limits;
  judgeStop(one, court);
  judgeOrder(one, court);
  judgeQuiet(one, court);
  const byName = new Map(deliveries.map((delivery) => [nameOf(delivery), delivery]));
  const known = deliveries.flatMap((delivery) => one.arrivalsOf(delivery));
  for (const { messageId } of arrivals.filter((arrival) => !known.includes(arrival))) {
    court.accuse("P2", input.id, `${messageId} arrived, and no delivery tells of it`);
  }
  const copies: Copies = { afterFaults: 0, afterLies: 0 };
  for (const delivery of byName.values()) {
    const { occurrenceAt } = delivery;
    const own = one.arrivalsOf(delivery);
    for (const { leftAt, to, messageId } of own) {
      if (to !== delivery.recipient)
        court.accuse("P2", input.id, `${messageId} went to ${to}: ${delivery.recipient}'s`);
      if (leftAt >= occurrenceAt - clockSlackMs) continue;
      court.accuse("P4", input.id, `occurrence ${occurrenceAt} arrived ${occurrenceAt - leftAt} ms early`);
    }
    judgeCopies(own, delivery, court, copies);
  }
  return copies;
}

function judgeStop({ input, stop, arrivals, regimes }: Case, court: Court): void {
  const late = (arrival: Arrival, since: number) => arrival.leftAt - since - allowance(arrival, court);
  for (const arrival of arrivals) {
    const { messageId, leftAt } = arrival;
    if (stop && late(arrival, stop.until) > 0) {
      court.accuse("P3", input.id, `${messageId} left ${leftAt - stop.until} ms after it was done`);
    }
    const off = regimes.find(
      ({ isActive, begins, ends }) => !isActive && late(arrival, begins.until) > 0 && leftAt < ends.from,
    );
    if (off && !input.isLoose) {
      court.accuse(
        "P3",
        input.id,
        `${messageId} left ${leftAt - off.begins.until} ms after it was paused, put off or ended`,
      );
    }
  }
}

/** Nothing leaves in quiet hours, nor to whoever wants no more or has done theirs. */
function judgeQuiet({ input, arrivals }: Case, court: Court): void {
  for (const arrival of arrivals) {
    const { messageId, leftAt, to } = arrival;
    const grace = allowance(arrival, court);
    // Where one follows upon the other, there was no moment between them at which it might have left.
    const graceAt = (from: number) => (input.quiet.some(({ until }) => until === from) ? 0 : grace);
    const quiet = input.quiet.find(
      ({ from, until }) => leftAt > from + graceAt(from) && leftAt < until - court.limits.clockSlackMs,
    );
    if (quiet)
      court.accuse("quiet", input.id, `${messageId} left ${leftAt - quiet.from} ms after quiet hours had begun`);
    const refusal = input.refusals.find(
      ({ address, until, lifted }) =>
        address === to && leftAt > until + grace && leftAt < (lifted?.from ?? Number.POSITIVE_INFINITY),
    );
    if (refusal) {
      const lateMs = leftAt - refusal.until;
      court.accuse("address", input.id, `${messageId} left ${lateMs} ms after ${to} was not to be sent to any more`);
    }
    const done = input.done.find(({ person, until }) => person === to && leftAt > until + grace);
    if (done)
      court.accuse("people", input.id, `${messageId} left ${leftAt - done.until} ms after ${to} had done theirs`);
  }
}

/** A newer occurrence takes the place of an older one that still waits. */
function judgeOrder({ input, deliveries, arrivalsOf }: Case, court: Court): void {
  const occurrences = [...groupBy(deliveries, ({ occurrenceAt }) => occurrenceAt).values()];
  const arrived = occurrences.map((all) => all.flatMap(arrivalsOf).toSorted((a, b) => a.leftAt - b.leftAt));
  arrived.forEach((older, index) => {
    const news = arrived[index + 1]?.[0];
    if (!news) return;
    for (const arrival of older) {
      if (arrival.leftAt <= news.leftAt + allowance(arrival, court)) continue;
      court.accuse("order", input.id, `${arrival.messageId} left after the newer ${news.messageId}`);
    }
  });
}

export function allowance({ stallMs }: Arrival, { limits }: Court): number {
  return limits.stopMs + limits.clockSlackMs + stallMs;
}

function judgeCopies(arrivals: Arrival[], delivery: DeliveryRow, court: Court, copies: Copies): void {
  const kept = arrivals.filter(({ answer }) => !answer.startsWith("refused"));
  if (kept.length > Math.min(delivery.attempts, triesOf(delivery, court))) {
    const { reminderId, occurrenceAt, attempts } = delivery;
    court.accuse("P6", reminderId, `occurrence ${occurrenceAt} arrived ${kept.length} times in ${attempts} attempts`);
  }
  // After a lie the worker had to come again. After silence the outcome is unknown, and it must not come unasked.
  kept.slice(1).forEach((again, index) => {
    const before = kept[index] as Arrival;
    copies[before.answer === "lied" ? "afterLies" : "afterFaults"] += 1;
    if (before.answer === "lied") return;
    const how = `${before.messageId} came again ${again.leftAt - before.leftAt} ms after it was ${before.answer}`;
    if (isAtMostOnce(delivery)) court.accuse("P6", delivery.reminderId, `${how}, and is to come once at most`);
    else if (!wasInFlight(before, again.leftAt, court))
      court.accuse("P6", delivery.reminderId, `${how}, and no fault hit while it was in flight`);
  });
}
