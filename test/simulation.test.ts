import { expect, test } from "vitest";
import type { Simulation } from "../src/core/life/happening.ts";
import type { World } from "../src/core/life/world.ts";
import { LIFECYCLE_ACTIONS } from "../src/core/lifecycle.ts";
import { NO_PEOPLE } from "../src/core/people.ts";
import { quietUntil } from "../src/core/quiet-hours.ts";
import { type Bounds, MISFIRE_POLICIES, NO_BOUNDS, type ReminderRecord, type Schedule } from "../src/core/reminder.ts";
import { nextOccurrence, timetableOf } from "../src/core/schedule/schedule.ts";
import { simulate } from "../src/core/simulate.ts";
import { type Random, randomFrom } from "./chaos/random.ts";

const SEEDS = 20_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
/** A year with both changes of the clocks in it. */
const START = Date.UTC(2026, 0, 15, 10, 30);
const END = START + YEAR;

/** How long intervals are, and for how long such a reminder lives at most, so that no seed fires ten thousand times. */
const RHYTHMS = [
  { minutes: 1, livesMs: 3 * HOUR },
  { minutes: 7, livesMs: DAY },
  { minutes: 60, livesMs: 8 * DAY },
  { minutes: 1_440, livesMs: YEAR },
  { minutes: 10_080, livesMs: YEAR },
  { minutes: 43_201, livesMs: YEAR },
];

/** The clocks of the people and of the office. */
const ZONE = "Europe/Berlin";
const NIGHT = [{ from: "22:00", to: "07:00" }];
const DAY_HOURS = [{ from: "09:00", to: "17:00" }];
const CALENDAR = [
  ZONE,
  JSON.stringify({
    monday: DAY_HOURS,
    tuesday: DAY_HOURS,
    wednesday: DAY_HOURS,
    thursday: DAY_HOURS,
    friday: DAY_HOURS,
  }),
  JSON.stringify([{ date: "2026-05-04", hours: [] }]),
  JSON.stringify(["2026-05-01"]),
].join("\n");

interface Scenario {
  reminder: ReminderRecord;
  world: World;
}

/** A reminder and a year for it, out of a seed. */
function draw(seed: number): Scenario {
  const random = randomFrom(seed);
  const rhythm = random.pick(RHYTHMS);
  const isRecurring = random.chance(0.75);
  const runAt = START + Math.floor(random.between(-2 * DAY, 20 * DAY));
  const endsBy = Math.min(END, Math.max(START, runAt) + rhythm.livesMs);
  const stopMetAt = isRecurring && rhythm.livesMs < YEAR ? endsBy : random.chance(0.5) ? anywhere(random) : null;
  // Some of those that come again go by a rule or growing waits.
  const rule = isRecurring && rhythm.minutes >= 60 && random.chance(0.15) ? drawRule(random, { rhythm, runAt }) : null;
  if (rule)
    return {
      reminder: byRule(seed, rule, stopMetAt),
      world: {
        ...drawWorld(random, { stopMetAt, near: START, livesMs: rhythm.livesMs }),
        calendar: rule.business && CALENDAR,
      },
    };
  const reminder: ReminderRecord = {
    ...{ id: seed, tenantId: "default", entityType: "invoice", entityId: `${seed}`, eventType: "payment" },
    ...{ channel: "email", recipient: null, subject: null, message: null, data: {}, timeZone: null },
    schedule: isRecurring
      ? { type: "recurring", intervalMinutes: rhythm.minutes, anchorAt: runAt }
      : { type: "one_time" },
    ...{ bounds: NO_BOUNDS, business: null, quietHours: null, ignoreQuietHours: false, nextWallAt: null },
    stopCondition: stopMetAt === null ? null : { type: "db_check", value: "paid", settings: null },
    ...{
      onUnknown: "hold",
      doneMeans: null,
      allowsReassign: false,
      silence: null,
      needsAttention: null,
      people: NO_PEOPLE,
    },
    ...{ status: "ACTIVE", completionReason: null, nextRunAt: runAt, runAt, lastRunAt: null, lastOccurrenceAt: null },
    ...{ occurrenceCount: 0, createdAt: START, updatedAt: START, completedAt: null, deletedAt: null },
  };
  return { reminder, world: drawWorld(random, { stopMetAt, near: Math.max(START, runAt), livesMs: rhythm.livesMs }) };
}

