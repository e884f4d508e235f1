import type { Instant } from "../core/instant.ts";
import type { Row, Sql } from "./postgres.ts";
import type { TenantSql } from "./tenant-database.ts";

/** What a template is for; each part may be `*`, for any. */
export interface TemplateKey {
  eventType: string;
  channel: string;
  locale: string;
}

/** What one version of a template says. */
export interface TemplateVersionWish {
  subject: string | null;
  text: string;
  html: string | null;
  /** What `html` was compiled from. */
  mjml: string | null;
  missing: "empty" | "error";
  onFailure: "built_in" | "fail";
  framesOwn: boolean;
}

export interface TemplateVersionRow extends TemplateKey, TemplateVersionWish {
  version: number;
  savedBy: string;
  createdAt: Instant;
}

/** A template with the version that is active. */
export interface TemplateRow extends TemplateVersionRow {
  updatedAt: Instant;
}

/** Versions of one template that are kept, besides the active one. */
export const KEPT_VERSIONS = 100;

const KEY = "(t.tenant_id, t.event_type, t.channel, t.locale) = ($1, $2, $3, $4)";
const ACTIVE = `
  select v.*, t.updated_at
    from templates t
    join template_versions v using (tenant_id, event_type, channel, locale)
   where v.version = t.active_version`;
const READ = `${ACTIVE} and ${KEY}`;

/** Null where there is none, or it was deleted. */
export async function readTemplate(sql: TenantSql, key: TemplateKey): Promise<TemplateRow | null> {
  const [row] = await sql.query(READ, keyOf(sql, key));
  return row ? toTemplate(row) : null;
}

/** The same, locked until this transaction ends; what was deleted is locked too. */
export async function lockTemplate(sql: TenantSql, key: TemplateKey): Promise<TemplateRow | null> {
  await sql.query(`select from templates t where ${KEY} for update`, keyOf(sql, key));
  return readTemplate(sql, key);
}

const LIST = `${ACTIVE} and t.tenant_id = $1
     and ($2::text is null or (t.event_type collate "C", t.channel collate "C", t.locale collate "C") > ($2, $3, $4))
   order by t.event_type collate "C", t.channel collate "C", t.locale collate "C"
   limit $5`;

/** Up to `limit` templates by event type, channel and locale, beginning after this one. */
export async function listTemplates(
  sql: TenantSql,
  { after, limit }: { after: TemplateKey | null; limit: number },
): Promise<TemplateRow[]> {
  const position = [after?.eventType ?? null, after?.channel ?? null, after?.locale ?? null];
  return (await sql.query(LIST, [sql.tenant, ...position, limit])).map(toTemplate);
}

const COUNT = "select count(*)::int as count from templates where tenant_id = $1 and active_version is not null";

export async function countTemplates(sql: TenantSql): Promise<number> {
  const [row] = await sql.query<{ count: number }>(COUNT, [sql.tenant]);
  return row?.count ?? 0;
}

// What was deleted goes on counting its versions. It is new where the row is (no xmax), or had no active version before.
const SAVE = `
  with head as (
    insert into templates as t (tenant_id, event_type, channel, locale, active_version, last_version)
    values ($1, $2, $3, $4, 1, 1)
    on conflict (tenant_id, event_type, channel, locale)
    do update set active_version = t.last_version + 1, last_version = t.last_version + 1, updated_at = reminder_now()
    returning *, xmax = 0 or exists (select from templates t where ${KEY} and t.active_version is null) as is_new
  ), version as (
    insert into template_versions (tenant_id, event_type, channel, locale, version,
                                   subject, body, html, mjml, missing, on_failure, frames_own, saved_by)
    select tenant_id, event_type, channel, locale, active_version, $5, $6, $7, $8, $9, $10, $11, $12 from head
    returning *
  )
  select version.*, head.updated_at, head.is_new from version, head`;
const PRUNE = `
  delete from template_versions v
   using templates t
   where ${KEY} and (v.tenant_id, v.event_type, v.channel, v.locale) = ($1, $2, $3, $4)
     and v.version <= t.last_version - $5 and v.version <> t.active_version`;

/** Saves a version and makes it the active one. In a transaction: it is more than one statement. */
export async function saveTemplate(
  sql: TenantSql,
  key: TemplateKey,
  wish: TemplateVersionWish,
  savedBy: string,
): Promise<{ template: TemplateRow; isNew: boolean }> {
  const { subject, text, html, mjml, missing, onFailure, framesOwn } = wish;
  const values = [subject, text, html, mjml, missing, onFailure, framesOwn, savedBy];
  const [row] = await sql.query(SAVE, [...keyOf(sql, key), ...values]);
  await sql.query(PRUNE, [...keyOf(sql, key), KEPT_VERSIONS]);
  return { template: toTemplate(row as Row), isNew: row?.is_new as boolean };
}

