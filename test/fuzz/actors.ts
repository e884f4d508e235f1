import { SCOPES } from "../../src/api/access/scope.ts";
import type { Database } from "../../src/store/postgres.ts";
import { createTenant } from "../../src/store/tenants.ts";
import { asOwner, giveKey } from "../support/keys.ts";
import type { Actor } from "./play.ts";

/** A tenant's keys. Whoever may only read is seldom granted anything: one of four is enough. */
const KEYS: [name: string, scopes: readonly string[]][] = [
  ["one", SCOPES],
  ["another", SCOPES],
  ["a third", SCOPES],
  ["reading", SCOPES.filter((scope) => scope.endsWith(":read"))],
];

/** So high that a campaign never meets it, which would see little else then. */
export const NO_RATE_LIMITS = { RATE_LIMIT_PER_KEY: "1000000", RATE_LIMIT_PER_TENANT: "1000000" };

/**
 * Several tenants, made here, each with three keys that may do anything and one that may only read; and somebody without a key.
 * The first of them may do anything.
 */
export async function keyHolders(database: Database, tenants: number): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (let number = 1; number <= tenants; number += 1) {
    const tenant = `tenant-${number}`;
    await createTenant(asOwner(database), tenant);
    for (const [what, scopes] of KEYS) {
      const { text } = await giveKey(database, { tenant, scopes });
      actors.push({ name: `${tenant}, ${what}`, tenant, headers: { authorization: `Bearer ${text}` } });
    }
  }
  return [...actors, { name: "nobody", tenant: "-", headers: {} }];
}
