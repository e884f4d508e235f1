import { expect, test } from "vitest";
import { CannotAsk } from "../../src/conditions/condition.ts";
import { placeForOrigin } from "../../src/core/secret.ts";
import { OriginSecrets } from "../../src/engine/asking/origin-secrets.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { writeSecret } from "../../src/store/secrets.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

const ORIGIN = "https://billing.example.com";

const ringOf = (key: string): Keyring => new Keyring(parseMasterKeys(key));

async function store(database: TestDatabase, ring: Keyring, tenant: string, value: string, name = "billing") {
  const place = placeForOrigin(tenant, ORIGIN, name);
  await writeSecret(database, place, ring.seal(place, value));
}

test("a secret is its tenant's, for its origin, by its name, and nobody else's", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  const ring = ringOf(newMasterKey());
  await store(database, ring, "acme", "s3cret");
  const secrets = new OriginSecrets(database, ring);

  expect(await secrets.of("acme", "billing", ORIGIN)).toBe("s3cret");
  for (const [tenant, name, origin] of [
    ["default", "billing", ORIGIN],
    ["acme", "Billing", ORIGIN],
    ["acme", "billing", "http://billing.example.com"],
    ["acme", "billing", `${ORIGIN}:8443`],
    ["acme", "billing", "https://evil.example"],
  ] as const) {
    await expect(secrets.of(tenant, name, origin)).rejects.toThrow(
      new CannotAsk(`there is no secret ${name} for ${origin}`),
    );
  }
});

test("a sealed secret that is copied to another origin or tenant doesn't open there", async () => {
  const database = await freshDatabase();
  const ring = ringOf(newMasterKey());
  await createTenants(database, "acme");
  await store(database, ring, "acme", "s3cret");
  await database.query(
    `insert into sealed_secrets (tenant_id, kind, name, key_id, wrapped_key, ciphertext)
     select tenant_id, 'origin:https://evil.example', name, key_id, wrapped_key, ciphertext from sealed_secrets
     union all
     select 'default', kind, name, key_id, wrapped_key, ciphertext from sealed_secrets`,
  );
  const secrets = new OriginSecrets(database, ring);

  await expect(secrets.of("acme", "billing", "https://evil.example")).rejects.toThrow("does not open: it was altered");
  await expect(secrets.of("default", "billing", ORIGIN)).rejects.toThrow("does not open: it was altered");
});

test("secrets of channels can't be named", async () => {
  const database = await freshDatabase();
  const ring = ringOf(newMasterKey());
  const place = { tenantId: "default", kind: "channel:email", name: "smtp_password" };
  await writeSecret(database, place, ring.seal(place, "s3cret"));
  const secrets = new OriginSecrets(database, ring);
  for (const origin of ["channel:email", "email", ""]) {
    await expect(secrets.of("default", "smtp_password", origin)).rejects.toThrow(CannotAsk);
  }
});

test("a change is followed, and a key that is missing is named", async () => {
  const database = await freshDatabase();
  const ring = ringOf(newMasterKey());
  await store(database, ring, "default", "before");
  const secrets = new OriginSecrets(database, ring);
  expect(await secrets.of("default", "billing", ORIGIN)).toBe("before");

  await store(database, ring, "default", "after");
  await until(async () => (await secrets.of("default", "billing", ORIGIN)) === "after", "the change is followed");

  const stranger = new OriginSecrets(database, ringOf(newMasterKey()));
  await expect(stranger.of("default", "billing", ORIGIN)).rejects.toThrow(
    `the secret billing for ${ORIGIN} is sealed with the key ${ring.newestId}`,
  );
});

test("many that are wanted at once are read together", async () => {
  const database = await freshDatabase();
  const ring = ringOf(newMasterKey());
  const names = Array.from({ length: 50 }, (_, n) => `secret-${n}`);
  for (const name of names) await store(database, ring, "default", `value of ${name}`, name);
  let statements = 0;
  const counting = {
    query: (...args: Parameters<TestDatabase["query"]>) => {
      statements += 1;
      return database.query(...args);
    },
  } as TestDatabase;
  const secrets = new OriginSecrets(counting, ring);

  const values = await Promise.all(names.map((name) => secrets.of("default", name, ORIGIN)));

  expect(values).toEqual(names.map((name) => `value of ${name}`));
  expect(statements).toBe(1);
});