interface Rule extends Pick<ReminderRecord, "business"> {
  schedule: Schedule;
  bounds: Bounds;
  timeZone: string | null;
}

function drawRule(random: Random, { rhythm, runAt }: { rhythm: (typeof RHYTHMS)[number]; runAt: number }): Rule {
  const { minutes } = rhythm;
  const hour = Math.floor(random.between(0, 24));
  const cron = minutes < 1_440 ? `${hour} */2 * * *` : `30 ${hour} * * 1-5`;
  const freq = minutes < 1_440 ? "HOURLY" : "DAILY";
  const schedule = random.pick<Schedule>([
    { type: "cron", cron },
    { type: "rrule", rrule: `DTSTART:20260101T023000\nRRULE:FREQ=${freq}` },
    { type: "offsets", offsets: ["-P7D", "-P1D", "PT0S", "PT36H", "P1M"], anchorAt: Math.max(runAt, START) + 2 * DAY },
    { type: "backoff", intervalMinutes: minutes, factor: 1.5, maxIntervalMinutes: 43_200, anchorAt: START },
  ]);
  const bounds = {
    ...NO_BOUNDS,
    maxOccurrences: random.chance(0.2) ? 1 + Math.floor(random.between(0, 20)) : null,
    endAt: random.chance(0.2) ? START + 10 * DAY + Math.floor(random.between(0, 200 * DAY)) : null,
    jitterSeconds: random.chance(0.3) ? Math.floor(random.between(0, 60)) : 0,
    misfirePolicy: random.pick(MISFIRE_POLICIES),
  };
  const office = random.fork("office");
  const outside = office.pick(["next", "previous"] as const);
  return {
    schedule,
    bounds,
    timeZone: random.pick([null, ZONE, "America/New_York", "Australia/Lord_Howe"]),
    business: office.chance(0.4) ? { calendar: "office", countsIn: "all_time", outside } : null,
  };
}

function byRule(seed: number, rule: Rule, stopMetAt: number | null): ReminderRecord {
  const key = { entityType: "invoice", entityId: `${seed}`, eventType: "payment" };
  const first = nextOccurrence(timetableOf({ ...key, ...rule, createdAt: START, runAt: null }, null, CALENDAR), START);
  return {
    ...{ id: seed, tenantId: "default", ...key, channel: "email", recipient: null, subject: null, message: null },
    ...{ data: {}, ...rule, quietHours: null, ignoreQuietHours: false },
    stopCondition: stopMetAt === null ? null : { type: "db_check", value: "paid", settings: null },
    ...{
      onUnknown: "hold",
      doneMeans: null,
      allowsReassign: false,
      silence: null,
      needsAttention: null,
      people: NO_PEOPLE,
    },
    ...{ status: "ACTIVE", completionReason: null, runAt: null, lastRunAt: null, lastOccurrenceAt: null },
    ...{ nextRunAt: first?.at ?? null, nextWallAt: first?.wallAt ?? null, occurrenceCount: 0 },
    ...{ createdAt: START, updatedAt: START, completedAt: null, deletedAt: null },
  };
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

function drawWorld(random: Random, life: { stopMetAt: number | null; near: number; livesMs: number }): World {
  const soon = () => life.near + Math.floor(random.between(-0.02, 1) * random.next() * life.livesMs);
  const outages = some(random, 3, () => ({ from: soon(), ms: random.pick([1, 500, MINUTE, HOUR, 2 * DAY, 30 * DAY]) }));
  const moods = { sent: random.between(0.2, 6), retrying: random.next(), failed: 0.1 * random.next(), unknown: 0.1 };
  const wishes = random.chance(0.4)
    ? some(random, 4, () => ({ at: Math.max(START, soon()), wish: drawWish(random, soon) }))
    : [];
  const receiver = random.fork("receiver");
  const isQuiet = random.fork("night").chance(0.2);
  const slowest = random.pick([0, 200, 90_000]);
  return {
    until: END,
    stopMetAt: life.stopMetAt,
    stopHeardAfterMs: random.pick([0, 20, 5_000, 3 * DAY]),
    outages: apart(outages.map(({ from, ms }) => ({ from, until: from + ms }))),
    wishes: wishes.toSorted((a, b) => a.at - b.at),
    receive: () => ({ answer: receiver.weighted(moods), takesMs: Math.floor(receiver.between(0, slowest)) }),
    retry: { maxAttempts: 1 + Math.floor(random.between(0, 6)), baseSeconds: 15, factor: 4, capSeconds: 6 * 3_600 },
    draw: receiver.next,
    ...(isQuiet && { quietUntil: (at: number) => quietUntil(at, NIGHT, ZONE) }),
  };
}

function drawWish(random: Random, soon: () => number): World["wishes"][number]["wish"] {
  return random.chance(0.8) ? random.pick(LIFECYCLE_ACTIONS) : { runAt: soon() };
}

function anywhere(random: Random): number {
  return START + Math.floor(random.between(0, YEAR));
}

function some<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: Math.floor(random.between(0, most + 1)) }, make);
}

