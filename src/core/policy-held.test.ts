import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOUR, MINUTE, reminderRecord, T0 } from "../../test/support/reminders.ts";
import { decide } from "./decide.ts";
import { type Escalation, type Policy, readPolicy, type StepText } from "./policy.ts";
import { NO_BOUNDS } from "./schedule/kinds.ts";
import { timetableOf } from "./schedule/schedule.ts";
import { readAnswer } from "./stop.ts";

const DAY = 24 * HOUR;
const seldom = (endAt: number | null = null) =>
  timetableOf(
    reminderRecord({
      schedule: { type: "recurring", intervalMinutes: 100 * 24 * 60, anchorAt: T0 },
      bounds: { ...NO_BOUNDS, endAt },
    }),
    null,
  );
const facts = { stop: readAnswer("not_met", "") };

function policyOf(...steps: StepText[]): Policy {
  return readPolicy(JSON.stringify({ name: "p", steps, rotas: {} }));
}

interface Message {
  step: number;
  firedAt: number;
  /** When it leaves, unless a newer one takes its place before. */
  leavesAt: number;
  isTaken: boolean;
}

/** A reminder that is due once in a hundred days and goes by a policy, from `T0` on, whose messages leave at once, or when the hours end in which nothing does. */
function live(
  policy: Policy,
  {
    quiet = [] as [number, number][],
    until = T0 + 6 * DAY,
    triggers = [] as number[],
    lateMs = 0,
    endAt = null as number | null,
  } = {},
): Message[] {
  const messages: Message[] = [];
  let escalation: Escalation | null = null;
  let lastOccurrenceAt: number | null = null;
  let due: number | null = T0 - lateMs;
  for (let n = 0; n < 5_000 && due !== null && due < until; n += 1) {
    const [wanted] = triggers;
    if (wanted !== undefined && wanted < due) due = triggers.shift() as number;
    const now: number = Math.max(due, T0);
    const newest = messages.at(-1);
    const isWaiting = newest !== undefined && newest.leavesAt > now;
    const decision = decide(
      {
        ...{ createdAt: T0 - lateMs - HOUR, occurrenceCount: messages.length, nextWallAt: null, isOutdated: false },
        ...{ timetable: seldom(endAt), nextRunAt: due, lastOccurrenceAt },
        escalating: {
          ...{ policy, escalation, wasGiven: !isWaiting, deadlineAt: null },
          waitsUntil: isWaiting ? newest.leavesAt : null,
        },
      },
      facts,
      now,
    );
    if (decision.kind !== "send" && decision.kind !== "postpone") break;
    if (decision.kind === "send") {
      if (isWaiting) newest.isTaken = true;
      const leavesAt = quiet.find(([from, to]) => now >= from && now < to)?.[1] ?? now;
      messages.push({ step: decision.course?.step.number ?? 0, firedAt: now, leavesAt, isTaken: false });
      escalation = decision.course?.escalation ?? null;
      lastOccurrenceAt = decision.occurrenceAt;
    }
    due = decision.nextRunAt;
  }
  return messages;
}

const TONIGHT: [number, number] = [T0, T0 + 10 * HOUR];

