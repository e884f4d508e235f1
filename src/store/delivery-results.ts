import type { Instant } from "../core/instant.ts";
import type { DeliveryKey, DeliveryStatus } from "../core/reminder.ts";
import type { Checked } from "../core/stop.ts";
import { checkedJson } from "./checked.ts";
import { keyColumns } from "./delivery-keys.ts";
import type { HeldKey } from "./leases.ts";
import { type Sql, toTimestamptz } from "./postgres.ts";

export interface DeliveryResult extends HeldKey {
  /** `pending` and `retrying` put it back; everything else ends it. */
  status: DeliveryStatus;
  /** With `pending` and `retrying`: how long until it may be taken again. */
  retryInMs: number;
  /** With these: nor before this; not set: that is all. */
  notBefore?: Instant | undefined;
  /** True when nothing was tried after all: the attempt isn't counted. */
  untried: boolean;
  reason: string | null;
  providerId: string | null;
  demo: boolean;
  /** What its stop condition answered last; null: it has none, or nobody looked. */
  checked: Checked | null;
}

// Only what is being sent has a lease token, so the token alone says whether the claim still holds. Naming the status as
// well would let the planner walk the index of open deliveries once for each result, which it takes to be empty.
export const IS_HELD = `d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at
     and d.recipient_no = u.recipient_no and d.lease_token = u.token`;

const WRITE_RESULTS = `
  update deliveries d
     set status = u.status, provider_id = u.provider_id, demo = u.demo, lease_token = null,
         attempts = d.attempts - u.uncounted, checked = coalesce(u.checked::jsonb, d.checked),
         -- Put back without a word, it keeps what was last said of it.
         reason = case when u.status in ('pending', 'retrying') then coalesce(u.reason, d.reason) else u.reason end,
         -- Put back before it was due, it still isn't to be sent before.
         next_attempt_at = case when u.status in ('pending', 'retrying')
                                then greatest(reminder_now() + u.retry_in_ms * interval '1 millisecond', d.occurrence_at,
                                              u.not_before) end,
         finished_at = case when u.status not in ('pending', 'retrying') then reminder_now() end
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                $8::boolean[], $9::text[], $10::float8[], $11::int[], $12::timestamptz[]) with ordinality
      as u(reminder_id, occurrence_at, recipient_no, token, checked, reason, provider_id, demo, status, retry_in_ms, uncounted,
           not_before, place)
   where ${IS_HELD}
  returning u.place`;

// The same where all were sent, as most are: the rest would be written, read and worked out for nothing.
const WRITE_SENT = `
  update deliveries d
     set status = 'sent', provider_id = u.provider_id, demo = u.demo, lease_token = null,
         checked = coalesce(u.checked::jsonb, d.checked), reason = u.reason, next_attempt_at = null, finished_at = reminder_now()
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                $8::boolean[]) with ordinality
      as u(reminder_id, occurrence_at, recipient_no, token, checked, reason, provider_id, demo, place)
   where ${IS_HELD}
  returning u.place`;

/** Writes what became of these attempts, and returns those that were still held under their token. */
export async function writeResults<R extends DeliveryResult>(sql: Sql, results: readonly R[]): Promise<R[]> {
  if (results.length === 0) return [];
  const areSent = results.every((result) => result.status === "sent" && uncountedIn(result) === 0);
  const rows = await sql.query<{ place: number }>(areSent ? WRITE_SENT : WRITE_RESULTS, [
    ...keyColumns(results),
    results.map((result) => result.token),
    results.map(({ checked }) => checked && JSON.stringify(checkedJson(checked))),
    results.map((result) => result.reason),
    results.map((result) => result.providerId),
    results.map((result) => result.demo),
    ...(areSent ? [] : toBePutBack(results)),
  ]);
  return rows.map(({ place }) => results[place - 1] as R);
}

function uncountedIn({ untried, overcount = 0 }: DeliveryResult): number {
  return overcount + (untried ? 1 : 0);
}

function toBePutBack(results: readonly DeliveryResult[]): unknown[] {
  return [
    results.map((result) => result.status),
    results.map((result) => result.retryInMs),
    results.map(uncountedIn),
    results.map(({ notBefore }) => (notBefore === undefined ? null : toTimestamptz(notBefore))),
  ];
}

const LEAVE_DIGESTS = `
  update deliveries d
     set digest_id = null
    from unnest($1::bigint[], $2::timestamptz[], $3::smallint[]) as u(reminder_id, occurrence_at, recipient_no)
   where d.reminder_id = any (array[u.reminder_id]) and d.occurrence_at = u.occurrence_at and d.recipient_no = u.recipient_no`;

/** Takes these out of the messages that they were to be in: they come later, in others. */
export async function leaveDigests(sql: Sql, keys: readonly DeliveryKey[]): Promise<void> {
  if (keys.length > 0) await sql.query(LEAVE_DIGESTS, keyColumns(keys));
}
