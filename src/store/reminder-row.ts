import type { ReminderRecord, Schedule, StopCondition } from "../core/reminder.ts";
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
    stopCondition: toStopCondition(row),
    status: row.status as ReminderRecord["status"],
    completionReason: row.completion_reason as ReminderRecord["completionReason"],
    runAt: row.run_at as number | null,
    nextRunAt: row.next_run_at as number | null,
    lastRunAt: row.last_run_at as number | null,
    lastOccurrenceAt: row.last_occurrence_at as number | null,
    occurrenceCount: row.occurrence_count as number,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
    completedAt: row.completed_at as number | null,
    deletedAt: row.deleted_at as number | null,
  };
}

export function toSchedule(row: Row): Schedule {
  if (row.schedule_type === "one_time") return { type: "one_time" };
  return {
    type: "recurring",
    intervalMinutes: row.interval_minutes as number,
    // A row edited by hand may lack its anchor; the due instant itself is one.
    anchorAt: (row.anchor_at ?? row.next_run_at ?? row.created_at) as number,
  };
}

export function toStopCondition(row: Row): StopCondition | null {
  if (row.stop_condition_type === null) return null;
  return { type: row.stop_condition_type as string, value: row.stop_condition_value as string };
}
