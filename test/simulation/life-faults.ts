import type { Simulation } from "../../src/core/life/happening.ts";
import type { World } from "../../src/core/life/world.ts";
import type { ReminderRecord } from "../../src/core/reminder.ts";
import { nextOccurrence, timetableOf } from "../../src/core/schedule/schedule.ts";
import type { Scenario } from "./lives.ts";
import { CALENDAR, END, isNight, isOffice, MINUTE, START } from "./year.ts";

/** What is wrong with a life, or null. Each line is a promise, told without a word of the core's. */
export function faultInLife(scenario: Scenario, life: Simulation): string | null {
  return faultInTimes(scenario, life) ?? faultByRule(scenario, life);
}

function faultInTimes({ reminder: start, world }: Scenario, { reminder, deliveries }: Simulation): string | null {
  const { schedule } = start;
  const { stopMetAt, outages, wishes, retry } = world;
  const intervalMs = schedule.type === "recurring" ? schedule.intervalMinutes * MINUTE : null;
  const { misfirePolicy } = start.bounds;
  const isLeftAlone = wishes.length === 0;
  const attempts = deliveries.flatMap((delivery) => delivery.attempts);
  const isOut = (at: number) => outages.some(({ from, until }) => from <= at && at < until);

  for (const [index, delivery] of deliveries.entries()) {
    const { occurrenceAt, firedAt, missed, status } = delivery;
    const before = deliveries[index - 1];
    const newer = deliveries[index + 1];
    const at = new Date(occurrenceAt).toISOString();
    if (firedAt < occurrenceAt) return `P4: ${at} was fired early`;
    if (before && before.occurrenceAt >= occurrenceAt) return `P2: ${at} came twice, or after a later one`;
    if (stopMetAt !== null && firedAt >= stopMetAt) return `P3: ${at} was fired although it was done`;
    if (isOut(firedAt)) return `${at} was fired while nobody worked`;
    if (delivery.attempts.length > retry.maxAttempts) return `${at} was tried ${delivery.attempts.length} times`;
    if (["sent", "unknown"].includes(status) && delivery.attempts.length === 0)
      return `P2: ${at} is ${status}, untried`;
    const superseded = newer && delivery.attempts.find((attempt) => attempt.at > newer.firedAt);
    if (superseded && misfirePolicy !== "all") return `${at} was tried after a newer one had fired`;
    if (status === "suppressed" && isLeftAlone && stopMetAt === null && !newer)
      return `${at} was suppressed for nothing`;
    if (!isLeftAlone) continue;

    if (intervalMs !== null) {
      if ((occurrenceAt - (start.runAt as number)) % intervalMs !== 0) return `drift: ${at} is off the series`;
      const since = Math.max(occurrenceAt, start.createdAt);
      const passed =
        Math.floor((firedAt - occurrenceAt) / intervalMs) - Math.floor((since - occurrenceAt) / intervalMs);
      if (missed !== passed) return `P2: ${at} tells of ${missed} missed, and ${passed} were`;
      const next = occurrenceAt + (Math.floor((firedAt - occurrenceAt) / intervalMs) + 1) * intervalMs;
      if (newer && newer.occurrenceAt !== next) return `P2: after ${at} one was left out, or came twice`;
    }
    const due = Math.max(occurrenceAt, start.createdAt);
    const kept = outages.find(({ from, until }) => from <= due && due < until);
    if (misfirePolicy !== "all" && firedAt !== (kept?.until ?? due)) return `P4: ${at} was late without a reason`;
  }
  for (const outage of outages) {
    const caughtUp = deliveries.filter(({ firedAt }) => firedAt === outage.until).length;
    if (isLeftAlone && misfirePolicy !== "all" && caughtUp > 1) return `${caughtUp} catch-ups after one outage`;
  }
  for (const { at, occurrenceAt } of attempts) {
    if (at < occurrenceAt) return "P4: a message left early";
    if (stopMetAt !== null && at >= stopMetAt) return "P3: a message left after it was done";
    if (isOut(at)) return "a message left while nobody worked";
    if (world.quietUntil && isNight(at)) return "a message left in quiet hours";
  }
  return faultInRetries(world, deliveries) ?? faultInEnd(world, start, { reminder, deliveries });
}

/** Every instant that the rule names in the year, one by one: what firing, catching up and skipping must add up to. */
function* instantsOf(reminder: ReminderRecord): Generator<number> {
  const timetable = timetableOf(reminder, null, CALENDAR);
  for (let last = START; ; ) {
    const next = nextOccurrence(timetable, last);
    if (next === null) return;
    yield next.at;
    last = next.at;
  }
}

