import type { Instant } from "../core/instant.ts";
import { DEFAULT_TENANT } from "../core/tenant.ts";
import { ENGINE_REMINDER_COLUMNS, FACTS_COLUMNS, FACTS_JOINS } from "./engine-row.ts";
import { CLOCK_COLUMNS, type DueClaim, type DueReminder, dueParams, IS_DUE, isDue, toDueReminder } from "./firing.ts";
import type { Row, Sql } from "./postgres.ts";
import { beginning } from "./wake.ts";

// With much due, it is claimed tenant by tenant. Those of `default` are found by the index of all that is due, since the one
// of each tenant's is kept for the others only: whoever has no others pays nothing for it.

// From one tenant to the next by the index, however many rows lie between; a bounded number of steps.
const DUE_TENANTS = `
  with recursive visited as (
    (select tenant_id, next_run_at, 1 as place
       from reminder_jobs
      where status = 'ACTIVE' and deleted_at is null and next_run_at is not null and not is_asked and (next_run_at, id) >= ($4::timestamptz, $5::bigint)
        and tenant_id <> '${DEFAULT_TENANT}' and tenant_id > $1
      order by tenant_id, next_run_at
      limit 1)
    union all
    select following.tenant_id, following.next_run_at, visited.place + 1
      from visited
     cross join lateral (
       select tenant_id, next_run_at
         from reminder_jobs
        where status = 'ACTIVE' and deleted_at is null and next_run_at is not null and not is_asked and (next_run_at, id) >= ($4::timestamptz, $5::bigint)
          and tenant_id <> '${DEFAULT_TENANT}' and tenant_id > visited.tenant_id
        order by tenant_id, next_run_at
        limit 1
     ) following
     where visited.place < $2
  )
  select tenant_id, next_run_at <= reminder_now() + $3 * interval '1 millisecond' as is_due
    from visited`;

/** How many tenants one look goes over, due or not. */
const LARGEST_LOOK = 1_000;

export interface DueTenants {
  tenants: string[];
  /** Where to look on; null when the look came to the end. */
  after: string | null;
}

/** Up to `limit` tenants other than `default` that have something due, by name, beginning after `after`. */
export async function dueTenants(sql: Sql, claim: DueClaim, after: string, limit: number): Promise<DueTenants> {
  const params = [after, LARGEST_LOOK, claim.aheadMs, ...beginning(claim.from)];
  const visited = await sql.query<{ tenant_id: string; is_due: boolean }>(DUE_TENANTS, params);
  const due = visited.filter((tenant) => tenant.is_due).map((tenant) => tenant.tenant_id);
  const tenants = due.slice(0, limit);
  if (due.length > limit) return { tenants, after: tenants.at(-1) as string };
  return { tenants, after: visited.length < LARGEST_LOOK ? null : (visited.at(-1)?.tenant_id ?? null) };
}

/** How many of a tenant's due reminders to claim: of those that are due the longest, and of those that fell due last. */
export interface Share {
  tenantId: string;
  oldest: number;
  newest: number;
}

const oldest = (whose: string, due: string, limit: string) => `
       select ${ENGINE_REMINDER_COLUMNS}
         from reminder_jobs
        where ${whose} and ${due}
        order by next_run_at, id
        limit ${limit}
          for update skip locked`;

// Not by coalesce() with a null: under row-level security that can't be asked of an index.
const newest = (whose: string, due: string, limit: string) => `
       select ${ENGINE_REMINDER_COLUMNS}
         from reminder_jobs
        where ${whose} and ${due}
          and next_run_at > reminder_now() - $6 * interval '1 millisecond'
        order by next_run_at desc, id desc
        limit ${limit}
          for update skip locked`;

const OF_DEFAULT = `tenant_id = '${DEFAULT_TENANT}'`;
const OF_SHARE = `tenant_id = shares.tenant_id and tenant_id <> '${DEFAULT_TENANT}'`;
/** The oldest have what the newest leave of their share, if $7 says so. */
const filled = (oldest: string, newest: string, found: string) =>
  `${oldest} + case when $7 then ${newest} - (select count(*) from ${found}) else 0 end`;

