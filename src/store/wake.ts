import { PER_HOP } from "../core/fallback.ts";
import type { Instant } from "../core/instant.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";

/** The open deliveries that somebody holds under a lease, and those that wait: each has indexes of its own. */
export const LEASED = "status = 'sending'";
export const WAITING = "status in ('pending', 'retrying')";
/** What goes by itself; the others are taken together (see `claimDigests`), by an index of their own. */
export const ALONE = "digest_at is null";

/**
 * True for a reminder `r` with the misfire policy `all` that has a message under way, of whichever occurrence: each is to be
 * sent, so that it doesn't end with its newest alone. And for one whose newest occurrence may have several messages, while any
 * of them is under way. Of all others only the newest counts, and nothing is looked for.
 */
export const HAS_OTHERS_UNDER_WAY = `((r.misfire_policy is not distinct from 'all' or num_nonnulls(r.policy, r.recipients) > 0)
         and exists (select from deliveries d
                      where d.reminder_id = r.id and (d.${LEASED} or d.${WAITING})
                        and (r.misfire_policy is not distinct from 'all' or d.occurrence_at = r.last_occurrence_at)))`;

/** Of several messages `d` of one occurrence, what became of the best tells what became of it; one that is under way comes before. */
export const BEST_FIRST = "array_position(array['sent', 'unknown', 'failed', 'suppressed'], d.status) nulls first";

/** True for a delivery `d` in whose stead another one went over its fallback: what became of that one counts. */
export const HAS_GONE_OVER = `exists (select from deliveries n
                      where n.reminder_id = d.reminder_id and n.occurrence_at = d.occurrence_at
                        and n.recipient_no = d.recipient_no + ${PER_HOP})`;

/** A place in the order in which what is due is fired: by its instant, and where many are due at the same one, by the id. */
export interface Place {
  at: Instant;
  id: number;
}

/** What a look for the earliest that waits found. */
export interface Earliest {
  /** Null when nothing waits. */
  at: Instant | null;
  /** Of a reminder, its id; else 0. */
  id: number;
  /** Milliseconds from the database's now until then, with fractions; negative when it is overdue. */
  inMs: number;
  /** The database's now. */
  now: Instant;
  /** Milliseconds that the server was at it, the network not counted. */
  tookMs: number;
}

// The clock is read after the look, as it is needed for the one row that comes out of it.
const EARLIEST_COLUMNS = `
         at, coalesce(id, 0) as id, reminder_now() as now, extract(epoch from at - reminder_now()) * 1000 as in_ms,
         extract(epoch from clock_timestamp() - statement_timestamp()) * 1000 as took_ms`;

// In the order of the index of what is due, not by min(): where statistics are old, that may be taken from another index,
// row by row.
const NEXT_DUE = `
  with earliest as materialized (
    select due.at, due.id
      from (values (true)) as one_row
      left join lateral (
        select next_run_at as at, id
          from reminder_jobs
         where status = 'ACTIVE' and deleted_at is null and next_run_at is not null and not is_asked and (next_run_at, id) >= ($1::timestamptz, $2::bigint)
         order by next_run_at, id
         limit 1
      ) due on true
  )
  select ${EARLIEST_COLUMNS}
    from earliest`;

/** The earliest due reminder that isn't asked first, looked for from `from` on; null: from the very beginning. */
export async function nextDue(sql: Sql, from: Place | null): Promise<Earliest> {
  const [row] = await sql.query(NEXT_DUE, beginning(from));
  return toEarliest(row as Row);
}

const earliestOpen = (whose: string): string => `
      left join lateral (
        select next_attempt_at as at
          from deliveries
         where channel = channels.name and ${whose} and ${ALONE} and next_attempt_at >= channels.from_at
         order by next_attempt_at
         limit 1
      )`;

const NEXT_ATTEMPTS = `
  with earliest as materialized (
    select channels.place, least(leased.at, waiting.at) as at, 0 as id
      from unnest($1::text[], $2::timestamptz[]) with ordinality as channels(name, from_at, place)
      ${earliestOpen(LEASED)} leased on true
      ${earliestOpen(WAITING)} waiting on true
  )
  select ${EARLIEST_COLUMNS}
    from earliest
   order by place`;

/** For each of the channels, in order, the earliest open delivery that may be taken, looked for from `from` on. */
export async function nextAttempts(
  sql: Sql,
  channels: readonly { name: string; from: Instant | null }[],
): Promise<Earliest[]> {
  const names = channels.map(({ name }) => name);
  return (await sql.query(NEXT_ATTEMPTS, [names, channels.map(({ from }) => sinceInstant(from))])).map(toEarliest);
}

/** What a reminder may be due at, at the earliest. */
const YEAR_1 = Date.parse("0001-01-01T00:00:00Z");

/** The instant as a query parameter; null is before all others. */
export function sinceInstant(from: Instant | null): string {
  return from === null || from < YEAR_1 ? "-infinity" : toTimestamptz(from);
}

/** The place as two query parameters; null is before all others. */
export function beginning(from: Place | null): [at: string, id: number] {
  return [sinceInstant(from?.at ?? null), from?.id ?? 0];
}

function toEarliest(row: Row): Earliest {
  return {
    at: row.at as Instant | null,
    id: row.id as number,
    inMs: Number(row.in_ms),
    now: row.now as Instant,
    tookMs: Number(row.took_ms),
  };
}
