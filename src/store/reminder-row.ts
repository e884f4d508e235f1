import type { StoredFacts } from "../core/decide.ts";
import type { Contact, Reminder, Schedule } from "../core/reminder.ts";
import type { Row } from "./postgres.ts";

/** A row of `reminder_jobs` (`select r.*`) as a reminder. */
export function toReminder(row: Row): Reminder {
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
    data: row.data as Reminder["data"],
    timeZone: row.time_zone as string | null,
    schedule: toSchedule(row),
    stopCondition:
      row.stop_condition_type === null
        ? null
        : { type: row.stop_condition_type as string, value: row.stop_condition_value as string },
    status: row.status as Reminder["status"],
    completionReason: row.completion_reason as Reminder["completionReason"],
    nextRunAt: row.next_run_at as number | null,
    lastRunAt: row.last_run_at as number | null,
    occurrenceCount: row.occurrence_count as number,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
    completedAt: row.completed_at as number | null,
    deletedAt: row.deleted_at as number | null,
  };
}

function toSchedule(row: Row): Schedule {
  if (row.schedule_type === "one_time") return { type: "one_time" };
  return {
    type: "recurring",
    intervalMinutes: row.interval_minutes as number,
    // A row edited by hand may lack its anchor; the due instant itself is one.
    anchorAt: (row.anchor_at ?? row.next_run_at ?? row.created_at) as number,
  };
}

/** The columns that the engine reads beside a reminder `r`, from the joins in `ENGINE_JOINS`. */
export const ENGINE_COLUMNS = `coalesce(f.value, false) as flag_is_set,
         c.tenant_id as contact_tenant_id, c.name as contact_name, c.email as contact_email,
         c.time_zone as contact_time_zone, c.locale as contact_locale,
         c.created_at as contact_created_at, c.updated_at as contact_updated_at`;

export const ENGINE_JOINS = `left join status_flags f on (f.tenant_id, f.key) = (r.tenant_id, r.flag_key)
    left join contacts c on (c.tenant_id, c.entity_type, c.entity_id) = (r.tenant_id, r.entity_type, r.entity_id)`;

/** A reminder with all that deciding and sending need to know about it. */
export interface ReminderWithFacts {
  reminder: Reminder;
  bucket: number;
  lastOccurrenceAt: number | null;
  facts: StoredFacts;
  contact: Contact | null;
}

export function toReminderWithFacts(row: Row): ReminderWithFacts {
  return {
    reminder: toReminder(row),
    bucket: row.bucket as number,
    lastOccurrenceAt: row.last_occurrence_at as number | null,
    facts: { flagKey: row.flag_key as string | null, flagIsSet: row.flag_is_set as boolean },
    contact: toContact(row),
  };
}

function toContact(row: Row): Contact | null {
  if (row.contact_tenant_id === null) return null;
  return {
    tenantId: row.contact_tenant_id as string,
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    name: row.contact_name as string | null,
    email: row.contact_email as string | null,
    timeZone: row.contact_time_zone as string | null,
    locale: row.contact_locale as string | null,
    createdAt: row.contact_created_at as number,
    updatedAt: row.contact_updated_at as number,
  };
}
