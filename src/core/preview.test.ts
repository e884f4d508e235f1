import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyActive } from "../../test/support/any-schedule.ts";
import { HOUR, MINUTE, reminderRecord } from "../../test/support/reminders.ts";
import { completionAfter, decide } from "./decide.ts";
import { digestAt } from "./digest.ts";
import { type Foresight, foresee, type Outlook } from "./preview.ts";
import { sayEnd, sayOccurrence } from "./preview-words.ts";
import { quietUntil } from "./quiet-hours.ts";
import type { ReminderRecord } from "./reminder.ts";
import { NO_BOUNDS } from "./schedule/kinds.ts";
import { nextOccurrence, timetableOf } from "./schedule/schedule.ts";
import { readAnswer } from "./stop.ts";

const RUNS = 2_000;
const DAY = 24 * HOUR;
/** Before a change of the clocks in Europe and America. */
const T0 = Date.UTC(2026, 2, 1, 10, 30);
const NOT_MET = readAnswer("not_met", 'flag "paid" is not set');

function look(reminder: ReminderRecord, outlook: Partial<Outlook> = {}): Foresight {
  const steps = foresee(reminder, {
    ...{
      now: T0,
      until: T0 + 60 * DAY,
      most: 40,
      zone: null,
      calendar: null,
      quietUntil: () => null,
      isOutdated: false,
    },
    ...{ facts: () => ({ stop: NOT_MET }), standing: { sentCount: 0 }, mayGoOn: () => true },
    ...outlook,
  });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** What a worker does that is never late and whose messages all arrive, written once more, and simpler. */
function byHand(start: ReminderRecord, { now = T0, until = T0 + 60 * DAY, most = 40 }: Partial<Outlook> = {}) {
  const told: { occurrenceAt: number; at: number; outcome: string; missed: number }[] = [];
  let reminder = start;
  let clock = now;
  while (reminder.nextRunAt !== null && told.length < most) {
    clock = Math.max(clock, reminder.nextRunAt);
    if (clock > until) return { told, end: null };
    const due = {
      ...reminder,
      nextRunAt: reminder.nextRunAt,
      timetable: timetableOf(reminder, null),
      isOutdated: false,
    };
    const decision = decide(due, { stop: NOT_MET }, clock);
    if (decision.kind === "postpone" || decision.kind === "pause" || decision.kind === "hold")
      throw new Error(decision.kind);
    if (decision.kind === "complete") {
      told.push({
        occurrenceAt: Math.max(reminder.nextRunAt, (reminder.lastOccurrenceAt ?? 0) + 1),
        at: clock,
        outcome: "completed",
        missed: 0,
      });
      return { told, end: decision.reason };
    }
    const { occurrenceAt, missed, nextRunAt, nextWallAt } = decision;
    reminder = { ...reminder, nextRunAt, nextWallAt };
    if (decision.kind === "skip") told.push({ occurrenceAt, at: clock, outcome: "skipped", missed: missed - 1 });
    else {
      told.push({ occurrenceAt, at: clock, outcome: "sent", missed });
      reminder = { ...reminder, lastOccurrenceAt: occurrenceAt, occurrenceCount: reminder.occurrenceCount + 1 };
    }
  }
  return { told, end: reminder.nextRunAt === null ? completionAfter("sent", reminder) : null };
}

const essence = ({ occurrences }: Foresight) =>
  occurrences.map(({ occurrenceAt, at, outcome, missed }) => ({ occurrenceAt, at, outcome, missed }));

test("what is foreseen is what a worker decides, instant by instant, to the end and its reason", () => {
  const ends = new Set<string>();
  fc.assert(
    fc.property(
      anyActive(T0),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 90 }),
      (reminder, most, days) => {
        const outlook = { most, until: T0 + days * DAY };
        const seen = look(reminder, outlook);
        const { told, end } = byHand(reminder, outlook);
        expect(essence(seen)).toEqual(told);
        expect(seen.end?.reason ?? null).toBe(end);
        expect(seen.occurrences.filter(({ isLast }) => isLast).length).toBe(
          end !== null && told.some(({ outcome }) => outcome === "sent") ? 1 : 0,
        );
        ends.add(`${seen.stoppedBy} ${end}`);
      },
    ),
    { numRuns: RUNS },
  );
  // That something of each kind was drawn.
  expect([...ends].sort()).toEqual([
    "end max_occurrences",
    "end one_time_sent",
    "end schedule_ended",
    "limit null",
    "until null",
  ]);
});

