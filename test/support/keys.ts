import { newKey } from "../../src/api/access/key-text.ts";
import { SCOPES } from "../../src/api/access/scope.ts";
import { EVERY_TENANT } from "../../src/store/identity.ts";
import { insertKey } from "../../src/store/keys.ts";
import type { Database, Session } from "../../src/store/postgres.ts";

export interface KeyWish {
  tenant?: string;
  scopes?: readonly string[];
  lifetimeMs?: number | null;
  requestsPerMinute?: number | null;
  name?: string;
}

/** As who looks after the installation. */
export function asOwner(database: Database): Session {
  return database.as({ role: null, tenant: EVERY_TENANT });
}

/** Makes a key, which may do anything unless `scopes` says what. */
export async function giveKey(database: Database, wish: KeyWish = {}): Promise<{ id: string; text: string }> {
  const { id, text, hash } = newKey();
  await insertKey(asOwner(database), {
    id,
    hash,
    tenant: wish.tenant ?? "default",
    name: wish.name ?? "of a test",
    scopes: wish.scopes ?? SCOPES,
    lifetimeMs: wish.lifetimeMs ?? null,
    requestsPerMinute: wish.requestsPerMinute ?? null,
  });
  return { id, text };
}
