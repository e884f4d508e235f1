import type { Sql } from "./postgres.ts";

export type Part = "api" | "worker";

/** Like `select`, or `update (unsettled)` where it is only about some columns. */
type Right = "select" | "insert" | "update" | "delete" | `${"select" | "insert" | "update"} (${string})`;

export interface Needs {
  tables: Record<string, Right[]>;
  functions: string[];
}

const ALL: Right[] = ["select", "insert", "update", "delete"];
/** The first key, which has no end: whoever could give one an end could take all numbers, and none could be made any more. */
const FIRST_KEY: Right[] = ["select", "insert (id, secret)"];

/**
 * What each part does with the tables, by the statements in this folder: exactly that is granted to its role, and looked for
 * at the start. No part needs rights on a partition: what is done to one is done through its table.
 */
export const NEEDS: Record<Part, Needs> = {
  api: {
    tables: {
      reminder_jobs: ["select", "insert", "update"],
      status_flags: ALL,
      contacts: ALL,
      calendars: ALL,
      policies: ALL,
      reminder_done: ["select", "insert"],
      deliveries: ["select"],
      reminder_events: ["select", "insert"],
      workers: ["select (beat_at)"],
      tenants: ["select"],
      reminder_counts: ["select", "insert", "update"],
      idempotency_keys: ["select", "insert", "update"],
      schema_migrations: ["select"],
      audit_log: ["select", "insert"],
      templates: ["select", "insert", "update"],
      template_versions: ["select", "insert", "delete"],
      template_tests: ["select", "insert"],
      event_rules: ALL,
      event_sources: ALL,
      inbound_events: ["select", "insert", "update"],
      inbound_sources: ALL,
      suppressions: ALL,
      answers: ["select", "insert", "update"],
      opt_outs: ALL,
      slack_people: ["select", "insert", "update"],
      // The first link may be one that this part makes.
      answer_keys: FIRST_KEY,
      push_subscriptions: ALL,
    },
    functions: [
      "reminder_find_key(text)",
      "reminder_has_keys()",
      "reminder_note_keys_used(text[])",
      "reminder_event_secrets(text)",
      "reminder_set_event_secrets(text, text[], text[], bytea[], bytea[])",
      "reminder_inbound_secrets(text)",
      "reminder_set_inbound_secrets(text, text[], text[], bytea[], bytea[])",
      "reminder_tenant_of(bigint)",
      "reminder_slack_settings()",
      "reminder_push_key()",
    ],
  },
  worker: {
    tables: {
      reminder_jobs: ["select", "update"],
      status_flags: ["select", "update (unsettled)"],
      contacts: ["select", "update (has_push)"],
      push_subscriptions: ["select", "delete"],
      calendars: ["select", "update (holidays, holidays_until, holidays_rules)"],
      policies: ["select"],
      reminder_done: ["select", "delete"],
      errands: ["select", "update", "delete"],
      done_marks: ALL,
      slack_people: ["select (tenant_id, team_id, user_id, known_at)", "update (known_at)", "delete"],
      deliveries: ["select", "insert", "update"],
      reminder_events: ["insert"],
      workers: ALL,
      tenants: ["select (name, sends_per_minute, sends_per_recipient_per_hour, time_zone, quiet_hours, max_reminders)"],
      // Reminders that begin anew take places under a quota.
      reminder_counts: ["select", "insert", "update"],
      pace: ALL,
      idempotency_keys: ["select (tenant_id, key, created_at)", "update (created_at)", "delete"],
      inbound_events: ["select (tenant_id, origin, id, created_at)", "update (created_at)", "delete"],
      suppressions: ALL,
      templates: ["select"],
      template_versions: ["select"],
      template_tests: ["select", "update (status, reason, provider_id, demo, finished_at)", "delete"],
      answers: ["select", "update (expires_at)", "delete"],
      opt_outs: ["select"],
      answer_keys: FIRST_KEY,
      channel_settings: ["select"],
      channel_fallbacks: ["select"],
      sealed_secrets: ["select"],
      schema_migrations: ["select"],
    },
    functions: [
      "ensure_partitions(timestamptz, integer)",
      "drop_partitions_before(timestamptz)",
      "delete_audit_before(timestamptz, integer)",
    ],
  },
};

/** One right on one table, or on one column of it. */
export interface Grant {
  table: string;
  privilege: string;
  column: string | null;
}

export function grantsOf({ tables }: Needs): Grant[] {
  return Object.entries(tables).flatMap(([table, rights]) =>
    rights.flatMap((right): Grant[] => {
      const [privilege = "", columns] = right.replace(")", "").split(" (");
      return (columns?.split(", ") ?? [null]).map((column) => ({ table, privilege, column }));
    }),
  );
}

const MISSING = `
  select needed.name,
         string_agg(needed.privilege || coalesce(' (' || needed.column_name || ')', ''), ', ' order by needed.place)
           as privileges
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as needed (name, privilege, column_name, place)
   where not case when needed.column_name is null then has_table_privilege(to_regclass(needed.name), needed.privilege)
                  else has_column_privilege(to_regclass(needed.name), needed.column_name, needed.privilege) end
   group by needed.name
   order by min(needed.place)`;

const MISSING_FUNCTIONS = `
  select needed.name
    from unnest($1::text[]) as needed (name)
   where not has_function_privilege(to_regprocedure(needed.name), 'execute')
   order by needed.name`;

/** The rights on our tables that whoever `sql` runs as lacks for `part`, in words such as `select, insert on contacts`. */
export async function missingRights(sql: Sql, part: Part): Promise<string[]> {
  const grants = grantsOf(NEEDS[part]);
  const missing = await sql.query<{ name: string; privileges: string }>(MISSING, [
    grants.map(({ table }) => table),
    grants.map(({ privilege }) => privilege),
    grants.map(({ column }) => column),
  ]);
  const functions = await sql.query<{ name: string }>(MISSING_FUNCTIONS, [NEEDS[part].functions]);
  return [
    ...missing.map(({ name, privileges }) => `${privileges} on ${name}`),
    ...functions.map(({ name }) => `execute on ${name}`),
  ];
}

/** True where nothing can be written: on a standby, or for a role or database that is set so. */
export async function isReadOnly(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ read_only: boolean }>(
    "select current_setting('transaction_read_only')::boolean as read_only",
  );
  return row?.read_only ?? false;
}
