import type { World } from "../../src/core/life/world.ts";
import { LIFECYCLE_ACTIONS } from "../../src/core/lifecycle.ts";
import { quietUntil } from "../../src/core/quiet-hours.ts";
import type { ReminderRecord } from "../../src/core/reminder.ts";
import { type Bounds, MISFIRE_POLICIES, NO_BOUNDS, type Schedule } from "../../src/core/schedule/kinds.ts";
import { nextOccurrence, timetableOf } from "../../src/core/schedule/schedule.ts";
import { type Random, randomFrom } from "../chaos/random.ts";
import { reminderRecord } from "../support/reminders.ts";
import { apart, CALENDAR, DAY, END, HOUR, MINUTE, NIGHT, START, YEAR, ZONE } from "./year.ts";

// Lives of reminders that are for one person, by every kind of schedule.

/** How long intervals are, and for how long such a reminder lives at most, so that no seed fires ten thousand times. */
const RHYTHMS = [
  { minutes: 1, livesMs: 3 * HOUR },
  { minutes: 7, livesMs: DAY },
  { minutes: 60, livesMs: 8 * DAY },
  { minutes: 1_440, livesMs: YEAR },
  { minutes: 10_080, livesMs: YEAR },
  { minutes: 43_201, livesMs: YEAR },
];

export interface Scenario {
  reminder: ReminderRecord;
  world: World;
}

/** A reminder and a year for it, out of a seed. */
export function drawLife(seed: number): Scenario {
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
  const reminder = reminderRecord({
    ...{ id: seed, entityType: "invoice", entityId: `${seed}`, eventType: "payment" },
    schedule: isRecurring
      ? { type: "recurring", intervalMinutes: rhythm.minutes, anchorAt: runAt }
      : { type: "one_time" },
    stopCondition: until(stopMetAt),
    ...{ nextRunAt: runAt, runAt, createdAt: START, updatedAt: START },
  });
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
  return reminderRecord({
    ...{ id: seed, ...key, ...rule, stopCondition: until(stopMetAt) },
    ...{ nextRunAt: first?.at ?? null, nextWallAt: first?.wallAt ?? null, createdAt: START, updatedAt: START },
  });
}

function until(stopMetAt: number | null): ReminderRecord["stopCondition"] {
  return stopMetAt === null ? null : { type: "db_check", value: "paid", settings: null };
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
