import type { OwnPurpose } from "../core/answer.ts";
import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { DeliveryKey } from "../core/reminder.ts";
import { keyColumns, toKey } from "./delivery-keys.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** Names an answer: one for each thing that one may answer to a delivery. */
export interface AnswerName extends DeliveryKey {
  purpose: OwnPurpose;
}

/** One row of `answers`: what was answered by a link. */
export interface GivenAnswer {
  /** Which of the choices that the link gave, like `1w`. */
  choice: string;
  outcome: JsonObject;
  answeredAt: Instant;
  /** When it was taken back; null: it stands. */
  undoneAt: Instant | null;
}

const NAMED = `
   where tenant_id = $1 and reminder_id = $2 and occurrence_at = $3 and recipient_no = $4`;
const READ = `select choice, outcome, answered_at, undone_at from answers${NAMED} and purpose = $5`;

export async function readAnswer(sql: TenantSql, name: AnswerName): Promise<GivenAnswer | null> {
  const [row] = await sql.query(READ, parametersOf(sql, name));
  return row ? toAnswer(row) : null;
}

const READ_OF_ALL = `
  select a.reminder_id, a.occurrence_at, a.recipient_no, a.purpose
    from unnest($2::bigint[], $3::timestamptz[], $4::smallint[]) as u(reminder_id, occurrence_at, recipient_no)
    join answers a on a.tenant_id = $1 and a.reminder_id = u.reminder_id and a.occurrence_at = u.occurrence_at
                  and a.recipient_no = u.recipient_no
   where a.undone_at is null
   order by a.answered_at desc`;

/** What was answered to these deliveries, the newest first, without what was taken back. */
export async function readAnswered(sql: TenantSql, deliveries: readonly DeliveryKey[]): Promise<AnswerName[]> {
  const rows = await sql.query(READ_OF_ALL, [sql.tenant, ...keyColumns(deliveries)]);
  return rows.map((row) => ({ ...toKey(row), purpose: row.purpose as OwnPurpose }));
}

const KEEP = `
  insert into answers (tenant_id, reminder_id, occurrence_at, recipient_no, purpose, choice, outcome, expires_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict (tenant_id, reminder_id, occurrence_at, recipient_no, purpose)
  do update set choice = excluded.choice, outcome = excluded.outcome, answered_at = excluded.answered_at, undone_at = null
  returning choice, outcome, answered_at, undone_at`;

/** Keeps what was answered until the link ends, in place of what was answered before. */
export async function keepAnswer(
  sql: TenantSql,
  name: AnswerName,
  { choice, outcome, expiresAt }: { choice: string; outcome: JsonObject; expiresAt: Instant },
): Promise<GivenAnswer> {
  const values = [choice, JSON.stringify(outcome), toTimestamptz(expiresAt)];
  const [row] = await sql.query(KEEP, [...parametersOf(sql, name), ...values]);
  return toAnswer(row as Row);
}

const UNDO = `update answers set undone_at = reminder_now()${NAMED} and purpose = $5
  returning choice, outcome, answered_at, undone_at`;

/** Keeps that an answer was taken back. */
export async function undoAnswer(sql: TenantSql, name: AnswerName): Promise<GivenAnswer> {
  const [row] = await sql.query(UNDO, parametersOf(sql, name));
  return toAnswer(row as Row);
}

export interface DeliveryAddress {
  channel: string;
  recipient: string | null;
  /** See `Addressed`; null: whoever has the address. */
  person: string | null;
  /** Who stands in for that person; null: nobody. */
  via: string | null;
  /** False where it went there because it was escalated. */
  isOwn: boolean;
  /** See `Receipt`. */
  providerId: string | null;
  /** See `leftAtOf`. */
  leftAt: Instant;
}

/**
 * When it left, as far as that is known: where it hasn't ended yet it may be leaving now. That may be long after it was due, and after it was fired:
 * the database was away, or it was held back (quiet hours, a digest, a budget).
 */
export function leftAtOf(delivery: string): string {
  return `greatest(${delivery}.created_at, coalesce(${delivery}.finished_at, reminder_now()))::timestamptz(3)`;
}

const DELIVERY = `
  select channel, recipient, addressed ->> 'person' as person, addressed ->> 'via' as via, provider_id as "providerId",
         ${leftAtOf("d")} as "leftAt", coalesce(addressed ->> 'as' like 'recipient%', true) as "isOwn"
    from deliveries d${NAMED}`;

/** Where a delivery went, and to which of several people; null where there is no such one, or no more. */
export async function readDeliveryAddress(
  sql: TenantSql,
  { reminderId, occurrenceAt, recipientNo }: DeliveryKey,
): Promise<DeliveryAddress | null> {
  const parameters = [sql.tenant, reminderId, toTimestamptz(occurrenceAt), recipientNo];
  const [row] = await sql.query<DeliveryAddress & Row>(DELIVERY, parameters);
  return row ?? null;
}

const FORGET = `
  delete from answers
   where (tenant_id, reminder_id, occurrence_at, recipient_no, purpose) in
         (select tenant_id, reminder_id, occurrence_at, recipient_no, purpose
            from answers
           where expires_at <= reminder_now()
           order by expires_at
           limit $1
             for update skip locked)
  returning 1`;

/** Removes up to `limit` of those whose links have ended, and returns how many there were. */
export async function forgetOldAnswersByLink(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(FORGET, [limit])).length;
}

function parametersOf(sql: TenantSql, { reminderId, occurrenceAt, recipientNo, purpose }: AnswerName): unknown[] {
  return [sql.tenant, reminderId, toTimestamptz(occurrenceAt), recipientNo, purpose];
}

function toAnswer(row: Row): GivenAnswer {
  return {
    choice: row.choice as string,
    outcome: row.outcome as JsonObject,
    answeredAt: row.answered_at as number,
    undoneAt: row.undone_at as number | null,
  };
}