describe("while the message of a step waits for the end of quiet hours", () => {
  test("the step after it, a minute later, doesn't have it given again and again", () => {
    const policy = policyOf(
      { to: ["recipient"], interval_minutes: 24 * 60 },
      { after: { elapsed: "PT1M" }, to: ["manager"], repeat: 1 },
    );
    expect(live(policy, { quiet: [TONIGHT] })).toEqual([
      { step: 1, firedAt: T0, leavesAt: T0 + 10 * HOUR, isTaken: false },
      { step: 2, firedAt: T0 + 10 * HOUR + MINUTE, leavesAt: T0 + 10 * HOUR + MINUTE, isTaken: false },
    ]);
  });

  test("nor where it was fired late", () => {
    const policy = policyOf(
      { to: ["recipient"], interval_minutes: 24 * 60 },
      { after: { elapsed: "PT1M" }, to: ["manager"], repeat: 1 },
    );
    expect(live(policy, { quiet: [TONIGHT], lateMs: 3 * DAY + HOUR })).toMatchObject([{ step: 1 }, { step: 2 }]);
  });

  test("nor where its end comes before that: then it is given once more, at its end", () => {
    const policy = policyOf(
      { to: ["recipient"], interval_minutes: 24 * 60 },
      { after: { elapsed: "PT1M" }, to: ["manager"], repeat: 1 },
    );
    const endAt = T0 + 3 * HOUR;
    expect(live(policy, { quiet: [TONIGHT], endAt })).toMatchObject([
      { step: 1, firedAt: T0, isTaken: true },
      { step: 1, firedAt: endAt, leavesAt: T0 + 10 * HOUR, isTaken: false },
    ]);
    const soon: [number, number] = [T0, T0 + 2 * HOUR];
    expect(live(policy, { quiet: [soon], endAt }).map(({ step }) => step)).toEqual([1, 2]);
  });

  test("it is given again as often as the step's own interval says", () => {
    const policy = policyOf(
      { to: ["recipient"], interval_minutes: 4 * 60 },
      { after: { elapsed: "PT1H" }, to: ["manager"], repeat: 1 },
    );
    expect(live(policy, { quiet: [TONIGHT] }).map(({ step, firedAt }) => [step, (firedAt - T0) / HOUR])).toEqual([
      [1, 0],
      [1, 4],
      [1, 8],
      [2, 11],
    ]);
  });

  test("what somebody asks for before the next step begins is fired", () => {
    const policy = policyOf({ to: ["recipient"] }, { after: { elapsed: "PT4H" }, to: ["manager"], repeat: 1 });
    const lived = live(policy, { quiet: [TONIGHT], triggers: [T0 + HOUR] });
    expect(lived.map(({ step, firedAt }) => [step, (firedAt - T0) / HOUR])).toEqual([
      [1, 0],
      [1, 1],
      [2, 14],
    ]);
  });
});

const hours = fc.integer({ min: 1, max: 30 });
const anyLife = fc.record({
  waits: fc.array(hours, { minLength: 1, maxLength: 3 }),
  intervals: fc.array(fc.constantFrom(null, 30, 60, 300, 24 * 60), { minLength: 4, maxLength: 4 }),
  repeats: fc.array(fc.constantFrom(null, 1), { minLength: 4, maxLength: 4 }),
  quiet: fc.array(fc.record({ after: fc.integer({ min: 0, max: 20 }), long: hours }), { maxLength: 4 }),
});

test("whatever holds messages back, each step is given, in order, never early, and no later than what held it back and its own wait say", () => {
  fc.assert(
    fc.property(anyLife, ({ waits, intervals, repeats, quiet: holds }) => {
      const begins = [0];
      for (const wait of waits) begins.push((begins.at(-1) as number) + wait);
      const steps = begins.map((at, place) => ({
        ...(place === 0 ? {} : { after: { elapsed: `PT${at}H` } }),
        ...{ to: ["recipient" as const], interval_minutes: intervals[place] ?? null, repeat: repeats[place] ?? null },
      }));
      const quiet: [number, number][] = [];
      let at = T0;
      for (const { after, long } of holds) {
        const from = at + after * HOUR;
        at = from + long * HOUR;
        quiet.push([from, at]);
      }
      const leaves = (then: number): number => quiet.find(([from, to]) => then >= from && then < to)?.[1] ?? then;

      const all = live(policyOf(...steps), { quiet, until: T0 + 30 * DAY });
      const sent = all.filter(({ isTaken }) => !isTaken);
      const runs = sent.map(({ step }) => step).filter((step, place, list) => step !== list[place - 1]);
      expect(runs).toEqual(steps.map((_, place) => place + 1));
      for (const [place, begin] of begins.entries()) {
        if (place === 0) continue;
        const first = sent.find(({ step }) => step === place + 1) as Message;
        const before = sent.findLast(({ step }) => step === place) as Message;
        expect(first.firedAt).toBeGreaterThanOrEqual(T0 + begin * HOUR);
        const apart = (begin - (begins[place - 1] as number)) * HOUR;
        expect(first.leavesAt).toBeLessThanOrEqual(leaves(Math.max(T0 + begin * HOUR, before.leavesAt + apart)));
      }
      // What takes the place of a message that waits does so by the interval of its step alone.
      for (const [place, { isTaken, step, firedAt }] of all.entries()) {
        if (!isTaken) continue;
        const interval = intervals[step - 1] ?? null;
        expect(interval).not.toBeNull();
        expect((all[place + 1] as Message).firedAt - firedAt).toBeGreaterThanOrEqual((interval as number) * MINUTE);
      }
    }),
    { numRuns: 300 },
  );
});
