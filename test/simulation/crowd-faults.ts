import type { Attempt, SimulatedDelivery } from "../../src/core/life/happening.ts";
import type { Crowd } from "./crowd.ts";
import { faultInPeople } from "./crowd-people-faults.ts";
import { faultInPolicy } from "./crowd-policy-faults.ts";
import type { Story } from "./crowd-story.ts";
import { DAY, END, HOUR, isNight, isWithin, MINUTE, wall } from "./year.ts";

// What the guides promise of several people, policies, answers, digests and budgets. Nothing here asks the core.

/** What is wrong with such a life, or null. */
export function faultInCrowd(crowd: Crowd, story: Story): string | null {
  return (
    faultInTimes(crowd, story) ??
    faultInPeople(crowd, story) ??
    faultInAnswers(crowd, story) ??
    faultInPolicy(crowd, story) ??
    faultInDigests(crowd, story) ??
    faultInBudgets(crowd, story) ??
    faultInLoss(crowd, story)
  );
}

const iso = (at: number): string => new Date(at).toISOString();

/** Nothing leaves early, after the end, in a silence or a night, while nobody works, or for somebody who has done theirs. */
function faultInTimes({ world, isQuiet }: Crowd, { end, fired, closed, silences, doneAt }: Story): string | null {
  const { outages, stopMetAt, retry } = world;
  for (const { at, occurrenceAt } of fired) {
    if (at < occurrenceAt) return `P4: ${iso(occurrenceAt)} was fired early`;
    if (isWithin(closed, at)) return `it fired at ${iso(at)}, while it was paused, deleted or done`;
    if (isWithin(silences, at)) return `it fired at ${iso(at)}, within a silence`;
    if (isWithin(outages, at)) return `it fired at ${iso(at)}, while nobody worked`;
    if (stopMetAt !== null && at >= stopMetAt) return `P3: it fired at ${iso(at)} although it was done`;
  }
  for (const { attempts, to } of end.deliveries) {
    const person = to?.addressed.person ?? "";
    if (attempts.length > retry.maxAttempts) return `a message was tried ${attempts.length} times`;
    for (const { at, occurrenceAt } of attempts) {
      if (at < occurrenceAt) return `P4: a message left early, at ${iso(at)}`;
      if (isWithin(closed, at)) return `a message left at ${iso(at)}, after a pause, a deletion or the end`;
      if (isWithin(silences, at)) return `a message left at ${iso(at)}, within a silence`;
      if (isWithin(outages, at)) return `a message left at ${iso(at)}, while nobody worked`;
      if (stopMetAt !== null && at >= stopMetAt) return `P3: a message left at ${iso(at)}, after it was done`;
      if (isQuiet && isNight(at)) return `a message left at ${iso(at)}, in quiet hours`;
      if (at >= (doneAt.get(person) ?? Number.POSITIVE_INFINITY))
        return `${person} got a message at ${iso(at)}, having done theirs`;
    }
  }
  return null;
}

/** What was put off or promised is due at that very instant, or as soon as it may be. */
function faultInAnswers({ world }: Crowd, { silences, closed }: Story): string | null {
  for (const { until, fate, cameAt } of silences) {
    if (fate === "unwanted") continue;
    let due = until;
    const spans = [...closed, ...world.outages].toSorted((a, b) => a.from - b.from);
    // One may begin before another ends.
    for (const span of [...spans, ...spans]) if (isWithin([span], due)) due = span.until;
    if (due > END || (world.stopMetAt !== null && due >= world.stopMetAt)) continue;
    if (fate === "owed") return `a silence that ended at ${iso(until)} was followed by nothing`;
    if (cameAt !== due) return `what was put off until ${iso(until)} came at ${iso(cameAt ?? due)}, not at ${iso(due)}`;
  }
  return null;
}

const contactOf = ({ to }: SimulatedDelivery): string => to?.addressed.via ?? to?.addressed.person ?? "";

