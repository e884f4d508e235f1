import { asNextRun, NEVER, type NextRun, workedOutAnew } from "./decide.ts";
import type { Instant } from "./instant.ts";
import type { Policy } from "./policy.ts";
import { againByPolicy } from "./policy-again.ts";
import type { Reminder } from "./reminder.ts";
import { goesByWallClock } from "./schedule/kinds.ts";
import { RuleError } from "./schedule/rule-error.ts";
import { askedOccurrence, nextOccurrence, type Occurrence, type Timetable, timetableOf } from "./schedule/schedule.ts";
import { owedAfterSilence } from "./silence.ts";

/** A reminder whose due instant nobody has worked out, or by older rules of its zone. */
export interface Unplanned {
  reminder: Parameters<typeof timetableOf>[0] &
    Pick<Reminder, "nextRunAt" | "nextWallAt" | "occurrenceCount" | "silence" | "people">;
  /** The zone of its contact or tenant, and the calendar that it goes by. */
  around: { zone: string | null; calendar: string | null };
  lastOccurrenceAt: Instant | null;
  /** The first due instant that somebody asked for. */
  runAt: Instant | null;
  /** False for one of plain SQL, or whose rule or zone was changed. */
  wasPlanned: boolean;
  /** True while a message of it is under way that is still to be sent. */
  isUnderWay: boolean;
  /** The policy that it goes by, as long as that can be read; not set: none. */
  policy?: Policy | null;
  now: Instant;
}

/** True for a reminder whose due instants take more than arithmetic. The store's `IS_PLANNED` says the same. */
export function isPlanned({ schedule, bounds, business }: Pick<Reminder, "schedule" | "bounds" | "business">): boolean {
  return goesByWallClock(schedule) || business !== null || bounds.startAt !== null;
}

/** When it is due by what is so today; "ended": never again, and it is done; or why that can't be said. */
export function replan(unplanned: Unplanned): NextRun | "ended" | RuleError {
  const { reminder, around, runAt, wasPlanned, isUnderWay, lastOccurrenceAt, now } = unplanned;
  const { nextRunAt, nextWallAt, occurrenceCount, bounds, people, silence } = reminder;
  const owedAt = owedAfterSilence({ silence, lastOccurrenceAt });
  if (owedAt !== null) return { nextRunAt: owedAt, nextWallAt: null };
  const asItIs = { nextRunAt, nextWallAt };
  // Somebody asked for this very instant, or it has fired for the last time.
  const isAskedFor = nextRunAt !== null && (nextRunAt === runAt || !goesByWallClock(reminder.schedule));
  if (reminder.business === null && nextWallAt === null && (wasPlanned || isAskedFor)) return asItIs;
  const isLast =
    (bounds.maxOccurrences !== null && occurrenceCount >= bounds.maxOccurrences) || people.escalation?.isOver === true;
  if (isUnderWay && isLast) return NEVER;
  try {
    const timetable = timetableOf(reminder, around.zone, around.calendar);
    const asked = nextWallAt === null ? askedByCalendar(timetable, unplanned) : null;
    const scheduled =
      nextWallAt === null
        ? nextOccurrence(timetable, Math.max(now, lastOccurrenceAt ?? now))
        : workedOutAnew(timetable, nextWallAt);
    const fired = { people, lastOccurrenceAt };
    const byPolicy = asked ? null : againByPolicy(fired, unplanned.policy, timetable, now, scheduled);
    if (byPolicy !== null && byPolicy.nextRunAt !== null) return byPolicy;
    const next = asked ?? scheduled;
    if (next !== null) return asNextRun(next);
    // Its last message is still wanted: it completes with that, not before.
    return isUnderWay ? NEVER : "ended";
  } catch (error) {
    if (error instanceof RuleError) return error;
    throw error;
  }
}

/** The first run that was asked for, which isn't there yet: where the calendar lets it be. Null: there is none. */
function askedByCalendar(timetable: Timetable, { reminder, runAt, lastOccurrenceAt }: Unplanned): Occurrence | null {
  const { schedule, bounds, createdAt } = reminder;
  const isOnce = schedule.type === "one_time";
  if (timetable.business === undefined && !isOnce) return null;
  const wanted = runAt ?? (isOnce && lastOccurrenceAt === null ? (bounds.startAt ?? createdAt) : null);
  if (wanted === null || (lastOccurrenceAt !== null && wanted <= lastOccurrenceAt)) return null;
  const asked = askedOccurrence(timetable, wanted);
  return lastOccurrenceAt !== null && asked.at <= lastOccurrenceAt ? null : asked;
}
