import type { Reminder } from "./reminder.ts";

/** Longest key of a flag, in characters, as `status_flags` has it. */
export const MAX_FLAG_KEY_LENGTH = 500;

/** What looks like a placeholder, but is none that is filled in: such a flag would never be set. Null: there is none. */
export function strayPlaceholder(value: string): string | null {
  const written = value.matchAll(/\{\s*[A-Za-z_][\w.]*\s*\}/g);
  return [...written].map(([text]) => text).find((text) => !PLACEHOLDERS.includes(text)) ?? null;
}

const PLACEHOLDERS = ["{entity_type}", "{entity_id}", "{event_type}"];

/**
 * The flag that a `db_check` means: its placeholders filled in from the reminder. The database's `reminder_flag_key` is
 * what counts; this one says the same, to refuse in time what would not fit.
 */
export function flagKey(value: string, entity: Pick<Reminder, "entityType" | "entityId" | "eventType">): string {
  return value
    .replaceAll("{entity_type}", () => entity.entityType)
    .replaceAll("{event_type}", () => entity.eventType)
    .replaceAll("{entity_id}", () => entity.entityId);
}
