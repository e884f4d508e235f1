import fc from "fast-check";
import { NO_PEOPLE } from "../../src/core/people.ts";
import type { ReminderRecord } from "../../src/core/reminder.ts";
import { NO_BOUNDS } from "../../src/core/schedule/kinds.ts";

export const T0 = Date.UTC(2026, 0, 15, 10, 30);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A recurring reminder, due every hour from `T0` on, that has not fired yet. */
export function reminderRecord(fields: Partial<ReminderRecord> = {}): ReminderRecord {
  return {
    id: 1,
    tenantId: "default",
    entityType: "interviewer",
    entityId: "INT_100",
    eventType: "feedback_form",
    channel: "email",
    recipient: null,
    subject: null,
    message: null,
    data: {},
    timeZone: null,
    schedule: { type: "recurring", intervalMinutes: 60, anchorAt: T0 },
    bounds: NO_BOUNDS,
    business: null,
    quietHours: null,
    ignoreQuietHours: false,
    stopCondition: null,
    onUnknown: "hold",
    doneMeans: null,
    allowsReassign: false,
    silence: null,
    people: NO_PEOPLE,
    needsAttention: null,
    status: "ACTIVE",
    completionReason: null,
    nextRunAt: T0,
    nextWallAt: null,
    lastRunAt: null,
    lastOccurrenceAt: null,
    occurrenceCount: 0,
    runAt: null,
    createdAt: T0 - HOUR,
    updatedAt: T0 - HOUR,
    completedAt: null,
    deletedAt: null,
    ...fields,
  };
}

const instants = fc.integer({ min: T0 - 100 * HOUR, max: T0 + 100 * HOUR });

/** Any state that a reminder can be in. */
export const anyReminder: fc.Arbitrary<ReminderRecord> = fc
  .record({
    recurring: fc.boolean(),
    intervalMinutes: fc.integer({ min: 1, max: 10_000 }),
    status: fc.constantFrom("ACTIVE" as const, "PAUSED" as const, "COMPLETED" as const),
    fired: fc.boolean(),
    waits: fc.boolean(),
    deleted: fc.boolean(),
    lastOccurrenceAt: instants,
    untilNext: fc.integer({ min: 1, max: 100 * HOUR }),
    runAt: fc.option(instants),
  })
  .map(({ recurring, intervalMinutes, status, fired, waits, deleted, lastOccurrenceAt, untilNext, runAt }) => {
    const due = lastOccurrenceAt + untilNext;
    const hasEnded = status === "COMPLETED" || (!recurring && fired && waits);
    return reminderRecord({
      schedule: recurring ? { type: "recurring", intervalMinutes, anchorAt: due } : { type: "one_time" },
      status,
      completionReason: status === "COMPLETED" ? "manual" : null,
      completedAt: status === "COMPLETED" ? lastOccurrenceAt : null,
      nextRunAt: hasEnded ? null : due,
      lastRunAt: fired ? lastOccurrenceAt : null,
      lastOccurrenceAt: fired ? lastOccurrenceAt : null,
      occurrenceCount: fired ? 1 : 0,
      runAt,
      createdAt: lastOccurrenceAt - HOUR,
      deletedAt: deleted ? lastOccurrenceAt : null,
    });
  });

export const anyInstant = instants;
