import { newKey } from "../api/access/key-text.ts";
import { isScope, SCOPES, type Scope } from "../api/access/scope.ts";
import { toIso } from "../core/instant.ts";
import { DEFAULT_TENANT } from "../core/tenant.ts";
import { insertKey, type KeyRow, listKeys, lockKey, replaceKey, revokeKey } from "../store/keys.ts";
import type { Session, Sql } from "../store/postgres.ts";
import { listTenants } from "../store/tenants.ts";
import { durationMs } from "./duration.ts";
import { note } from "./note.ts";
import { ownedDatabase } from "./owned-database.ts";
import type { Command, Service } from "./run.ts";
import { CannotRun, remark, say } from "./say.ts";

export interface CreateOptions {
  tenant?: string;
  scope: string;
  expires: string;
  name?: string;
  perMinute?: string;
}

const LONGEST_NAME = 100;
const MOST_PER_MINUTE = 1_000_000;

/** `keys create`. The key is all that it writes to standard output, and is never shown again. */
export function keysCreate(options: CreateOptions): Command {
  return async (service) => {
    const wanted = {
      tenant: options.tenant ?? DEFAULT_TENANT,
      name: nameOf(options.name ?? "unnamed"),
      scopes: scopesOf(options.scope),
      lifetimeMs: options.expires === "never" ? null : durationMs(options.expires, "--expires"),
      requestsPerMinute: perMinuteOf(options.perMinute),
    };
    const database = await open(service);
    const tenants = await listTenants(database);
    if (!tenants.some(({ name }) => name === wanted.tenant)) {
      throw new CannotRun(`there is no tenant ${wanted.tenant}: reminder-engine tenants create ${wanted.tenant}`);
    }
    const { id, text, hash } = newKey();
    const key = await database.transaction(async (sql) => {
      const key = await insertKey(sql, { id, hash, ...wanted });
      const details = { name: key.name, scopes: key.scopes, expires_at: iso(key.expiresAt) };
      await note(sql, key.tenant, { operation: "keys create", target: `key ${id}`, details });
      return key;
    });
    show(text, key);
    return "done";
  };
}

/** `keys list`: a line for each, or JSON. */
export function keysList({ json = false }: { json?: boolean }): Command {
  return async (service) => {
    const keys = await listKeys(await open(service));
    if (json) say(JSON.stringify(keys.map(toJson), null, 2));
    else for (const line of table(keys)) say(line);
    return "done";
  };
}

/** `keys revoke ID`. Doing it again changes nothing. */
export function keysRevoke(id: string): Command {
  return async (service) => {
    await changing(service, id, async (sql, key) => {
      await revokeKey(sql, id);
      await note(sql, key.tenant, { operation: "keys revoke", target: `key ${id}` });
    });
    say(`Revoked the key ${id}: within 5 seconds it opens nothing any more`);
    return "done";
  };
}

/** `keys rotate ID`: a new key that may do the same, while the old one goes on for a while. */
export function keysRotate(id: string, { overlap }: { overlap: string }): Command {
  return async (service) => {
    const overlapMs = durationMs(overlap, "--overlap");
    const { id: newId, text, hash } = newKey();
    const { key, oldExpiresAt } = await changing(service, id, async (sql, old) => {
      if (old.state !== "valid") throw new CannotRun(`the key ${id} is ${old.state}: create a new one`);
      const replaced = await replaceKey(sql, id, { id: newId, hash, overlapMs });
      const details = { replaced_by: newId, expires_at: iso(replaced.oldExpiresAt) };
      await note(sql, old.tenant, { operation: "keys rotate", target: `key ${id}`, details });
      return replaced;
    });
    show(text, key);
    remark(`The old key ${id} opens until ${toIso(oldExpiresAt)}.`);
    return "done";
  };
}

function open(service: Service): Promise<Session> {
  return ownedDatabase(service, "keys");
}

async function changing<T>(service: Service, id: string, change: (sql: Sql, key: KeyRow) => Promise<T>): Promise<T> {
  const database = await open(service);
  return database.transaction(async (sql) => {
    const key = await lockKey(sql, id);
    if (!key) throw new CannotRun(`there is no key ${id}: reminder-engine keys list shows those that there are`);
    return change(sql, key);
  });
}

/** The key alone on standard output, so that a script can take it; what it is on standard error. */
function show(text: string, key: KeyRow): void {
  say(text);
  const until = key.expiresAt === null ? "never expires" : `expires at ${toIso(key.expiresAt)}`;
  remark(`The key ${key.id} (${key.name}) of the tenant ${key.tenant} for ${key.scopes.join(", ")}; it ${until}.`);
  remark("This is the only time that it is shown. Send it as: Authorization: Bearer rmd_...");
}

function scopesOf(list: string): Scope[] {
  const names = list.split(",").map((name) => name.trim());
  const wrong = names.filter((name) => !isScope(name));
  if (wrong.length > 0) {
    throw new CannotRun(
      `--scope must be some of ${SCOPES.join(", ")}, with commas between them, not ${wrong.join(", ")}`,
    );
  }
  return [...new Set(names.filter(isScope))];
}

function nameOf(name: string): string {
  if (name.length >= 1 && name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name)) return name;
  throw new CannotRun(`--name must be one line of 1 to ${LONGEST_NAME} characters`);
}

function perMinuteOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= MOST_PER_MINUTE) return number;
  throw new CannotRun(`--per-minute must be a whole number from 1 to ${MOST_PER_MINUTE}, not ${text}`);
}

function iso(instant: number | null): string | null {
  return instant === null ? null : toIso(instant);
}

function toJson(key: KeyRow): Record<string, unknown> {
  const { id, tenant, name, scopes, requestsPerMinute, state } = key;
  return {
    id,
    tenant,
    name,
    scopes,
    per_minute: requestsPerMinute,
    state,
    created_at: iso(key.createdAt),
    expires_at: iso(key.expiresAt),
    revoked_at: iso(key.revokedAt),
    last_used_at: iso(key.lastUsedAt),
  };
}

function table(keys: readonly KeyRow[]): string[] {
  if (keys.length === 0) return ["There are no keys."];
  const rows = [
    ["id", "tenant", "name", "state", "expires", "last used", "scopes"],
    ...keys.map(({ id, tenant, name, state, expiresAt, lastUsedAt, scopes }) => [
      id,
      tenant,
      name,
      state,
      iso(expiresAt) ?? "never",
      iso(lastUsedAt) ?? "never",
      scopes.join(","),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