/** What waits for a digest leaves a minute after one of its times, the next one, and with all else of that time. */
function faultInDigests({ people, world, isQuiet }: Crowd, { end }: Story): string | null {
  const hasOutages = world.outages.length > 0;
  const messageOf = new Map<string, number>();
  for (const delivery of end.deliveries) {
    const name = contactOf(delivery);
    const { digest = null, budget = null } = people.get(name) ?? {};
    const [first] = delivery.attempts;
    if (!digest || !first || hasOutages || isQuiet || budget) continue;
    const { minute } = wall(first.at - MINUTE);
    const at = digest.at?.map((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
    const apart = digest.window_minutes ?? 1;
    const isTime = first.at % MINUTE === 0 && (at ? at.includes(minute) : minute % apart === 0);
    if (!isTime) return `${name} got a message at ${iso(first.at)}, which is no time of theirs`;
    const longest = (digest.at ? DAY : apart * MINUTE) + MINUTE + HOUR;
    if (first.at - delivery.firedAt > longest) return `a digest of ${name} came a time too late, at ${iso(first.at)}`;
    const key = `${delivery.to?.recipient} ${first.at}`;
    const other = messageOf.get(key) ?? first.messageNo;
    messageOf.set(key, other);
    // Somebody else's mail to the same address may come at the same time by itself.
    if (other !== first.messageNo && sameWish(end.deliveries, people, delivery))
      return `${name} got two messages at ${iso(first.at)} instead of one`;
  }
  return null;
}

function sameWish(
  deliveries: readonly SimulatedDelivery[],
  people: Crowd["people"],
  { to }: SimulatedDelivery,
): boolean {
  return deliveries.every((one) => one.to?.recipient !== to?.recipient || people.get(contactOf(one))?.digest);
}

/** Nobody gets more within 24 hours than they want; what waits for that isn't forgotten. */
function faultInBudgets(crowd: Crowd, story: Story): string | null {
  const { deliveries } = story.end;
  for (const { name, budget } of crowd.people.values()) {
    if (!budget) continue;
    const mine = deliveries.filter((delivery) => contactOf(delivery) === name);
    const left = messagesIn(mine);
    for (const [n, at] of left.entries()) {
      const first = left[n - budget.perDay];
      if (first !== undefined && at - first < DAY)
        return `${name} got more than ${budget.perDay} messages within a day, at ${iso(at)}`;
    }
    const forgotten = mine.find((delivery) => isForgotten(delivery, left, crowd, story));
    if (forgotten) return `${name} got nothing for 28 hours after ${iso(forgotten.firedAt)}, though there was room`;
  }
  return null;
}

/** Who gets each newest message only gets at least one as soon as there is room: a day after the last, and a little. */
const SOON_MS = 28 * HOUR;

/** True for a message that gave way to newer ones, none of which came either, in a life that nothing else disturbed. */
function isForgotten(
  { status, firedAt, occurrenceAt, to }: SimulatedDelivery,
  left: readonly number[],
  { people, world, isQuiet }: Crowd,
  { closed, fired }: Story,
): boolean {
  const name = to?.addressed.via ?? to?.addressed.person ?? "";
  const { digest } = people.get(name) ?? {};
  const isOut = [name, to?.addressed.person ?? name].some((one) => people.get(one)?.isOut);
  const isDisturbed = world.outages.length > 0 || world.wishes.length > 0 || isQuiet || digest || isOut;
  if (isDisturbed || status !== "suppressed") return false;
  const isOver = [...closed, { from: world.stopMetAt ?? END }].some(({ from }) => from <= firedAt + SOON_MS);
  const goesOnForThem = fired
    .filter((one) => one.occurrenceAt > occurrenceAt)
    .every(({ deliveries }) => deliveries.some((delivery) => contactOf(delivery) === name));
  return !isOver && goesOnForThem && !left.some((at) => at >= firedAt && at <= firedAt + SOON_MS);
}

/** When messages left, each once, in order. */
function messagesIn(deliveries: readonly SimulatedDelivery[]): number[] {
  const attempts = new Map<string, Attempt>();
  for (const delivery of deliveries)
    for (const attempt of delivery.attempts) attempts.set(`${attempt.messageNo}`, attempt);
  return [...attempts.values()].map(({ at }) => at).toSorted((a, b) => a - b);
}

/** Every message has ended long before the year is over, and what didn't leave had a reason. */
function faultInLoss({ world, people }: Crowd, story: Story): string | null {
  const { end, closed, silences, doneAt, fired } = story;
  const { reminder, deliveries } = end;
  for (const { status, occurrenceAt, firedAt, attempts, to } of deliveries) {
    if (["pending", "sending", "retrying"].includes(status))
      return `P2: the message of ${iso(occurrenceAt)} is ${status} at the end of the year`;
    if (status !== "suppressed" && attempts.length === 0) return `P2: ${iso(occurrenceAt)} is ${status}, untried`;
    if (status !== "suppressed") continue;
    const person = to?.addressed.person ?? "";
    const isOut = [person, to?.addressed.via ?? person].some((name) => people.get(name)?.isOut);
    const hasReason =
      isOut ||
      doneAt.has(person) ||
      world.stopMetAt !== null ||
      [...closed, ...silences].some(({ until }) => until > firedAt) ||
      (reminder.bounds.misfirePolicy !== "all" && fired.some((one) => one.occurrenceAt > occurrenceAt));
    if (!hasReason) return `the message of ${iso(occurrenceAt)} was suppressed for nothing`;
  }
  if (reminder.status !== "ACTIVE" || reminder.deletedAt !== null) return null;
  if (reminder.nextRunAt !== null && reminder.nextRunAt < END) return "P2: it was due in the end, and never fired";
  return reminder.nextRunAt === null ? "all its messages have ended, and it is still ACTIVE" : null;
}