/** In order, none touching another. */
function apart(spans: { from: number; until: number }[]): { from: number; until: number }[] {
  const merged: { from: number; until: number }[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && span.from <= last.until) last.until = Math.max(last.until, span.until);
    else merged.push({ ...span });
  }
  return merged;
}

/** What is wrong with a life, or null. Each line is a promise, told without a word of the core's. */
function fault({ reminder: start, world }: Scenario, { reminder, deliveries }: Simulation): string | null {
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

const onTheWall = new Intl.DateTimeFormat("en-GB", {
  ...{ timeZone: ZONE, hourCycle: "h23", weekday: "short", hour: "2-digit" },
  ...{ year: "numeric", month: "2-digit", day: "2-digit" },
});

/** What the clocks of the people show, by others than the core. */
function wall(at: number): { hour: number; weekday: string; date: string } {
  const parts = new Map(onTheWall.formatToParts(at).map(({ type, value }) => [type, value]));
  const date = `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
  return { hour: Number(parts.get("hour")), weekday: parts.get("weekday") ?? "", date };
}

function isNight(at: number): boolean {
  const { hour } = wall(at);
  return hour >= 22 || hour < 7;
}

function isOffice(at: number): boolean {
  const { hour, weekday, date } = wall(at);
  const isOpen = !["Sat", "Sun"].includes(weekday) && date !== "2026-05-01" && date !== "2026-05-04";
  return isOpen && hour >= 9 && hour < 17;
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

test(`a year in the life of a reminder, for ${SEEDS} seeds: the promises that need no machine hold`, {
  timeout: 600_000,
}, () => {
  const only = process.env.SIMULATION_SEED;
  const seeds = only ? [Number(only)] : Array.from({ length: SEEDS }, (_, seed) => seed);
  const seen = { fired: 0, missed: 0, tries: 0, completed: 0, quiet: 0, byCalendar: 0 };
  for (const seed of seeds) {
    const scenario = draw(seed);
    const life = simulate(scenario.reminder, scenario.world);
    const wrong = fault(scenario, life) ?? faultByRule(scenario, life);
    if (wrong) throw new Error(`${wrong}: SIMULATION_SEED=${seed} npx vitest run test/simulation.test.ts`);
    seen.fired += life.deliveries.length;
    seen.missed += life.deliveries.reduce((sum, delivery) => sum + delivery.missed, 0);
    seen.tries += life.deliveries.reduce((sum, delivery) => sum + delivery.attempts.length, 0);
    seen.quiet += scenario.world.quietUntil ? life.deliveries.length : 0;
    seen.byCalendar += scenario.reminder.business ? life.deliveries.length : 0;
    seen.completed += life.reminder.status === "COMPLETED" ? 1 : 0;
  }
  if (only) return;
  // That the seeds drew lives in which there was something to get wrong.
  expect(seen.fired).toBeGreaterThan(20 * SEEDS);
  expect(seen.missed).toBeGreaterThan(SEEDS);
  expect(seen.tries).toBeGreaterThan(seen.fired);
  expect(seen.completed).toBeGreaterThan(SEEDS / 3);
  expect(seen.quiet).toBeGreaterThan(SEEDS);
  expect(seen.byCalendar).toBeGreaterThan(SEEDS / 2);
});
