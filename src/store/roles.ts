import { API_ROLE, type EngineRole, WORKER_ROLE } from "./identity.ts";
import type { Sql } from "./postgres.ts";
import { type Grant, grantsOf, NEEDS, type Part } from "./privileges.ts";

export const ROLE_OF: Record<Part, EngineRole> = { api: API_ROLE, worker: WORKER_ROLE };

// Before version 16, whoever is a member of a role may become it.
const RIGHT_TO_BECOME = "case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end";

// The cluster's roles are everybody's who has a database in it: others may be making the same ones right now, which shows
// as one error or another, and helps. Where we may not, or may not give ourselves what somebody else has made, we do without.
const PROVIDE_ROLES = `
  do $$
    declare
      wanted text;
      -- Becoming it is a decision, never an accident: its rights are not inherited.
      manner constant text :=
        case when current_setting('server_version_num')::int >= 160000 then ' with inherit false, set true' else '' end;
    begin
      foreach wanted in array array['${API_ROLE}', '${WORKER_ROLE}'] loop
        for attempt in 1 .. 50 loop
          begin
            if to_regrole(wanted) is null then
              execute format('create role %I nologin', wanted);
            end if;
            if not pg_has_role(current_user, wanted, ${RIGHT_TO_BECOME}) then
              execute format('grant %I to %I', wanted, current_user) || manner;
            end if;
            exit;
          exception
            when insufficient_privilege then exit;
            when unique_violation or duplicate_object or undefined_object or internal_error then perform pg_sleep(0.02);
          end;
        end loop;
      end loop;
    end
  $$`;

const GRANTED = `
  select lower(acl.privilege_type) as privilege, relname as "table", null as "column"
    from pg_class
   cross join aclexplode(relacl) as acl
   where relnamespace = current_schema()::regnamespace and relkind <> 'i' and acl.grantee = to_regrole($1)::oid
   union all
  select lower(acl.privilege_type), relname, attname
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
   cross join aclexplode(attacl) as acl
   where relnamespace = current_schema()::regnamespace and acl.grantee = to_regrole($1)::oid`;

/**
 * Makes the roles that API and worker run as, where the connected role may, and gives them the rights that they need on the
 * tables: exactly these, whatever they had. Call it in the transaction that migrates, by the owner of the tables.
 */
export async function provideRoles(sql: Sql): Promise<void> {
  await sql.query(PROVIDE_ROLES);
  for (const part of ["api", "worker"] as const) if (await exists(sql, ROLE_OF[part])) await grantNeeds(sql, part);
}

async function exists(sql: Sql, role: EngineRole): Promise<boolean> {
  const [row] = await sql.query<{ found: boolean }>("select to_regrole($1) is not null as found", [role]);
  return row?.found ?? false;
}

/** Changes nothing where nothing has to be changed: a grant makes others wait who change the same table. */
async function grantNeeds(sql: Sql, part: Part): Promise<void> {
  const role = ROLE_OF[part];
  const wanted = grantsOf(NEEDS[part]);
  const granted = await sql.query<Grant & Record<string, unknown>>(GRANTED, [role]);
  const isSame = wanted.map(inWords).sort().join() === granted.map(inWords).sort().join();
  const statements = isSame
    ? []
    : [
        ...[...new Set(granted.map(({ table }) => table))].map((table) => `revoke all on "${table}" from ${role}`),
        ...wanted.map((grant) => `grant ${inWords(grant)} to ${role}`),
      ];
  statements.push(
    ...NEEDS[part].functions.map((name) => `grant execute on function ${name} to ${role}`),
    `do $$ begin execute format('grant usage on schema %I to ${role}', current_schema()); end $$`,
  );
  for (const statement of statements) await sql.query(statement);
}

function inWords({ table, privilege, column }: Grant): string {
  return `${privilege}${column === null ? "" : ` (${column})`} on ${table}`;
}

const MAY_BECOME = `
  select to_regrole($1) is not null and pg_has_role(current_user, to_regrole($1), ${RIGHT_TO_BECOME}) as may`;

/** True where the connected role may run as the role that is made for this part. */
export async function mayBecome(sql: Sql, part: Part): Promise<boolean> {
  const [row] = await sql.query<{ may: boolean | null }>(MAY_BECOME, [ROLE_OF[part]]);
  return row?.may ?? false;
}

export interface Login {
  name: string;
  isSuperuser: boolean;
  /** Row-level security doesn't bind it. */
  seesEverything: boolean;
}

const LOGIN = `
  select current_user::text as name, rolsuper as "isSuperuser", not row_security_active('reminder_jobs') as "seesEverything"
    from pg_roles
   where rolname = current_user`;

/** Whom `sql` runs as. */
export async function whoRuns(sql: Sql): Promise<Login> {
  const [login] = await sql.query<Login & Record<string, unknown>>(LOGIN);
  return login as Login;
}
