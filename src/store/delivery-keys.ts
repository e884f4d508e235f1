import type { DeliveryKey } from "../core/reminder.ts";
import { type Row, toTimestamptz } from "./postgres.ts";

/** The columns of keys, as `unnest` takes them: reminders, occurrences, numbers of recipients. */
export function keyColumns(keys: readonly DeliveryKey[]): unknown[] {
  return [
    keys.map((key) => key.reminderId),
    keys.map((key) => toTimestamptz(key.occurrenceAt)),
    keys.map((key) => key.recipientNo),
  ];
}

export function toKey(row: Row): DeliveryKey {
  return {
    reminderId: row.reminder_id as number,
    occurrenceAt: row.occurrence_at as number,
    recipientNo: row.recipient_no as number,
  };
}
