import { describe, expect, test } from "vitest";
import { rotateSecrets } from "../../src/cli/rotate-secrets.ts";
import type { SealedSecret, SecretPlace } from "../../src/core/secret.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import type { Sql } from "../../src/store/postgres.ts";
import { keysInUse, wrappedOtherwise, writeRewrapped, writeSecret } from "../../src/store/secrets.ts";
import { freshDatabase } from "../support/database.ts";

const [older, newer] = [newMasterKey(), newMasterKey()];
const ringOf = (...keys: string[]): Keyring => new Keyring(keys.flatMap(parseMasterKeys));
const [before, during, after] = [ringOf(older), ringOf(newer, older), ringOf(newer)];
const newestId = after.newestId as string;

const placeOf = (number: number): SecretPlace => ({ tenantId: "default", kind: "test", name: `secret ${number}` });

async function store(sql: Sql, ring: Keyring, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number += 1) {
    await writeSecret(sql, placeOf(number), ring.seal(placeOf(number), `hunter${number}`));
  }
}

async function opened(sql: Sql, ring: Keyring): Promise<string[]> {
  const rows = await sql.query<{ name: string; key_id: string; wrapped_key: Buffer; ciphertext: Buffer }>(
    "select name, key_id, wrapped_key, ciphertext from sealed_secrets order by length(name), name",
  );
  return rows.map(({ name, key_id, wrapped_key, ciphertext }) => {
    const sealed: SealedSecret = { keyId: key_id, wrappedKey: wrapped_key, ciphertext };
    return ring.open({ tenantId: "default", kind: "test", name }, sealed);
  });
}

const hunters = (to: number): string[] => Array.from({ length: to }, (_, number) => `hunter${number}`);

describe("rotating the key", () => {
  test("re-wraps page by page what is under older keys, and a second time finds nothing to do", async () => {
    const database = await freshDatabase();
    await store(database, before, 0, 25);
    await store(database, during, 25, 30);

    expect(await rotateSecrets(database, during, 10)).toEqual({ rewrapped: 25, failed: [] });

    expect(await opened(database, after)).toEqual(hunters(30));
    expect(await keysInUse(database)).toEqual([{ keyId: newestId, secrets: 30, tenants: ["default"] }]);
    expect(await rotateSecrets(database, during, 10)).toEqual({ rewrapped: 0, failed: [] });
  });

  test("several times at once, each secret is re-wrapped by one of them", async () => {
    const database = await freshDatabase();
    await store(database, before, 0, 60);

    const rotations = await Promise.all(Array.from({ length: 4 }, () => rotateSecrets(database, during, 7)));

    expect(rotations.reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(60);
    expect(await opened(database, after)).toEqual(hunters(60));
  });

  test("a secret that was stored anew after it was read is not put back", async () => {
    const database = await freshDatabase();
    await store(database, before, 0, 1);
    const [read] = await wrappedOtherwise(database, newestId, { after: null, limit: 10 });
    if (!read) throw new Error("there is nothing to re-wrap");

    await writeSecret(database, placeOf(0), before.seal(placeOf(0), "changed meanwhile"));
    const written = await writeRewrapped(database, [{ place: read, old: read, new: during.rewrap(read, read) }]);

    expect(written).toBe(0);
    expect(await opened(database, before)).toEqual(["changed meanwhile"]);
  });

  test("what can't be opened is told and stays as it is, and nothing else waits for it", async () => {
    const database = await freshDatabase();
    const lost = ringOf(newMasterKey());
    await store(database, before, 0, 5);
    await store(database, lost, 5, 15);
    await store(database, before, 15, 20);

    const { rewrapped, failed } = await rotateSecrets(database, during, 3);

    expect(rewrapped).toBe(10);
    expect(failed.map(({ place }) => place.name).sort()).toEqual(
      Array.from({ length: 10 }, (_, index) => `secret ${index + 5}`).sort(),
    );
    expect(failed[0]?.because).toContain(`is sealed with the key ${lost.newestId}`);
    expect((await keysInUse(database)).find(({ keyId }) => keyId === lost.newestId)).toMatchObject({ secrets: 10 });
  });
});