const CLAIM_SHARES = `
  with shares as (
    select *
      from unnest($8::text[], $9::int[], $10::int[]) as s(tenant_id, oldest, newest)
  ), n as materialized (
    select o.*, true as is_newest
      from shares cross join lateral (${newest(OF_SHARE, IS_DUE, "shares.newest")}) o
  ), r as materialized (
    select o.*, false as is_newest
      from shares
     cross join lateral (${oldest(OF_SHARE, IS_DUE, filled("shares.oldest", "shares.newest", "n where n.tenant_id = shares.tenant_id"))}) o
  ), default_newest as materialized (${newest(OF_DEFAULT, isDue("$13", "$14"), "$12")}
  ), default_oldest as materialized (${oldest(OF_DEFAULT, isDue("$13", "$14"), filled("$11", "$12", "default_newest"))}
  )
  select r.*, ${CLOCK_COLUMNS},
         ${FACTS_COLUMNS}
    from (select * from n
          union all select * from r
          union all select *, true from default_newest
          union all select *, false from default_oldest) r
    ${FACTS_JOINS}`;

// The same where nobody but `default` has a share: planning the rest would cost half as much as the claim itself.
const CLAIM_SHARE_OF_DEFAULT = `
  with n as materialized (${newest(OF_DEFAULT, IS_DUE, "$9")}
  ), r as materialized (${oldest(OF_DEFAULT, IS_DUE, filled("$8", "$9", "n"))}
  )
  select r.*, ${CLOCK_COLUMNS},
         ${FACTS_COLUMNS}
    from (select *, true as is_newest from n
          union all select *, false from r) r
    ${FACTS_JOINS}`;

/** What was claimed of one share, each part in the order in which it was asked for; nothing is in both. */
export interface ClaimedShare {
  share: Share;
  oldest: DueReminder[];
  newest: DueReminder[];
}

export interface Bounds {
  /** The newest must not be due for longer than that. */
  newestWithinMs: number;
  /** Whether the oldest have what the newest leave of their share. */
  isFilled: boolean;
  /** As `from`, for those of `default`. */
  defaultFrom: Instant | null;
}

/** Locks these shares of what is due, passing over what others are firing. */
export async function claimShares(
  sql: Sql,
  claim: DueClaim,
  shares: readonly Share[],
  { newestWithinMs, isFilled, defaultFrom }: Bounds,
): Promise<ClaimedShare[]> {
  const others = shares.filter((share) => share.tenantId !== DEFAULT_TENANT);
  const { oldest = 0, newest = 0 } = shares.find((share) => share.tenantId === DEFAULT_TENANT) ?? {};
  // One place: by two conditions on the same column, the walk would begin at whichever the server happens to choose.
  const isAbove = defaultFrom !== null && defaultFrom > (claim.from?.at ?? Number.NEGATIVE_INFINITY);
  const ofDefault = isAbove ? { at: defaultFrom, id: 0 } : claim.from;
  const rows =
    others.length === 0
      ? await sql.query(CLAIM_SHARE_OF_DEFAULT, [
          ...dueParams({ ...claim, from: ofDefault }),
          ...[newestWithinMs, isFilled, oldest, newest],
        ])
      : await sql.query(CLAIM_SHARES, [
          ...dueParams(claim),
          ...[newestWithinMs, isFilled],
          others.map((share) => share.tenantId),
          others.map((share) => share.oldest),
          others.map((share) => share.newest),
          ...[oldest, newest],
          ...beginning(ofDefault),
        ]);
  return sorted(rows, shares);
}

function sorted(rows: readonly Row[], shares: readonly Share[]): ClaimedShare[] {
  const byTenant = new Map(shares.map((share) => [share.tenantId, { share, oldest: [], newest: [] } as ClaimedShare]));
  const seen = new Set<unknown>();
  for (const row of rows) {
    // Where little is due, the oldest are also the newest, and have the newest's places.
    if (seen.has(row.id)) continue;
    seen.add(row.id);
    const claimed = byTenant.get(row.tenant_id as string);
    (row.is_newest ? claimed?.newest : claimed?.oldest)?.push(toDueReminder(row));
  }
  for (const { oldest, newest } of byTenant.values()) {
    oldest.sort((a, b) => a.dueInMs - b.dueInMs);
    newest.sort((a, b) => b.dueInMs - a.dueInMs);
  }
  return [...byTenant.values()];
}
