import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOUR, MINUTE, reminderRecord, T0 } from "../../test/support/reminders.ts";
import { type Escalating, escalate, nextByPolicy } from "./escalation.ts";
import { type Escalation, type Policy, readPolicy, type StepText } from "./policy.ts";
import { timetableOf } from "./schedule/schedule.ts";

const DAY = 24 * HOUR;
const DEADLINE = T0 + 5 * DAY;
const TIMETABLE = timetableOf(reminderRecord(), null);

function policyOf(...steps: StepText[]): Policy {
  return readPolicy(JSON.stringify({ name: "p", steps, rotas: {} }));
}

interface Lived {
  at: number;
  step: number;
}

/** Fires again and again, `lateMs` late each time; `taken(n)`: the n-th message is taken back before anybody got it. */
function live(
  policy: Policy,
  { fires = 60, lateMs = (_: number): number => 0, taken = (_: number): boolean => false, scheduledMs = HOUR } = {},
) {
  const lived: Lived[] = [];
  let escalation: Escalation | null = null;
  let due: number | null = T0;
  for (let n = 0; n < fires && due !== null; n += 1) {
    const now: number = due + lateMs(n);
    const escalating: Escalating = { policy, escalation, wasGiven: n === 0 || !taken(n - 1), deadlineAt: DEADLINE };
    const course = escalate(escalating, { since: due, at: now, isAskedFor: false }, undefined);
    if (course.step === null) return { lived, over: course.because };
    escalation = course.escalation;
    lived.push({ at: now, step: course.step.number });
    const scheduled = T0 + (Math.floor((now - T0) / scheduledMs) + 1) * scheduledMs;
    const next = nextByPolicy(escalating, course, { occurrenceAt: due, now, scheduled }, TIMETABLE);
    expect(next.nextRunAt === null || next.nextRunAt > now).toBe(true);
    due = next.nextRunAt;
  }
  return { lived, over: null };
}

const stepsOf = (lived: readonly Lived[]): number[] => lived.map(({ step }) => step);
const runs = (steps: readonly number[]): number[] => steps.filter((step, place) => step !== steps[place - 1]);

describe("an escalation", () => {
  test("begins with the reminder's own messages where the first step says when it begins", () => {
    const { lived } = live(policyOf({ after: { sends: 3 }, to: ["manager"] }), { fires: 5 });
    expect(stepsOf(lived)).toEqual([0, 0, 0, 1, 1]);
  });

  test("gives what an outage has skipped over as far apart as it was to begin, however seldom the reminder is due", () => {
    const steps: StepText[] = [
      { to: ["recipient"] },
      { after: { elapsed: "PT2H" }, to: ["manager"] },
      { after: { elapsed: "PT5H" }, to: ["manager"], repeat: 1 },
    ];
    const { lived } = live(policyOf(...steps), { lateMs: (n) => (n === 1 ? 20 * HOUR : 0), scheduledMs: 7 * DAY });
    expect(lived).toEqual([
      { at: T0, step: 1 },
      { at: T0 + 22 * HOUR, step: 2 },
      { at: T0 + 25 * HOUR, step: 3 },
    ]);
  });

  test("gives a step again whose message was still to leave when a silence ends: that has held it back", () => {
    const policy = policyOf({ to: ["recipient"], repeat: 1 }, { after: { elapsed: "PT1M" }, to: ["manager"] });
    const escalation: Escalation = { step: 1, given: 0, sends: 0, firstAt: T0, isVoid: false, isOver: false };
    const at = T0 + HOUR;
    const course = escalate(
      { policy, escalation, wasGiven: null, deadlineAt: null },
      { since: at, at, isAskedFor: true },
      undefined,
    );
    expect(course.step?.number).toBe(1);
  });

  test("comes to a step at the instant at which that begins, and not at the next regular one", () => {
    const { lived } = live(policyOf({ to: ["recipient"] }, { after: { elapsed: "PT90M" }, to: ["manager"] }), {
      fires: 4,
    });
    expect(lived.map(({ at, step }) => [(at - T0) / MINUTE, step])).toEqual([
      [0, 1],
      [60, 1],
      [90, 2],
      [120, 2],
    ]);
  });

  test("gives a step as often as it says, at its interval, and then ends", () => {
    const policy = policyOf(
      { to: ["recipient"], interval_minutes: 30, repeat: 2 },
      { to: ["manager"], interval_minutes: 10, repeat: 3 },
    );
    const { lived } = live(policy);
    expect(lived.map(({ at, step }) => [(at - T0) / MINUTE, step])).toEqual([
      [0, 1],
      [30, 1],
      [60, 2],
      [70, 2],
      [80, 2],
    ]);
  });

  test("is silent between the last repetition and the instant at which the next step begins", () => {
    const { lived } = live(policyOf({ to: ["recipient"], repeat: 2 }, { after: { elapsed: "P1D" }, to: ["manager"] }), {
      fires: 4,
    });
    expect(lived.map(({ at }) => (at - T0) / HOUR)).toEqual([0, 1, 24, 25]);
  });

  test("gives each of the steps that began during an outage, one at a time", () => {
    const policy = policyOf(
      { to: ["recipient"] },
      { after: { elapsed: "PT2H" }, to: ["manager"] },
      { after: { elapsed: "PT4H" }, to: [{ address: "a@example.org" }] },
      { after: { deadline: "-P4D" }, to: [{ address: "b@example.org" }] },
    );
    const { lived } = live(policy, { fires: 6, lateMs: (n) => (n === 1 ? 3 * DAY : 0) });
    expect(stepsOf(lived)).toEqual([1, 2, 3, 4, 4, 4]);
  });

  test("tightens to the deadline and decays after it", () => {
    const cadence = { shortest_minutes: 60, longest_minutes: 2 * 24 * 60, share: 0.5 };
    const { lived } = live(policyOf({ to: ["recipient"], cadence }), { fires: 30 });
    const gaps = lived.slice(1).map(({ at }, place) => ({ at, gap: at - (lived[place]?.at ?? 0) }));
    const before = gaps.filter(({ at }) => at <= DEADLINE).map(({ gap }) => gap);
    const after = gaps.filter(({ at, gap }) => at - gap > DEADLINE).map(({ gap }) => gap);
    expect(before).toEqual([...before].sort((a, b) => b - a));
    expect(after).toEqual([...after].sort((a, b) => a - b));
    expect([before[0], after.at(-1)]).toEqual([2 * DAY, 2 * DAY]);
    expect(Math.min(...before, ...after)).toBe(HOUR);
  });

  test("goes on with the last step that is left where somebody shortens the policy, and gives it anew", () => {
    const escalation: Escalation = { step: 3, given: 2, sends: 9, firstAt: T0, isVoid: false, isOver: false };
    const policy = policyOf({ to: ["recipient"] }, { after: { sends: 2 }, to: ["manager"], repeat: 2 });
    const course = escalate(
      { policy, escalation, wasGiven: true, deadlineAt: null },
      { since: T0 + DAY, at: T0 + DAY, isAskedFor: false },
      undefined,
    );
    expect(course).toMatchObject({ isNew: true, step: { number: 2 }, escalation: { given: 0 } });
  });
});