test("nothing that is told breaks a bound, or comes twice, or too early", () => {
  fc.assert(
    fc.property(anyActive(T0), (reminder) => {
      const { occurrences } = look(reminder);
      const { endAt, maxOccurrences, jitterSeconds, misfirePolicy } = reminder.bounds;
      const sent = occurrences.filter(({ outcome }) => outcome === "sent");
      for (const [index, { occurrenceAt, at, number }] of sent.entries()) {
        expect(at).toBeGreaterThanOrEqual(Math.max(occurrenceAt, T0));
        expect(occurrenceAt).toBeGreaterThan(sent[index - 1]?.occurrenceAt ?? 0);
        expect(number).toBe(reminder.occurrenceCount + index + 1);
        if (endAt !== null) expect(occurrenceAt).toBeLessThanOrEqual(endAt + jitterSeconds * 1_000);
        if (misfirePolicy === "skip")
          expect(at - Math.max(occurrenceAt, reminder.createdAt)).toBeLessThanOrEqual(MINUTE);
      }
      if (maxOccurrences !== null) expect(reminder.occurrenceCount + sent.length).toBeLessThanOrEqual(maxOccurrences);
    }),
    { numRuns: RUNS },
  );
});

test("a look from later on sees the rest of what a look from now saw", () => {
  fc.assert(
    fc.property(anyActive(T0), fc.nat(5), (reminder, passed) => {
      const all = look(reminder, { most: 20 });
      const some = look(reminder, { most: passed + 1 });
      expect(essence(some)).toEqual(essence(all).slice(0, passed + 1));
      if (some.stoppedBy !== "limit") return;
      const now = some.occurrences.at(-1)?.at as number;
      const rest = look(some.reminder, { now, most: 19 - passed });
      expect(essence(rest)).toEqual(essence(all).slice(passed + 1));
    }),
    { numRuns: RUNS },
  );
});

test("it says of each occurrence why it is there: what it names as its origin leads there", () => {
  fc.assert(
    fc.property(anyActive(T0), (reminder) => {
      const seen = look(reminder, { most: 10 });
      const timetable = timetableOf(reminder, null);
      const end = seen.end && sayEnd(seen.end, seen.reminder, timetable);
      for (const foreseen of seen.occurrences) {
        const { moved, sentence } = sayOccurrence(foreseen, reminder, timetable, end);
        expect(sentence).toMatch(/^(Sent|Due) on .*\.$/);
        expect(moved.map(({ by }) => by)).not.toContain("asked_for");
        const jitter = moved.find(({ by }) => by === "jitter");
        const lateMs = jitter ? foreseen.occurrenceAt - (jitter.from as number) : 0;
        expect(lateMs).toBeLessThan(Math.max(1, reminder.bounds.jitterSeconds * 1_000));
        const even = { ...timetable, bounds: { ...NO_BOUNDS } };
        if (reminder.schedule.type === "one_time") continue;
        expect(nextOccurrence(even, foreseen.occurrenceAt - lateMs - 1)?.at).toBe(foreseen.occurrenceAt - lateMs);
      }
    }),
    { numRuns: 1_000 },
  );
});

