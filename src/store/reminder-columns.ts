import type { Instant } from "../core/instant.ts";
import { NO_PEOPLE, type People } from "../core/people.ts";
import type { OnUnknown, ReminderRecord } from "../core/reminder.ts";
import { fieldsOf } from "../core/schedule/fields.ts";
import { type Bounds, NO_BOUNDS, type Schedule } from "../core/schedule/kinds.ts";
import { toTimestamp } from "./instants.ts";
import { type Row, toTimestamptz } from "./postgres.ts";

/** A series of intervals may have its anchor from the database, as its first due instant. */
export type NewSchedule =
  | Exclude<Schedule, { type: "recurring" }>
  | { type: "recurring"; intervalMinutes: number; anchorAt: Instant | null };

/** A schedule and its bounds as columns; what is as usual is null. */
export function toScheduleRow(schedule: NewSchedule | Schedule, bounds: Bounds): Row {
  const row: Row = {
    schedule_type: schedule.type,
    ...("anchorAt" in schedule ? { anchor_at: orNull(schedule.anchorAt) } : {}),
    ...(schedule.type === "recurring" ? { interval_minutes: schedule.intervalMinutes } : toRuleRow(schedule)),
  };
  if (bounds === NO_BOUNDS) return row;
  const { startAt, endAt, maxOccurrences, jitterSeconds, misfirePolicy } = bounds;
  return {
    ...row,
    start_at: orNull(startAt),
    end_at: orNull(endAt),
    max_occurrences: maxOccurrences,
    jitter_seconds: jitterSeconds === NO_BOUNDS.jitterSeconds ? null : jitterSeconds,
    misfire_policy: misfirePolicy === NO_BOUNDS.misfirePolicy ? null : misfirePolicy,
  };
}

/** A calendar and quiet hours as columns; what is as usual is null. */
export function toTimingRow({
  business,
  quietHours,
  ignoreQuietHours,
}: Pick<ReminderRecord, "business" | "quietHours" | "ignoreQuietHours">): Row {
  return {
    calendar: business?.calendar,
    counts_in: business?.countsIn === "all_time" ? undefined : business?.countsIn,
    outside_working_time: business?.outside === "next" ? undefined : business?.outside,
    quiet_hours: quietHours,
    ignore_quiet_hours: ignoreQuietHours || undefined,
  };
}

/** Whom it is for, as columns; what is as usual is null. */
export function toPeopleRow(people: People): Row {
  if (people === NO_PEOPLE) return {};
  const { policy, deadlineAt, recipients, completesWhen, reopens } = people;
  return {
    policy,
    deadline_at: orNull(deadlineAt),
    recipients,
    completes_when: completesWhen === NO_PEOPLE.completesWhen ? null : completesWhen,
    reopens: reopens || null,
  };
}

function toRuleRow(schedule: Schedule): Row {
  const { intervalMinutes, intervalFactor, maxIntervalMinutes, cron, rrule, offsets } = fieldsOf(schedule);
  return {
    interval_minutes: intervalMinutes,
    interval_factor: intervalFactor,
    max_interval_minutes: maxIntervalMinutes,
    cron,
    rrule,
    offsets,
  };
}

/** What is known of people's answers, as columns; what is as usual is null. */
export function toAnswersRow({
  doneMeans,
  allowsReassign,
  silence,
}: Pick<ReminderRecord, "doneMeans" | "allowsReassign"> & Partial<Pick<ReminderRecord, "silence">>): Row {
  return {
    done_means: doneMeans,
    allow_reassign: allowsReassign || undefined,
    silent_until: orNull(silence?.until ?? null),
    silent_by: silence?.by,
  };
}

/** What is as usual is null. */
export function unusual(onUnknown: OnUnknown): OnUnknown | null {
  return onUnknown === "hold" ? null : onUnknown;
}

export function orNull(instant: Instant | null): string | null {
  return instant === null ? null : toTimestamptz(instant);
}

export function wallOrNull(wall: number | null): string | null {
  return wall === null ? null : toTimestamp(wall);
}
