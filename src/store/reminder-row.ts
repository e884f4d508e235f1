import type { JsonObject } from "../core/json.ts";
import { type CompletesWhen, NO_PEOPLE, type People, type Recipient } from "../core/people.ts";
import type { Escalation } from "../core/policy.ts";
import type { QuietHours } from "../core/quiet-hours.ts";
import type { DoneMeans, OnUnknown, ReminderRecord, StopCondition } from "../core/reminder.ts";
import { DEFAULT_FACTOR, DEFAULT_MAX_INTERVAL_MINUTES } from "../core/schedule/backoff.ts";
import type { CountsIn, OutsideWorkingTime } from "../core/schedule/business.ts";
import type { ByCalendar } from "../core/schedule/by-calendar.ts";
import { type Bounds, NO_BOUNDS, type Schedule } from "../core/schedule/kinds.ts";
import type { Silence } from "../core/silence.ts";
import type { Row } from "./postgres.ts";

/** A whole row of `reminder_jobs` as a reminder. */
export function toReminderRecord(row: Row): ReminderRecord {
  return {
    id: row.id as number,
    tenantId: row.tenant_id as string,
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    eventType: row.event_type as string,
    channel: row.channel as string,
    recipient: row.recipient as string | null,
    subject: row.subject as string | null,
    message: row.message as string | null,
    data: row.data as ReminderRecord["data"],
    timeZone: row.time_zone as string | null,
    schedule: toSchedule(row),
    bounds: toBounds(row),
    business: toByCalendar(row as unknown as ByCalendarColumns),
    quietHours: row.quiet_hours as QuietHours | null,
    ignoreQuietHours: row.ignore_quiet_hours === true,
    stopCondition: toStopCondition(row, row.stop_condition_settings as JsonObject | null),
    onUnknown: (row.on_unknown as OnUnknown | null) ?? "hold",
    doneMeans: row.done_means as DoneMeans | null,
    allowsReassign: row.allow_reassign === true,
    silence: toSilence(row.silent_until as number | null, row.silent_by as Silence["by"] | null),
    people: toPeople(row as unknown as PeopleColumns),
    status: row.status as ReminderRecord["status"],
    completionReason: row.completion_reason as ReminderRecord["completionReason"],
    needsAttention: row.needs_attention as string | null,
    runAt: row.run_at as number | null,
    nextRunAt: row.next_run_at as number | null,
    nextWallAt: row.next_wall_at as number | null,
    lastRunAt: row.last_run_at as number | null,
    lastOccurrenceAt: row.last_occurrence_at as number | null,
    occurrenceCount: row.occurrence_count as number,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
    completedAt: row.completed_at as number | null,
    deletedAt: row.deleted_at as number | null,
  };
}

export function toSilence(until: number | null, by: Silence["by"] | null): Silence | null {
  return until === null || by === null ? null : { until, by };
}

export function toSchedule(row: Row): Schedule {
  // A row edited by hand may lack its anchor; the due instant itself is one.
  const anchorAt = (row.anchor_at ?? row.next_run_at ?? row.created_at) as number;
  const intervalMinutes = row.interval_minutes as number;
  const type = row.schedule_type as Schedule["type"];
  switch (type) {
    case "one_time":
      return { type };
    case "recurring":
      return { type, intervalMinutes, anchorAt };
    case "cron":
      return { type, cron: row.cron as string };
    case "rrule":
      return { type, rrule: row.rrule as string };
    case "offsets":
      // Plain SQL may have written none at all, which is as good as any other that can't be read.
      return { type, offsets: (row.offsets as (string | null)[]).map((text) => text ?? ""), anchorAt };
    case "backoff": {
      const factor = (row.interval_factor ?? DEFAULT_FACTOR) as number;
      const maxIntervalMinutes = (row.max_interval_minutes ?? DEFAULT_MAX_INTERVAL_MINUTES) as number;
      return { type, intervalMinutes, factor, maxIntervalMinutes, anchorAt };
    }
  }
}

/** What isn't said is no limit; most reminders say nothing, and share one answer. */
export function toBounds(row: Row): Bounds {
  const {
    start_at: startAt,
    end_at: endAt,
    max_occurrences: most,
    jitter_seconds: jitter,
    misfire_policy: policy,
  } = row;
  if (startAt === null && endAt === null && most === null && jitter === null && policy === null) return NO_BOUNDS;
  return {
    startAt: startAt as number | null,
    endAt: endAt as number | null,
    maxOccurrences: most as number | null,
    jitterSeconds: (jitter as number | null) ?? 0,
    misfirePolicy: (policy as Bounds["misfirePolicy"] | null) ?? NO_BOUNDS.misfirePolicy,
  };
}

export interface PeopleColumns {
  policy: string | null;
  escalation: Escalation | null;
  deadline_at: number | null;
  recipients: Recipient[] | null;
  completes_when: CompletesWhen | null;
  reopens: boolean | null;
}

/** Most reminders say nothing of people, and share one answer. */
export function toPeople(columns: PeopleColumns): People {
  const { policy, escalation, deadline_at: deadlineAt, recipients, completes_when: completesWhen, reopens } = columns;
  if (policy === null && deadlineAt === null && recipients === null && reopens === null) return NO_PEOPLE;
  return {
    ...{ policy, escalation, deadlineAt, recipients },
    completesWhen: completesWhen ?? NO_PEOPLE.completesWhen,
    reopens: reopens ?? false,
  };
}

export interface ByCalendarColumns {
  calendar: string | null;
  counts_in: CountsIn | null;
  outside_working_time: OutsideWorkingTime | null;
}

/** What isn't said is as usual. */
export function toByCalendar({ calendar, counts_in, outside_working_time }: ByCalendarColumns): ByCalendar | null {
  if (calendar === null) return null;
  return { calendar, countsIn: counts_in ?? "all_time", outside: outside_working_time ?? "next" };
}

/** The columns of `reminder_jobs` that `toSchedule` and `toBounds` read. */
export const SCHEDULE_COLUMNS = `schedule_type, interval_minutes, interval_factor, max_interval_minutes, cron, rrule,
           offsets, anchor_at, start_at, end_at, max_occurrences, jitter_seconds, misfire_policy, next_wall_at, zone_rules`;

export function toStopCondition(row: Row, settings: JsonObject | null): StopCondition | null {
  if (row.stop_condition_type === null) return null;
  return { type: row.stop_condition_type as string, value: row.stop_condition_value as string | null, settings };
}