describe("the clocks change", () => {
  const nightly = (zone: string) => {
    const reminder = reminderRecord({ schedule: { type: "cron", cron: "30 2 * * *" }, timeZone: zone, createdAt: T0 });
    const next = nextOccurrence(timetableOf(reminder, null), T0 + 26 * DAY);
    return { ...reminder, nextRunAt: next?.at ?? null, nextWallAt: next?.wallAt ?? null };
  };

  test("it tells of a reading that they skip", () => {
    const reminder = nightly("Europe/Berlin");
    const said = look(reminder, { most: 3 }).occurrences.map((one) =>
      sayOccurrence(one, reminder, timetableOf(reminder, null), null),
    );
    expect(said.map(({ moved }) => moved.map(({ by }) => by))).toEqual([[], ["clocks_skip"], []]);
    expect(said[1]?.sentence).toBe(
      "Sent on Sunday, 29 March 2026, 03:00 (Europe/Berlin, UTC+02:00). Its rule names 02:30, which the clocks of Europe/Berlin " +
        "skip that day, so it comes right after the gap.",
    );
  });

  test("but not where the rule names the reading after the gap as well", () => {
    for (const schedule of [
      { type: "cron", cron: "30 2,3 * * *" } as const,
      { type: "rrule", rrule: "DTSTART:20260101T023000\nRRULE:FREQ=DAILY;BYHOUR=2,3" } as const,
    ]) {
      const reminder = { ...nightly("Europe/Berlin"), schedule };
      const { occurrences } = look(reminder, { most: 6 });
      const said = occurrences.map((one) => sayOccurrence(one, reminder, timetableOf(reminder, null), null));
      const inTheGap = said.filter((_, index) => occurrences[index]?.at === Date.UTC(2026, 2, 29, 1, 30));
      expect(inTheGap.map(({ moved }) => moved)).toEqual([[]]);
    }
  });

  test("and of one that comes twice", () => {
    const autumn = Date.UTC(2026, 9, 24, 12);
    const reminder = { ...nightly("Europe/Berlin"), createdAt: autumn };
    const next = nextOccurrence(timetableOf(reminder, null), autumn);
    const due = { ...reminder, nextRunAt: next?.at ?? null, nextWallAt: next?.wallAt ?? null };
    const { occurrences } = look(due, { now: autumn, until: autumn + 9 * DAY, most: 2 });
    const said = occurrences.map((one) => sayOccurrence(one, reminder, timetableOf(reminder, null), null));
    expect(said.map(({ moved }) => moved.map(({ by }) => by))).toEqual([["clocks_repeat"], []]);
    expect(said[0]?.moved[0]?.from).toBe(Date.UTC(2026, 9, 25, 1, 30));
  });

  test("a date among offsets is moved just as well", () => {
    const anchorAt = Date.UTC(2026, 2, 31, 0, 30);
    const reminder = reminderRecord({
      ...{ schedule: { type: "offsets", offsets: ["-P2D"], anchorAt }, timeZone: "Europe/Berlin" },
      ...{ createdAt: T0, nextRunAt: Date.UTC(2026, 2, 29, 1) },
    });
    const [only] = look(reminder).occurrences;
    const { moved } = sayOccurrence(only as NonNullable<typeof only>, reminder, timetableOf(reminder, null), null);
    expect(moved).toMatchObject([{ by: "clocks_skip", fromWall: Date.UTC(2026, 2, 29, 2, 30) }]);
  });
});

test("a condition that is met, or will be, ends it, and its words are told", () => {
  const reminder = reminderRecord({
    nextRunAt: T0 + HOUR,
    createdAt: T0,
    schedule: { type: "recurring", intervalMinutes: 60, anchorAt: T0 },
  });
  const met = readAnswer("met", "past its deadline");
  const seen = look(reminder, { facts: ({ now }) => ({ stop: now >= T0 + 3 * HOUR ? met : NOT_MET }) });
  expect(essence(seen).map(({ outcome }) => outcome)).toEqual(["sent", "sent", "completed"]);
  expect(seen.occurrences.map(({ isLast }) => isLast)).toEqual([false, true, false]);
  expect(seen.end).toEqual({ at: T0 + 3 * HOUR, reason: "stop_condition", because: "past its deadline" });
});

test("one that is enough after so many messages, or reaches the ceiling, ends there", () => {
  const schedule = { type: "recurring", intervalMinutes: 60, anchorAt: T0 } as const;
  const reminder = reminderRecord({ nextRunAt: T0 + HOUR, createdAt: T0, schedule });
  const counted = look(reminder, {
    facts: ({ sentCount }) => ({
      stop: sentCount >= 3 ? readAnswer("met", `${sentCount} were sent`) : NOT_MET,
      doneBecause: "max_attempts",
      countsSent: true,
    }),
    standing: { sentCount: 1 },
  });
  expect(essence(counted).map(({ outcome }) => outcome)).toEqual(["sent", "sent"]);
  expect(counted.occurrences[1]?.isLast).toBe(true);
  expect(counted.end).toEqual({ at: T0 + 2 * HOUR, reason: "max_attempts", because: "3 were sent" });

  const ceiling = { occurrences: 2, ageDays: null };
  const capped = look(reminder, { facts: () => ({ stop: NOT_MET, ceiling }) });
  expect(essence(capped).map(({ outcome }) => outcome)).toEqual(["sent", "sent", "paused"]);
  expect(capped.end).toMatchObject({
    at: T0 + 3 * HOUR,
    reason: null,
    because: expect.stringContaining("fired 2 times"),
  });

  const unreadable = look(reminder, { facts: () => ({ stop: readAnswer("unknown", "nobody can read it") }) });
  expect(essence(unreadable).map(({ outcome }) => outcome)).toEqual(["paused"]);
});

