import type { Database, Sql } from "../../src/store/postgres.ts";
import type { DeliveryRow, Inputs, Tables } from "./evidence.ts";

/** Whether everything has come to rest at one instant. */
export interface Glance {
  readAt: number;
  /** What is still to be done; empty when all is quiet. */
  unfinished: Unfinished[];
}

/** And what the tables say then. */
export interface Sight extends Glance {
  tables: Tables;
}

export interface Unfinished {
  what: string;
  /** Since when it has been due. */
  dueAt: number;
  /** True where it waits for an instant to come: the end of quiet hours, say, or the minute of a digest. */
  isWaiting: boolean;
}

/** No retry is put off for so long: what waits beyond it waits for quiet hours to end, and whether by right is judged. */
const SOON_MS = 10_000;

/** A webhook that fails is tried again when its fallback is due; sooner, it is to be waited for. */
const SOON_FOR_HOOKS_MS = 1_000;

/**
 * Reads what is still to be done, and no more: whoever waits for everything to come to rest asks often, and all that there is would keep
 * the machine, and the receiver beside them, from just that.
 */
export async function glance(database: Database): Promise<Glance> {
  return inSnapshot(database, readUnfinished);
}

/** Reads everything in one snapshot. */
export async function look(database: Database): Promise<Sight> {
  return inSnapshot(database, async (sql) => ({ ...(await readUnfinished(sql)), tables: await readTables(sql) }));
}

function inSnapshot<T>(database: Database, read: (sql: Sql) => Promise<T>): Promise<T> {
  return database.transaction(async (sql) => {
    await sql.query("set transaction isolation level repeatable read");
    return read(sql);
  });
}

async function readUnfinished(sql: Sql): Promise<Glance> {
  const [clock] = await sql.query<{ now: number }>("select reminder_now() as now");
  const readAt = clock?.now as number;
  const due = (await sql.query(
    `${REMINDERS} where status = 'ACTIVE' and deleted_at is null and next_run_at <= reminder_now()`,
  )) as unknown as Tables["reminders"];
  const open = ((await sql.query(`${DELIVERIES} where finished_at is null`)) as unknown as Tables["deliveries"]).filter(
    (delivery) => (delivery.nextAttemptAt ?? 0) <= readAt + patienceFor(delivery),
  );
  const flags = await sql.query<{ key: string }>("select key from status_flags where unsettled");
  const unfinished = [
    ...due.map(({ id, nextRunAt }) => unfinishedSince(nextRunAt ?? 0, `reminder ${id} is due since ${nextRunAt}`)),
    ...open.map(({ reminderId, occurrenceAt, status, createdAt, nextAttemptAt }) => ({
      ...unfinishedSince(createdAt, `delivery ${reminderId}-${occurrenceAt} is ${status}`),
      isWaiting: status === "pending" && (nextAttemptAt ?? 0) > readAt + PUT_BACK_MS,
    })),
    ...flags.map(({ key }) => unfinishedSince(0, `flag ${key} is unsettled`)),
  ];
  return { readAt, unfinished };
}

/** What had been due by then, and is still to be done: what falls due while others are dealt with says nothing of how long these take. */
export function leftSince(instant: number, { unfinished }: Pick<Glance, "unfinished">): Unfinished[] {
  return unfinished.filter(({ dueAt, isWaiting }) => dueAt <= instant && !isWaiting);
}

function unfinishedSince(dueAt: number, what: string): Unfinished {
  return { what, dueAt, isWaiting: false };
}

/** What waits for longer isn't put back for a moment. */
const PUT_BACK_MS = 1_500;

function patienceFor({ status, channel }: DeliveryRow): number {
  if (status === "sending") return Number.POSITIVE_INFINITY;
  return channel === "webhook" && status === "retrying" ? SOON_FOR_HOOKS_MS : SOON_MS;
}

const REMINDERS = `
  select id, entity_type || '/' || entity_id || '/' || event_type as key, status,
         completion_reason as "completionReason", next_run_at as "nextRunAt", occurrence_count as "occurrenceCount",
         created_at as "createdAt", completed_at as "completedAt", deleted_at as "deletedAt"
    from reminder_jobs`;
const DELIVERIES = `
  select reminder_id as "reminderId", occurrence_at as "occurrenceAt", recipient_no as "recipientNo", channel, recipient,
         (addressed ->> 'step')::int as step, status, attempts, reason,
         created_at as "createdAt", finished_at as "finishedAt", next_attempt_at as "nextAttemptAt",
         pg_xact_commit_timestamp(xmin) + (reminder_now() - now()) as "storedAt"
    from deliveries`;

async function readTables(sql: Sql): Promise<Tables> {
  return {
    reminders: (await sql.query(REMINDERS)) as unknown as Tables["reminders"],
    deliveries: (await sql.query(DELIVERIES)) as unknown as Tables["deliveries"],
    events: (await sql.query(
      `select reminder_id as "reminderId", at, type, details from reminder_events order by id`,
    )) as unknown as Tables["events"],
  };
}

/**
 * Adds what the API created when it was asked once more for a wish that had been granted and was done: its first answer
 * had been lost. That is allowed, but nobody knew of it, so nothing was asked of it either. Returns how many.
 */
export function adoptRepeated(inputs: Inputs, { reminders }: Tables): number {
  const known = new Set(inputs.reminders.map((reminder) => reminder.id));
  let adopted = 0;
  for (const { id, key, createdAt } of reminders) {
    const origin = inputs.reminders.find((reminder) => reminder.key === key);
    if (known.has(id) || !origin) continue;
    inputs.reminders.push({
      ...origin,
      id,
      created: { from: createdAt, until: createdAt },
      changes: [],
      isLoose: true,
    });
    adopted += 1;
  }
  return adopted;
}

/**
 * Sets the database's clock so that a minute begins `ms` from now: quiet hours begin and end with minutes, and a short run is to have
 * one in it.
 */
export async function beginMinuteIn(database: Database, ms: number): Promise<void> {
  const aheadMs = (60_000 - ((Date.now() + ms) % 60_000)) % 60_000;
  await database.query(
    `create or replace function reminder_now() returns timestamptz
       language sql stable
       as $$ select now() + interval '${Math.round(aheadMs)} milliseconds' $$`,
  );
}

/** What to add to our clock to have the database's, in milliseconds, from the quickest of some questions. */
export async function clockOffset(database: Database): Promise<{ offsetMs: number; uncertaintyMs: number }> {
  let best = { offsetMs: 0, uncertaintyMs: Number.POSITIVE_INFINITY };
  for (let asked = 0; asked < 20; asked += 1) {
    const before = Date.now();
    const [row] = await database.query<{ ms: string }>("select extract(epoch from reminder_now()) * 1000 as ms");
    const after = Date.now();
    const uncertaintyMs = (after - before) / 2 + 1;
    if (uncertaintyMs >= best.uncertaintyMs) continue;
    best = { offsetMs: Math.round(Number(row?.ms) - (before + after) / 2), uncertaintyMs };
  }
  return best;
}