const LIST_VERSIONS = `
  select t.*
    from template_versions t
   where ${KEY} and ($5::int is null or t.version < $5)
   order by t.version desc
   limit $6`;

/** Up to `limit` versions, the newest first, beginning below this one. */
export async function listVersions(
  sql: TenantSql,
  key: TemplateKey,
  { below, limit }: { below: number | null; limit: number },
): Promise<TemplateVersionRow[]> {
  return (await sql.query(LIST_VERSIONS, [...keyOf(sql, key), below, limit])).map(toVersion);
}

export async function readVersion(
  sql: TenantSql,
  key: TemplateKey,
  version: number,
): Promise<TemplateVersionRow | null> {
  const [row] = await listVersions(sql, key, { below: version + 1, limit: 1 });
  return row?.version === version ? row : null;
}

const ACTIVATE = `
  update templates t
     set active_version = $5, updated_at = reminder_now()
   where ${KEY} and t.active_version is distinct from $5
     and exists (select from template_versions v
                  where (v.tenant_id, v.event_type, v.channel, v.locale, v.version) = ($1, $2, $3, $4, $5))`;

/** Makes an old version the active one; what is active already stays as it is. */
export async function activateVersion(sql: TenantSql, key: TemplateKey, version: number): Promise<void> {
  await sql.query(ACTIVATE, [...keyOf(sql, key), version]);
}

const DELETE = `
  update templates t set active_version = null, updated_at = reminder_now() where ${KEY} and t.active_version is not null`;

/** From now on messages are written without it. Its versions are kept. */
export async function deleteTemplate(sql: TenantSql, key: TemplateKey): Promise<void> {
  await sql.query(DELETE, keyOf(sql, key));
}

/** Which templates a tenant has. */
export interface TemplateHead extends TemplateKey {
  tenantId: string;
  version: number;
}

const HEADS = `
  select tenant_id as "tenantId", event_type as "eventType", channel, locale, active_version as version
    from templates
   where tenant_id = any ($1::text[]) and active_version is not null`;

/** The active templates of these tenants, without what they say. `sql` acts for all tenants. */
export async function readTemplateHeads(sql: Sql, tenants: readonly string[]): Promise<TemplateHead[]> {
  return sql.query<TemplateHead & Row>(HEADS, [tenants]);
}

const CONTENTS = `
  select v.*
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[])
         as wanted (tenant_id, event_type, channel, locale, version)
    join template_versions v using (tenant_id, event_type, channel, locale, version)`;

/** What these versions say, in the order of the question; null for those that aren't kept any more. `sql` acts for all tenants. */
export async function readTemplateContents(
  sql: Sql,
  heads: readonly TemplateHead[],
): Promise<(TemplateVersionRow | null)[]> {
  const rows = await sql.query(CONTENTS, [
    heads.map(({ tenantId }) => tenantId),
    heads.map(({ eventType }) => eventType),
    heads.map(({ channel }) => channel),
    heads.map(({ locale }) => locale),
    heads.map(({ version }) => version),
  ]);
  const found = new Map(
    rows.map((row) => [JSON.stringify([row.tenant_id, ...placeOf(toVersion(row))]), toVersion(row)]),
  );
  return heads.map((head) => found.get(JSON.stringify([head.tenantId, ...placeOf(head)])) ?? null);
}

function placeOf({ eventType, channel, locale, version }: TemplateKey & { version: number }): unknown[] {
  return [eventType, channel, locale, version];
}

function keyOf(sql: TenantSql, { eventType, channel, locale }: TemplateKey): string[] {
  return [sql.tenant, eventType, channel, locale];
}

function toTemplate(row: Row): TemplateRow {
  return { ...toVersion(row), updatedAt: row.updated_at as number };
}

function toVersion(row: Row): TemplateVersionRow {
  return {
    eventType: row.event_type as string,
    channel: row.channel as string,
    locale: row.locale as string,
    version: row.version as number,
    subject: row.subject as string | null,
    text: row.body as string,
    html: row.html as string | null,
    mjml: row.mjml as string | null,
    missing: row.missing as TemplateVersionRow["missing"],
    onFailure: row.on_failure as TemplateVersionRow["onFailure"],
    framesOwn: row.frames_own as boolean,
    savedBy: row.saved_by as string,
    createdAt: row.created_at as number,
  };
}
