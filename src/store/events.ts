import type { JsonObject } from "../core/json.ts";
import type { Sql } from "./postgres.ts";

/** One line of a reminder's timeline, as the engine writes it. */
export interface NewEvent {
  reminderId: number;
  type: string;
  /** A sentence for a person. */
  because: string;
  details?: JsonObject;
}

const INSERT_EVENTS = `
  insert into reminder_events (tenant_id, bucket, reminder_id, at, type, because, details)
  select r.tenant_id, r.bucket, r.id, reminder_now(), e.type, e.because, e.details
    from unnest($1::bigint[], $2::text[], $3::text[], $4::jsonb[]) as e(reminder_id, type, because, details)
    join reminder_jobs r on r.id = any (array[e.reminder_id])`;

export async function insertEvents(sql: Sql, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql.query(INSERT_EVENTS, [
    events.map((event) => event.reminderId),
    events.map((event) => event.type),
    events.map((event) => event.because),
    events.map((event) => JSON.stringify(event.details ?? {})),
  ]);
}
