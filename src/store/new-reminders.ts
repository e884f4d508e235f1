import { setImmediate } from "node:timers/promises";
import { type Instant, MS_PER_MINUTE } from "../core/instant.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import { insertOf, type NewReminder } from "./new-reminder-rows.ts";
import type { Row } from "./postgres.ts";
import { orQuotaReached, QuotaReached } from "./quota.ts";
import { keyOf, type ReminderKey } from "./reminder-key.ts";
import type { TenantDatabase, TenantSql } from "./tenant-database.ts";
import { ZONE_RULES } from "./zone-rules.ts";

/** Of many, so many travel at a time: while the database stores these, the next are written out, and the last ones' answers read. */
const TOGETHER = 300;
/** Fewer to begin with: for the first, the database waits. */
const FIRST = 50;
/** And to end with: for these, the asker waits. */
const LAST = 100;

interface Patience {
  lockTimeoutMs: number;
  /** True: the statement is planned once on its connection, as far as it is one of the usual. Where that has forgotten it, `isStalePlan` says so. */
  plansOnce?: boolean;
}

/**
 * Creates those reminders whose key no ACTIVE one holds, and returns them in no particular order. They must have different
 * keys. Where another transaction is about to take or free one of the keys, its end is waited for, at most so long; then,
 * as with every other error, nothing is created. Throws `QuotaReached` where they would be more than the tenant may have.
 */
export async function insertReminders(
  database: TenantDatabase,
  reminders: readonly NewReminder[],
  patience: Patience,
): Promise<ReminderRecord[]> {
  const parts = inParts(reminders, keyOf);
  // Within somebody's transaction several are a step of their own: if they are too many, fewer are tried.
  const isStep = database.isOneTransaction && reminders.length > 1;
  if (parts.length > 1 || isStep) return insertInParts(database, parts, patience);
  return (await Promise.all(parts.map((part) => insertPart(database, part, patience)))).flat();
}

/**
 * What is to be inserted, as parts that travel one after another. Whoever inserts several keys does so in the same order, so
 * that no two wait for each other.
 */
export function inParts<T>(items: readonly T[], keyOfItem: (item: T) => string): T[][] {
  const keyed = items.map((item) => ({ item, key: keyOfItem(item) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  const parts: T[][] = [];
  for (let from = 0, most = FIRST; from < keyed.length; most = TOGETHER) {
    const left = keyed.length - from;
    const size = left <= 2 * LAST ? left : Math.min(most, left - LAST);
    parts.push(keyed.slice(from, from + size).map(({ item }) => item));
    from += size;
  }
  return parts;
}

/**
 * The same of what is still being made, in one transaction: each part, in the order of `inParts`, while the one before is stored.
 * `whenStored` is called with what each part made, while the next is stored; nothing of it is there unless all are.
 */
export async function insertInParts(
  database: TenantDatabase,
  parts: Iterable<readonly NewReminder[]>,
  patience: Patience,
  whenStored: (reminders: ReminderRecord[]) => void = () => {},
): Promise<ReminderRecord[]> {
  let taken = 0;
  return database.transaction(async (sql) => {
    const inserting: Promise<ReminderRecord[]>[] = [];
    for (const part of parts) {
      if (part.length === 0) continue;
      const inserted = insertPart(sql, part, patience).then((reminders) => {
        taken += reminders.length;
        whenStored(reminders);
        return reminders;
      });
      inserted.catch(() => {});
      inserting.push(inserted);
      // It leaves before the next is made and written out.
      await setImmediate();
    }
    try {
      return (await Promise.all(inserting)).flat();
    } catch (error) {
      // The places that the parts before it had taken are free again.
      throw error instanceof QuotaReached ? error.withFreed(taken) : error;
    }
  });
}

async function insertPart(
  sql: TenantSql,
  reminders: readonly NewReminder[],
  { lockTimeoutMs, plansOnce = false }: Patience,
): Promise<ReminderRecord[]> {
  const byKey = new Map(reminders.map((reminder) => [keyOf(reminder), reminder]));
  const { text, values } = insertOf(reminders);
  const inserted = await sql
    .query(text, [sql.tenant, `${lockTimeoutMs}ms`, ZONE_RULES, ...values], {
      plansOnce: plansOnce && isUsual(text, reminders.length),
    })
    .catch((error: unknown) => {
      throw orQuotaReached(error);
    });
  return inserted.map((row) => asInserted(byKey.get(keyOf(toKey(row))) as NewReminder, sql.tenant, row));
}

/** As many wordings of the statement are planned once, the first that many are created by; of what may be said, most say the same few. */
const MOST_USUAL = 20;
const MANY = 50;
const usual = new Set<string>();

function isUsual(text: string, count: number): boolean {
  return usual.has(text) || (count >= MANY && usual.size < MOST_USUAL && usual.add(text).has(text));
}

/** A new reminder as it would be if it were inserted at this instant: the same, save that it has no id. */
export function asIfInserted(reminder: NewReminder, tenantId: string, now: Instant): ReminderRecord {
  const { firstRun, runAt, schedule } = reminder;
  const waitMinutes = schedule.type === "recurring" ? schedule.intervalMinutes : 0;
  const firstAt = firstRun?.nextRunAt ?? runAt ?? now + waitMinutes * MS_PER_MINUTE;
  return asInserted(reminder, tenantId, { id: 0, next_run_at: firstAt, created_at: now });
}

/** What was written, and what the database added to it: to fetch all of it back would cost a third of the time. */
function asInserted(reminder: NewReminder, tenantId: string, row: Row): ReminderRecord {
  const firstAt = row.next_run_at as Instant;
  const createdAt = row.created_at as Instant;
  return {
    id: row.id as number,
    tenantId,
    entityType: reminder.entityType,
    entityId: reminder.entityId,
    eventType: reminder.eventType,
    channel: reminder.channel,
    recipient: reminder.recipient,
    subject: reminder.subject,
    message: reminder.message,
    data: reminder.data,
    timeZone: reminder.timeZone,
    schedule:
      reminder.schedule.type === "recurring"
        ? { ...reminder.schedule, anchorAt: reminder.schedule.anchorAt ?? firstAt }
        : reminder.schedule,
    bounds: reminder.bounds,
    business: reminder.business,
    quietHours: reminder.quietHours,
    ignoreQuietHours: reminder.ignoreQuietHours,
    stopCondition: reminder.stopCondition,
    onUnknown: reminder.onUnknown,
    doneMeans: reminder.doneMeans,
    allowsReassign: reminder.allowsReassign,
    silence: null,
    people: reminder.people,
    status: "ACTIVE",
    completionReason: null,
    needsAttention: null,
    nextRunAt: firstAt,
    nextWallAt: reminder.firstRun?.nextWallAt ?? null,
    lastRunAt: null,
    occurrenceCount: 0,
    createdAt,
    updatedAt: createdAt,
    completedAt: null,
    deletedAt: null,
    runAt: reminder.runAt,
    lastOccurrenceAt: null,
  };
}

function toKey(row: Row): ReminderKey {
  return {
    entityType: row.entity_type as string,
    entityId: row.entity_id as string,
    eventType: row.event_type as string,
  };
}
