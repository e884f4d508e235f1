import type { Sql } from "./postgres.ts";

export type Part = "api" | "worker";

const ALL = ["select", "insert", "update", "delete"];

/** What each part does with the tables, by the statements in this folder. */
const NEEDED: Record<Part, Record<string, string[]>> = {
  api: {
    reminder_jobs: ["select", "insert", "update"],
    status_flags: ALL,
    contacts: ALL,
    deliveries: ["select"],
    reminder_events: ["select", "insert"],
    workers: ["select"],
  },
  worker: {
    reminder_jobs: ["select", "update"],
    status_flags: ["select", "update"],
    contacts: ["select"],
    deliveries: ALL,
    reminder_events: ALL,
    workers: ALL,
  },
};

const MISSING = `
  select needed.name, string_agg(needed.privilege, ', ' order by needed.place) as privileges
    from unnest($1::text[], $2::text[]) with ordinality as needed (name, privilege, place)
   where not has_table_privilege(to_regclass(needed.name), needed.privilege)
   group by needed.name
   order by min(needed.place)`;

// Only its owner may give a table new partitions, and drop old ones.
const NOT_OWNED = `
  select relname as name
    from pg_class
   where oid in (to_regclass('deliveries'), to_regclass('reminder_events')) and not pg_has_role(relowner, 'usage')
   order by relname`;

/** The rights on our tables that the connected role lacks for `part`, in words such as `select, insert on contacts`. */
export async function missingRights(sql: Sql, part: Part): Promise<string[]> {
  const pairs = Object.entries(NEEDED[part]).flatMap(([name, rights]) => rights.map((right) => [name, right] as const));
  const parameters = [pairs.map(([name]) => name), pairs.map(([, right]) => right)];
  const missing = await sql.query<{ name: string; privileges: string }>(MISSING, parameters);
  const notOwned = part === "worker" ? await sql.query<{ name: string }>(NOT_OWNED) : [];
  return [
    ...missing.map(({ name, privileges }) => `${privileges} on ${name}`),
    ...notOwned.map(({ name }) => `ownership of ${name}`),
  ];
}

/** True where nothing can be written: on a standby, or for a role or database that is set so. */
export async function isReadOnly(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ read_only: boolean }>(
    "select current_setting('transaction_read_only')::boolean as read_only",
  );
  return row?.read_only ?? false;
}