/** Left alone, a reminder by a rule fires what the rule names, and each instant that has passed is sent or told as missed. */
function faultByRule(
  { reminder: start, world }: Scenario,
  { reminder, deliveries, skipped }: Simulation,
): string | null {
  if (world.wishes.length > 0 || start.schedule.type === "recurring" || start.schedule.type === "one_time") return null;
  const { maxOccurrences, endAt, misfirePolicy } = start.bounds;
  if (maxOccurrences !== null && deliveries.length > maxOccurrences) return "it fired more often than it may";
  if (endAt !== null && deliveries.some(({ occurrenceAt }) => occurrenceAt > endAt + 60_000))
    return "it fired after its end";
  if (misfirePolicy === "skip" && deliveries.some(({ firedAt, occurrenceAt }) => firedAt - occurrenceAt > MINUTE)) {
    return "it made up for what it should skip";
  }
  if (start.business && start.bounds.jitterSeconds === 0 && deliveries.some((one) => !isOffice(one.occurrenceAt)))
    return "it was due outside working time";
  const last = deliveries.at(-1);
  const told = deliveries.length + deliveries.reduce((sum, { missed }) => sum + missed, 0) + skipped;
  if (told > 900) return null; // of more that are missed at once, not all are counted
  const named: number[] = [];
  const until = reminder.nextRunAt ?? Number.POSITIVE_INFINITY;
  for (const at of instantsOf(start)) {
    if (named.length > told || at >= until) break;
    named.push(at);
  }
  const known = new Set(named);
  if (deliveries.some(({ occurrenceAt }) => !known.has(occurrenceAt))) return "it fired when its rule names nothing";
  if (reminder.status === "ACTIVE" && reminder.nextRunAt !== null && told !== named.length) {
    return `P2: ${named.length} instants passed, and ${told} were sent or told (last ${last?.occurrenceAt})`;
  }
  return null;
}

/** A try follows another only after its wait, or after an outage in which nobody heard the answer. */
function faultInRetries({ outages, retry }: World, deliveries: Simulation["deliveries"]): string | null {
  for (const delivery of deliveries) {
    for (const [index, again] of delivery.attempts.entries()) {
      const before = delivery.attempts[index - 1];
      if (!before || outages.some(({ from }) => from > before.at && from <= again.at)) continue;
      const plannedMs = Math.min(retry.capSeconds, retry.baseSeconds * retry.factor ** (index - 1)) * 1_000;
      if (again.at - before.at < plannedMs * 0.8 - 1) return `try ${again.number} came too soon`;
    }
  }
  return null;
}

function faultInEnd(
  { stopMetAt, stopHeardAfterMs, wishes, outages }: World,
  start: ReminderRecord,
  end: Pick<Simulation, "reminder" | "deliveries">,
): string | null {
  const { reminder, deliveries } = end;
  const isLeftAlone = wishes.length === 0;
  const isDone = reminder.status === "COMPLETED";
  const isByRule = start.schedule.type !== "one_time" && start.schedule.type !== "recurring";
  if (isDone && reminder.nextRunAt !== null) return "it is completed, and due again";
  if (isDone !== (reminder.completionReason !== null)) return "it is completed without a reason, or has one and isn't";
  const reasons = [
    "stop_condition",
    "manual",
    ...(start.schedule.type === "one_time" ? Object.values(REASON_AFTER) : []),
    ...(isByRule ? ["schedule_ended", "max_occurrences"] : []),
  ];
  if (reminder.completionReason !== null && isLeftAlone && !reasons.includes(reminder.completionReason)) {
    return `it was completed by ${reminder.completionReason}`;
  }
  const isOut = outages.some(({ from, until }) => from <= END && until > END);
  if (reminder.status === "ACTIVE" && reminder.deletedAt === null && reminder.nextRunAt !== null) {
    if (reminder.nextRunAt < END && !isOut) return "P2: it was due in the end, and never fired";
  }
  if (!isLeftAlone) return null;

  const heardAt = (stopMetAt ?? Number.POSITIVE_INFINITY) + stopHeardAfterMs;
  const hears = heardAt <= END && !outages.some(({ from, until }) => from <= heardAt && until > END);
  if (isByRule) return hears && !isDone ? "P3: it was done, and went on" : null;
  if (start.schedule.type === "recurring") {
    if (hears && reminder.completionReason !== "stop_condition") return "P3: it was done, and went on";
    if (stopMetAt === null && isDone) return "a recurring reminder ended by itself";
    return null;
  }
  if (deliveries.length > 1) return "a one-time reminder fired twice";
  const last = deliveries[0];
  const expected = last && REASON_AFTER[last.status];
  if (expected && reminder.completionReason !== expected && stopMetAt === null) {
    return "it doesn't tell how its only message ended";
  }
  const isOpen = last === undefined || ["sending", "retrying", "pending"].includes(last.status);
  if (!isDone && !isOpen) return "its only message has ended, and it is still ACTIVE";
  return null;
}

const REASON_AFTER: Partial<Record<string, string>> = {
  sent: "one_time_sent",
  failed: "delivery_failed",
  unknown: "delivery_unknown",
};