test("what goes along with others leaves with them, and after the quiet hours if these hold it then", () => {
  const evening = Date.UTC(2026, 2, 1, 20, 30);
  const schedule = { type: "recurring", intervalMinutes: 600, anchorAt: evening } as const;
  const reminder = reminderRecord({ nextRunAt: evening, createdAt: T0, schedule });
  const wish = { at: ["06:00", "18:00"] };
  const quiet = [{ from: "22:00", to: "07:00" }];
  const { occurrences } = look(reminder, {
    most: 3,
    quietUntil: (at) => quietUntil(at, quiet, "UTC"),
    gathersUntil: (at) => digestAt(at, wish, "UTC"),
  });
  const hour = (at: number | null) => at && new Date(at).toISOString().slice(11, 16);
  expect(
    occurrences.map((one) => [
      hour(one.firedAt),
      hour(one.gatheredUntil),
      hour(one.heldUntil),
      hour(one.at),
      one.outcome,
    ]),
  ).toEqual([
    ["20:30", "06:01", "07:00", "07:00", "suppressed"],
    ["06:30", "18:01", null, "18:01", "suppressed"],
    ["16:30", "18:01", null, "18:01", "sent"],
  ]);
  const [first] = occurrences.map((one) => sayOccurrence(one, reminder, timetableOf(reminder, null), null));
  expect(first?.moved.map(({ by }) => by)).toEqual(["digest", "quiet_hours"]);
  expect(first?.moved[0]?.because).toBe(
    "it waits from Sunday, 1 March 2026, 20:30 (UTC) to come together with others at Monday, 2 March 2026, 06:01 (UTC)",
  );
});

test("of what quiet hours hold the newest takes the place of the others, and leaves when they end", () => {
  const evening = Date.UTC(2026, 2, 1, 20, 30);
  const schedule = { type: "recurring", intervalMinutes: 180, anchorAt: evening } as const;
  const reminder = reminderRecord({ nextRunAt: evening, createdAt: T0, schedule });
  const quiet = [{ from: "22:00", to: "07:00" }];
  const { occurrences, stoppedBy } = look(reminder, { most: 6, quietUntil: (at) => quietUntil(at, quiet, "UTC") });
  const hour = (at: number | null) => at && new Date(at).toISOString().slice(11, 16);
  expect(
    occurrences.map(({ firedAt, heldUntil, at, outcome }) => [hour(firedAt), hour(heldUntil), hour(at), outcome]),
  ).toEqual([
    ["20:30", null, "20:30", "sent"],
    ["23:30", "07:00", "07:00", "suppressed"],
    ["02:30", "07:00", "07:00", "suppressed"],
    ["05:30", "07:00", "07:00", "sent"],
    ["08:30", null, "08:30", "sent"],
    ["11:30", null, "11:30", "sent"],
  ]);
  expect(stoppedBy).toBe("limit");
  const said = occurrences.map((one) => sayOccurrence(one, reminder, timetableOf(reminder, null), null));
  expect(said[1]?.sentence).toContain("a newer occurrence of the same reminder took its place");
  expect(said[3]?.sentence).toBe(
    "Sent on Monday, 2 March 2026, 07:00 (UTC). Quiet hours hold it from Monday, 2 March 2026, 05:30 (UTC) until Monday, " +
      "2 March 2026, 07:00 (UTC).",
  );
});

test("it goes no further than it may", () => {
  let steps = 0;
  const reminder = reminderRecord({ nextRunAt: T0 + HOUR, createdAt: T0 });
  const seen = look(reminder, { most: 500, until: T0 + 5 * 365 * DAY, mayGoOn: () => ++steps <= 11 });
  expect(seen.stoppedBy).toBe("effort");
  expect(seen.occurrences.length).toBeGreaterThan(3);
  expect(seen.occurrences.length).toBeLessThan(12);
});