const after = fc.oneof(
  fc.integer({ min: 0, max: 8 }).map((sends) => ({ sends })),
  fc.integer({ min: 0, max: 72 }).map((hours) => ({ elapsed: `PT${hours}H` })),
  fc.integer({ min: -96, max: 48 }).map((hours) => ({ deadline: `${hours < 0 ? "-" : ""}PT${Math.abs(hours)}H` })),
);
const rhythm = fc.constantFrom<Partial<StepText>>(
  {},
  { interval_minutes: 45 },
  { interval_minutes: 24 * 60 },
  { cadence: { shortest_minutes: 30, longest_minutes: 24 * 60, share: 0.5 } },
);
const anyPolicy = fc
  .array(fc.record({ after, rhythm, repeat: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 2 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((drawn) =>
    policyOf(
      ...drawn.map(({ after, rhythm, repeat }, place): StepText => {
        const isAfterRepeat = drawn[place - 1]?.repeat != null;
        return { ...(isAfterRepeat && "sends" in after ? {} : { after }), to: ["manager"], ...rhythm, repeat };
      }),
    ),
  );

test("whatever is late, taken back or paused: steps only go up, by one, and none is passed over before it was given", () => {
  fc.assert(
    fc.property(
      anyPolicy,
      fc.array(fc.integer({ min: 0, max: 4 * 24 * 60 })),
      fc.array(fc.boolean()),
      (policy, late, taken) => {
        const isTaken = (n: number) => taken[n] ?? false;
        const { lived } = live(policy, { lateMs: (n) => (late[n] ?? 0) * MINUTE, taken: isTaken });
        const steps = stepsOf(lived);
        const given = steps.filter((_, n) => !isTaken(n) || n === steps.length - 1);
        const seen = runs(steps);
        // Each step from the first on, in order, none left out.
        expect(seen).toEqual(policy.steps.map(({ number }) => number).slice(0, seen.length));
        // And each that was left behind had reached somebody.
        for (const step of seen.slice(0, -1)) expect(given).toContain(step);
      },
    ),
    { numRuns: 400 },
  );
});

test("what repeats is given exactly so often, however much is taken back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean(), { maxLength: 20 }), (repeat, taken) => {
      const policy = policyOf({ to: ["recipient"], repeat }, { to: ["manager"] });
      const isTaken = (n: number) => taken[n] ?? false;
      const { lived } = live(policy, { taken: isTaken });
      expect(stepsOf(lived).filter((step, n) => step === 1 && !isTaken(n))).toHaveLength(repeat);
    }),
  );
});
