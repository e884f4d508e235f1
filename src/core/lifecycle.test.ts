import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyInstant, anyReminder, HOUR, MINUTE, reminderRecord, T0 } from "../../test/support/reminders.ts";
import { LIFECYCLE_ACTIONS, type LifecycleAction, type Moment, transition } from "./lifecycle.ts";
import { DELIVERY_STATUSES, type DeliveryStatus, type ReminderRecord } from "./reminder.ts";

const anyMoment: fc.Arbitrary<Moment> = fc.record({
  now: anyInstant,
  lastOutcome: fc.option(fc.constantFrom(...DELIVERY_STATUSES)),
});
const anyAction = fc.constantFrom(...LIFECYCLE_ACTIONS);

function outcomeOf(
  action: LifecycleAction,
  reminder: ReminderRecord,
  now = T0,
  lastOutcome: DeliveryStatus | null = null,
): ReminderRecord {
  const result = transition(action, reminder, { now, lastOutcome });
  if (result.kind !== "changed") throw new Error(`${action} did not change it: ${JSON.stringify(result)}`);
  return result.reminder;
}

describe("whatever state a reminder is in, and whatever is done to it", () => {
  test("doing the same again changes nothing", () => {
    fc.assert(
      fc.property(anyAction, anyReminder, anyMoment, (action, reminder, moment) => {
        const once = transition(action, reminder, moment);
        if (once.kind !== "changed") return;
        // A resumed reminder may turn out to be done: that is final, and is said the second time.
        if (action === "resume" && once.reminder.status === "COMPLETED") return;
        // A trigger in the very millisecond of an occurrence is due one later; it is asked again then.
        const now = Math.max(moment.now, action === "trigger" ? (once.reminder.nextRunAt ?? 0) : 0);
        expect(transition(action, once.reminder, { ...moment, now }).kind).toBe("unchanged");
      }),
    );
  });

  test("it never becomes due at or before an occurrence that it has had", () => {
    fc.assert(
      fc.property(anyAction, anyReminder, anyMoment, (action, reminder, moment) => {
        const result = transition(action, reminder, moment);
        if (result.kind !== "changed") return;
        const { nextRunAt, lastOccurrenceAt } = result.reminder;
        if (nextRunAt === null || lastOccurrenceAt === null || nextRunAt === reminder.nextRunAt) return;
        expect(nextRunAt > lastOccurrenceAt || nextRunAt > moment.now).toBe(true);
      }),
    );
  });

  test("it has a completion reason exactly if it is COMPLETED, and COMPLETED is final", () => {
    fc.assert(
      fc.property(anyAction, anyReminder, anyMoment, (action, reminder, moment) => {
        const result = transition(action, reminder, moment);
        if (result.kind !== "changed") return;
        expect(result.reminder.completionReason !== null).toBe(result.reminder.status === "COMPLETED");
        if (reminder.status === "COMPLETED") expect(result.reminder.status).toBe("COMPLETED");
      }),
    );
  });

  test("only what names and schedules it can change: never what it is about", () => {
    fc.assert(
      fc.property(anyAction, anyReminder, anyMoment, (action, reminder, moment) => {
        const result = transition(action, reminder, moment);
        if (result.kind !== "changed") return;
        const { status, completionReason, completedAt, nextRunAt, deletedAt } = reminder;
        expect({ ...result.reminder, status, completionReason, completedAt, nextRunAt, deletedAt }).toEqual(reminder);
      }),
    );
  });
});

describe("what can't be done is refused with what to do instead", () => {
  const completed = reminderRecord({ status: "COMPLETED", completionReason: "manual", nextRunAt: null });
  test.each([
    ["pause", completed, "create a new reminder"],
    ["resume", completed, "create a new reminder"],
    ["trigger", completed, "create a new reminder"],
    ["trigger", reminderRecord({ status: "PAUSED" }), "resume it first"],
    ["pause", reminderRecord({ deletedAt: T0 }), "restore it first"],
    ["complete", { ...completed, deletedAt: T0 }, "restore it first"],
  ] as const)("%s %#", (action, reminder, advice) => {
    const result = transition(action, reminder, { now: T0, lastOutcome: null });
    expect(result).toMatchObject({ kind: "refused", because: expect.stringContaining(advice) });
  });

  test("firing a one-time reminder whose message is on its way", () => {
    const fired = reminderRecord({
      schedule: { type: "one_time" },
      nextRunAt: null,
      occurrenceCount: 1,
      lastOccurrenceAt: T0,
    });
    expect(transition("trigger", fired, { now: T0, lastOutcome: "retrying" })).toMatchObject({ kind: "refused" });
  });
});

describe("coming back", () => {
  const paused = reminderRecord({ status: "PAUSED" });

  test("a recurring reminder goes on with its next regular instant, not with what it missed", () => {
    expect(outcomeOf("resume", paused, T0 + 150 * MINUTE).nextRunAt).toBe(T0 + 3 * HOUR);
  });

  test("a recurring reminder whose next run is still ahead keeps it", () => {
    expect(outcomeOf("resume", paused, T0 - MINUTE).nextRunAt).toBe(T0);
  });

  test("a one-time reminder keeps its time, also one that has passed: then it is due at once", () => {
    const once = reminderRecord({ schedule: { type: "one_time" }, status: "PAUSED" });
    expect(outcomeOf("resume", once, T0 + HOUR).nextRunAt).toBe(T0);
  });

  test("restoring an ACTIVE reminder is like resuming it; restoring a PAUSED one leaves it as it was", () => {
    expect(outcomeOf("restore", reminderRecord({ deletedAt: T0 }), T0 + 90 * MINUTE).nextRunAt).toBe(T0 + 2 * HOUR);
    expect(outcomeOf("restore", { ...paused, deletedAt: T0 }, T0 + 90 * MINUTE)).toEqual(paused);
  });

  const fired = reminderRecord({
    schedule: { type: "one_time" },
    status: "PAUSED",
    nextRunAt: null,
    occurrenceCount: 1,
    lastOccurrenceAt: T0,
  });

  test("a one-time reminder whose message was held back is due again", () => {
    expect(outcomeOf("resume", fired, T0 + HOUR, "suppressed")).toMatchObject({
      status: "ACTIVE",
      nextRunAt: T0 + HOUR,
    });
  });

  test.each(["pending", "sending", "retrying"] as const)("one whose message is %s waits for that", (outcome) => {
    expect(outcomeOf("resume", fired, T0 + HOUR, outcome)).toMatchObject({ status: "ACTIVE", nextRunAt: null });
  });

  test("one whose message has been sent meanwhile is done", () => {
    expect(outcomeOf("resume", fired, T0 + HOUR, "sent")).toMatchObject({
      status: "COMPLETED",
      completionReason: "one_time_sent",
      completedAt: T0 + HOUR,
    });
  });
});

test("fired by hand, a recurring reminder keeps its regular instants", () => {
  const due = outcomeOf("trigger", reminderRecord(), T0 - 20 * MINUTE);
  expect(due.nextRunAt).toBe(T0 - 20 * MINUTE);
  expect(due.schedule).toEqual(reminderRecord().schedule);
});

test("fired by hand in the very millisecond of its last occurrence, it makes another one", () => {
  const justFired = reminderRecord({ lastOccurrenceAt: T0, lastRunAt: T0, occurrenceCount: 1, nextRunAt: T0 + HOUR });
  expect(outcomeOf("trigger", justFired, T0).nextRunAt).toBe(T0 + 1);
});
