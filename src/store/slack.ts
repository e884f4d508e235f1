import type { JsonObject } from "../core/json.ts";
import type { SealedSecret } from "../core/secret.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** What a tenant has set for Slack, as it was stored. */
export interface StoredSlackSettings {
  settings: JsonObject;
  /** By name. */
  secrets: ReadonlyMap<string, SealedSecret>;
}

const SETTINGS = "select settings, name, key_id, wrapped_key, ciphertext from reminder_slack_settings()";

/** Null where the tenant has set nothing of its own. */
export async function readSlackSettings(sql: TenantSql): Promise<StoredSlackSettings | null> {
  const rows = await sql.query(SETTINGS);
  const [first] = rows;
  if (!first) return null;
  const sealed = rows.filter(({ name }) => name !== null);
  return {
    settings: first.settings as JsonObject,
    secrets: new Map(sealed.map((row) => [row.name as string, toSealed(row)])),
  };
}

function toSealed(row: Row): SealedSecret {
  return {
    keyId: row.key_id as string,
    wrappedKey: row.wrapped_key as Buffer,
    ciphertext: row.ciphertext as Buffer,
  };
}

/** How long it is believed what Slack has said of somebody's e-mail address: one who has left is soon nobody. */
const BELIEVED = "interval '7 days'";

const EMAIL = `
  select email
    from slack_people
   where tenant_id = $1 and team_id = $2 and user_id = $3 and known_at > reminder_now() - ${BELIEVED}`;

/** A person in a workspace of Slack's. */
export interface SlackPerson {
  teamId: string;
  userId: string;
}

/** The e-mail address that Slack has lately said somebody has, in lower case; null: it has to be asked. */
export async function knownEmail(sql: TenantSql, { teamId, userId }: SlackPerson): Promise<string | null> {
  const [row] = await sql.query<{ email: string }>(EMAIL, [sql.tenant, teamId, userId]);
  return row?.email ?? null;
}

const REMEMBER = `
  insert into slack_people (tenant_id, team_id, user_id, email) values ($1, $2, $3, $4)
  on conflict (tenant_id, team_id, user_id) do update set email = excluded.email, known_at = excluded.known_at`;

/** Remembers what Slack has said now; `email` is in lower case. */
export async function rememberEmail(sql: TenantSql, { teamId, userId }: SlackPerson, email: string): Promise<void> {
  await sql.query(REMEMBER, [sql.tenant, teamId, userId, email]);
}

const CONTACT = `
  select name, email
    from (select name, email, 0 as place
            from contacts
           where tenant_id = $1 and addresses ? 'slack' and addresses ->> 'slack' = $2
           union all
          select name, email, 1
            from contacts
           where tenant_id = $1 and addresses ? 'slack' and lower(addresses ->> 'slack') = $3
           union all
          select name, email, 2
            from contacts
           where tenant_id = $1 and email is not null and lower(email) = $3) found
   order by place
   limit 1`;

/** The contact whose address in Slack, or whose e-mail address, is one of these; null where the tenant has none such. */
export async function contactInSlack(
  sql: TenantSql,
  userId: string,
  email: string | null,
): Promise<{ name: string | null; email: string | null } | null> {
  const [row] = await sql.query<{ name: string | null; email: string | null }>(CONTACT, [sql.tenant, userId, email]);
  return row ?? null;
}

const FORGET = `
  delete from slack_people
   where (tenant_id, team_id, user_id) in (select tenant_id, team_id, user_id
                                             from slack_people
                                            where known_at <= reminder_now() - ${BELIEVED}
                                            order by known_at
                                            limit $1
                                              for update skip locked)
  returning 1`;

/** Removes up to `limit` of those that are believed no longer, and returns how many there were. */
export async function forgetOldSlackPeople(sql: Sql, limit: number): Promise<number> {
  return (await sql.query(FORGET, [limit])).length;
}
