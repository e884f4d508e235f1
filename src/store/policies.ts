import type { Instant } from "../core/instant.ts";
import type { PolicyText } from "../core/policy.ts";
import type { Row } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** What a person says about a policy. */
export interface PolicyWish extends PolicyText {
  tellWhenDone: boolean;
}

/** One row of `policies`. */
export interface PolicyRow extends PolicyWish {
  /** How often it was changed, the first time included. */
  version: number;
  createdAt: Instant;
  updatedAt: Instant;
}

const READ = "select * from policies where tenant_id = $1 and name = $2";

export async function readPolicyRow(sql: TenantSql, name: string): Promise<PolicyRow | null> {
  const [row] = await sql.query(READ, [sql.tenant, name]);
  return row ? toPolicyRow(row) : null;
}

/** The same, locked until this transaction ends: no reminder comes to go by it meanwhile. */
export async function lockPolicy(sql: TenantSql, name: string): Promise<PolicyRow | null> {
  const [row] = await sql.query(`${READ} for update`, [sql.tenant, name]);
  return row ? toPolicyRow(row) : null;
}

const LIST = `
  select *
    from policies
   where tenant_id = $1 and ($2::text is null or name collate "C" > $2)
   order by name collate "C"
   limit $3`;

/** Up to `limit` policies by name, beginning after the name `after`. */
export async function listPolicies(
  sql: TenantSql,
  { after, limit }: { after: string | null; limit: number },
): Promise<PolicyRow[]> {
  return (await sql.query(LIST, [sql.tenant, after, limit])).map(toPolicyRow);
}

const COUNT = "select count(*)::integer as count from policies where tenant_id = $1";

/** How many a tenant has. */
export async function countPolicies(sql: TenantSql): Promise<number> {
  const [row] = await sql.query<{ count: number }>(COUNT, [sql.tenant]);
  return row?.count ?? 0;
}

const VALUES = "insert into policies (tenant_id, name, steps, rotas, tell_when_done) values ($1, $2, $3, $4, $5)";

/** Creates a policy; null where there is one of this name. */
export async function createPolicy(sql: TenantSql, wish: PolicyWish): Promise<PolicyRow | null> {
  const [row] = await sql.query(`${VALUES} on conflict do nothing returning *`, [sql.tenant, ...columns(wish)]);
  return row ? toPolicyRow(row) : null;
}

// A row that this statement has inserted carries no xmax; one that it has updated does.
const PUT = `${VALUES}
  on conflict (tenant_id, name)
  do update set steps = excluded.steps, rotas = excluded.rotas, tell_when_done = excluded.tell_when_done,
                version = policies.version + 1, updated_at = reminder_now()
  returning *, xmax = 0 as is_new`;

/** Makes a policy, or puts this in the place of what it was. */
export async function putPolicy(sql: TenantSql, wish: PolicyWish): Promise<{ policy: PolicyRow; isNew: boolean }> {
  const [row] = await sql.query(PUT, [sql.tenant, ...columns(wish)]);
  return { policy: toPolicyRow(row as Row), isNew: row?.is_new as boolean };
}

const USED_BY = "tenant_id = $1 and policy = $2 and status <> 'COMPLETED' and deleted_at is null";

// What has ended or was deleted needs it no more; whoever restores such a reminder finds it without a policy.
const FREE = "update reminder_jobs set policy = null where tenant_id = $1 and policy = $2";
const USED = `select count(*)::int as count from reminder_jobs where ${USED_BY}`;
const DELETE = "delete from policies where tenant_id = $1 and name = $2";

/** Deletes a policy that is locked, unless reminders go by it: returns how many do. */
export async function deletePolicy(sql: TenantSql, name: string): Promise<number> {
  const [used] = await sql.query<{ count: number }>(USED, [sql.tenant, name]);
  if (used && used.count > 0) return used.count;
  await sql.query(FREE, [sql.tenant, name]);
  await sql.query(DELETE, [sql.tenant, name]);
  return 0;
}

/** What reminders under way lack that a policy needs of them. */
export interface Lacking {
  deadline: number;
  calendar: number;
  end: number;
}

// What ends by its schedule alone counts as endless: a step may have an interval of its own.
const LACKING = `
  select count(*) filter (where deadline_at is null)::int as deadline,
         count(*) filter (where calendar is null)::int as calendar,
         count(*) filter (where max_occurrences is null and end_at is null and stop_condition_type is null)::int as "end"
    from reminder_jobs
   where ${USED_BY}`;

/** How many of the reminders that go by it have no deadline, no calendar, and nothing that ends them. */
export async function countLacking(sql: TenantSql, name: string): Promise<Lacking> {
  const [row] = await sql.query<Lacking & Row>(LACKING, [sql.tenant, name]);
  return row ?? { deadline: 0, calendar: 0, end: 0 };
}

function columns({ name, steps, rotas, tellWhenDone }: PolicyWish): unknown[] {
  return [name, JSON.stringify(steps), JSON.stringify(rotas), tellWhenDone];
}

function toPolicyRow(row: Row): PolicyRow {
  return {
    name: row.name as string,
    steps: row.steps as PolicyRow["steps"],
    rotas: row.rotas as PolicyRow["rotas"],
    tellWhenDone: row.tell_when_done as boolean,
    version: row.version as number,
    createdAt: row.created_at as number,
    updatedAt: row.updated_at as number,
  };
}
