import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import { type Addressed, toAddressed } from "../core/people.ts";
import type { DeliveryKey } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { type Claimable, lockClaimable } from "./claimable.ts";
import { keyColumns, toKey } from "./delivery-keys.ts";
import { type DigestClaim, lockDigests } from "./digests.ts";
import type { ReminderWithFacts } from "./engine-row.ts";
import { readFacts } from "./facts.ts";
import type { Lease } from "./leases.ts";
import type { Row, Session, Sql } from "./postgres.ts";

/** A delivery that this worker has taken to send, with its reminder as it is now. */
export interface ClaimedDelivery extends DeliveryKey {
  /** Null when somebody removed the row from `reminder_jobs`. */
  known: ReminderWithFacts | null;
  tenantId: Tenant;
  channel: string;
  recipient: string | null;
  /** Delivery attempts so far, the one now beginning included. */
  attempts: number;
  /** True when a worker died or fell silent with it, after as many attempts as make a suspect (see `suspectFromAttempt`). */
  wasCutShort: boolean;
  /** True when it may be what ended them: it is to be sent still. */
  isSuspect: boolean;
  /** True when it may have left under the claim that ran out, over a channel whose receiver couldn't tell if it came again. */
  mayHaveLeft: boolean;
  addressed: Addressed | null;
  /** When it goes along with others; null: by itself. */
  digestAt: Instant | null;
  /** Then: the newest occurrence after it that isn't to wait any more; null: none. */
  newestDueAt: Instant | null;
  /** And when the first of those is to leave that still wait; null: none does. */
  newerLeavesAt: Instant | null;
}

// A claim past the last attempt only says that they are used up: however often it is cut short, it counts once. What may have left may have
// done so under the new claim as well.
const TAKE = `
  update deliveries d
     set status = 'sending', attempts = least(d.attempts + 1, $6), lease_token = $4::uuid,
         left_under = case when d.left_under = d.lease_token then $4::uuid end,
         next_attempt_at = reminder_now() + $5 * interval '1 second'
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[]) as u(reminder_id, occurrence_at, recipient_no)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no`;

export interface DeliveryClaim extends Claimable {
  lease: Lease;
  maxAttempts: number;
}

/**
 * Takes deliveries of one channel under a lease. Each taken one begins a new attempt; one that comes back with more than
 * `maxAttempts` has used them up. `next`: the `after` with which the next claim goes on.
 */
export async function claimDeliveries(
  database: Session,
  claim: DeliveryClaim,
): Promise<{ claimed: ClaimedDelivery[]; next: string | null }> {
  const { channel, lease, maxAttempts } = claim;
  return database.transaction(async (sql) => {
    const { rows, next } = await lockClaimable(sql, claim);
    return { claimed: await take(sql, rows, { channel, lease, maxAttempts }), next };
  });
}

/** Takes these rows, which are locked. */
async function take(
  sql: Sql,
  rows: readonly Row[],
  { channel, lease, maxAttempts }: Pick<DeliveryClaim, "channel" | "lease" | "maxAttempts">,
): Promise<ClaimedDelivery[]> {
  if (rows.length === 0) return [];
  const keys = rows.map(toKey);
  const [reminders] = await Promise.all([
    readFacts(sql, [...new Set(keys.map((key) => key.reminderId))]),
    sql.query(TAKE, [...keyColumns(keys), lease.token, lease.seconds, maxAttempts + 1]),
  ]);
  return rows.map((row, index) => {
    const key = keys[index] as DeliveryKey;
    const attempts = Math.min((row.attempts as number) + 1, maxAttempts + 1);
    return {
      ...key,
      known: reminders.get(key.reminderId) ?? null,
      tenantId: row.tenant_id as Tenant,
      channel,
      recipient: row.recipient as string | null,
      attempts,
      wasCutShort: row.was_cut_short === true,
      isSuspect: row.part === "suspect",
      mayHaveLeft: row.may_have_left === true,
      addressed: toAddressed(row.addressed as JsonObject | null),
      digestAt: (row.digest_at as Instant | null | undefined) ?? null,
      newestDueAt: (row.newest_due_at as Instant | null | undefined) ?? null,
      newerLeavesAt: (row.newer_leaves_at as Instant | null | undefined) ?? null,
    };
  });
}

export interface ClaimedDigest {
  /** Stays the same over retries, whatever of its items is left. */
  id: string;
  /** One at least. */
  items: ClaimedDelivery[];
}

/** Takes what goes along with others, each digest whole, under one lease. */
export async function claimDigests(
  database: Session,
  claim: DigestClaim & Pick<DeliveryClaim, "lease">,
): Promise<ClaimedDigest[]> {
  return database.transaction(async (sql) => {
    const locked = await lockDigests(sql, claim);
    const claimed = await take(
      sql,
      locked.flatMap(({ rows }) => rows),
      claim,
    );
    let taken = 0;
    return locked.map(({ id, rows }) => {
      const items = claimed.slice(taken, taken + rows.length);
      taken += rows.length;
      return { id, items };
    });
  });
}
