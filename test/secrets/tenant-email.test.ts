import { expect, onTestFinished, test } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import { BrokenAccount, PASSWORD, toEmailAccount } from "../../src/channels/email/account.ts";
import { createEmailChannel } from "../../src/channels/email/email.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { TenantSettings } from "../../src/engine/tenant-settings.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { deleteChannelSettings, secretKind, writeChannelSettings } from "../../src/store/channel-settings.ts";
import type { Sql } from "../../src/store/postgres.ts";
import { wrappedOtherwise, writeRewrapped } from "../../src/store/secrets.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { failure, unhurried } from "../support/email.ts";
import { exampleMessage } from "../support/message.ts";
import { startSmtp } from "../support/smtp.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

const key = newMasterKey();
const ring = new Keyring(parseMasterKeys(key));

const messageOf = (tenantId: string) => exampleMessage({ reminder: { tenantId } });

/** A mail server that lets one password in. */
function guarded(right: string): ReturnType<typeof startSmtp> {
  return startSmtp({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, callback) {
      if (password === right) return callback(null, { user: username });
      callback(Object.assign(new Error(`no: ${password}`), { responseCode: 535 }));
    },
  });
}

/** The e-mail channel of an installation that sends by `port`, with the tenants' accounts from the database. */
function emailOf(
  database: TestDatabase,
  port: number,
  {
    keyring = ring,
    freshMs = 0,
    sql = workerDatabase(database),
  }: { keyring?: Keyring; freshMs?: number; sql?: Sql } = {},
): Channel {
  const cannotOpen = (sentence: string) => new BrokenAccount(sentence);
  const options = { database: sql, keyring, channel: "email", make: toEmailAccount, cannotOpen, freshMs };
  const accounts = new TenantSettings(options);
  const email = createEmailChannel({
    from: { address: "noreply@company.example", name: "Company" },
    server: { host: "127.0.0.1", port, username: null, password: null, tls: "off" },
    concurrency: 5,
    print: () => {},
    ownAccount: (tenantId) => accounts.of(tenantId),
  });
  onTestFinished(() => email.close());
  return email;
}

/** What the operator would set on the command line. */
async function setAccount(
  database: TestDatabase,
  tenantId: string,
  port: number,
  { password = "right", ...changes }: { password?: string | null } & JsonObject = {},
): Promise<void> {
  await createTenants(database, tenantId);
  const place = { tenantId, kind: secretKind("email"), name: PASSWORD };
  const secrets = new Map(password === null ? [] : [[PASSWORD, ring.seal(place, password)]]);
  const settings = {
    smtp_host: "127.0.0.1",
    smtp_port: port,
    smtp_tls: "off",
    ...(password === null ? {} : { smtp_username: tenantId }),
    from_email: `noreply@${tenantId}.example`,
    from_name: tenantId,
    ...changes,
  };
  await database.transaction((sql) => writeChannelSettings(sql, { tenantId, channel: "email", settings, secrets }));
}

test("a tenant with an account of its own sends by it, as it; the others by the installation's", async () => {
  const [database, shared, own] = [await freshDatabase(), await startSmtp(), await guarded("right")];
  const email = emailOf(database, shared.port);
  await setAccount(database, "acme", own.port);

  await email.send(messageOf("acme"), unhurried);
  await email.send(messageOf("default"), unhurried);

  expect(own.received).toMatchObject([{ user: "acme", envelope: { from: "noreply@acme.example" } }]);
  expect(own.received[0]?.mail.from?.text).toBe('"acme" <noreply@acme.example>');
  expect(own.received[0]?.mail.messageId).toMatch(/@acme\.example>$/);
  expect(shared.received).toMatchObject([{ envelope: { from: "noreply@company.example" } }]);
});

test("a change takes effect, and the connections of the replaced account end", async () => {
  const [database, shared, first, second] = [
    await freshDatabase(),
    await startSmtp(),
    await guarded("right"),
    await guarded("other"),
  ];
  const email = emailOf(database, shared.port);
  await setAccount(database, "acme", first.port);
  await email.send(messageOf("acme"), unhurried);

  await setAccount(database, "acme", second.port, { password: "other" });
  await email.send(messageOf("acme"), unhurried);
  await first.noConnections();

  await database.transaction((sql) => deleteChannelSettings(sql, "acme", "email"));
  await email.send(messageOf("acme"), unhurried);
  await second.noConnections();

  expect([first, second, shared].map(({ received }) => received.length)).toEqual([1, 1, 1]);
});

test("an account that stays the same keeps its connection, also while its secret is re-wrapped", async () => {
  const [database, shared, own] = [await freshDatabase(), await startSmtp(), await guarded("right")];
  const newKey = newMasterKey();
  const bothKeys = new Keyring([...parseMasterKeys(newKey), ...parseMasterKeys(key)]);
  const email = emailOf(database, shared.port, { keyring: bothKeys });
  await setAccount(database, "acme", own.port);
  await email.send(messageOf("acme"), unhurried);

  const page = await wrappedOtherwise(database, bothKeys.newestId as string, { after: null, limit: 10 });
  const rewrapped = page.map((place) => ({ place, old: place, new: bothKeys.rewrap(place, place) }));
  expect(await writeRewrapped(database, rewrapped)).toBe(1);
  await email.send(messageOf("acme"), unhurried);

  expect(own.received).toHaveLength(2);
  expect(own.connections).toBe(1);
});

test("what is known is used for a while: many messages ask the database once", async () => {
  const [database, shared] = [await freshDatabase(), await startSmtp()];
  let asked = 0;
  const counting: Sql = {
    query: (text, params) => {
      asked += 1;
      return workerDatabase(database).query(text, params);
    },
  };
  const email = emailOf(database, shared.port, { sql: counting, freshMs: 600_000 });

  await Promise.all(Array.from({ length: 5 }, (_, index) => email.send(messageOf(`tenant${index}`), unhurried)));
  for (let index = 0; index < 5; index += 1) await email.send(messageOf(`tenant${index}`), unhurried);

  expect(shared.received).toHaveLength(10);
  expect(asked).toBe(1);
});

test("one tenant's refused login fails its own messages, with the reason and without the password", async () => {
  const [database, shared, own] = [await freshDatabase(), await startSmtp(), await guarded("right")];
  const email = emailOf(database, shared.port);
  await setAccount(database, "acme", own.port, { password: "hunter2-wrong" });

  const error = await failure(email.send(messageOf("acme"), unhurried));
  await email.send(messageOf("default"), unhurried);

  expect(error.name).toBe("Retryable");
  expect(error.message).toContain("check username and password of this tenant's own e-mail account");
  expect(error.message).not.toContain("hunter2-wrong");
  expect(shared.received).toHaveLength(1);
});

test.each([
  ["a key that is missing", {}, "its smtp_password is sealed with the key"],
  ["settings without a server", { settings: { smtp_port: 25 } }, "is not set right: smtp_host must be text"],
  [
    "settings that hold more than one address",
    { from: "a@example.com, b@example.com" },
    "from_email must be one plain",
  ],
  ["a password that has gone", { gone: true }, "has one of username and password without the other"],
])(
  "%s fails that tenant's messages alone, and none goes by the installation's account instead",
  async (_, how, reason) => {
    const [database, shared, own] = [await freshDatabase(), await startSmtp(), await guarded("right")];
    const change = how as { settings?: JsonObject; from?: string; gone?: boolean };
    await setAccount(database, "acme", own.port, change.from ? { from_email: change.from } : {});
    if (change.settings) await database.query("update channel_settings set settings = $1", [change.settings]);
    if (change.gone) await database.query("delete from sealed_secrets");
    const isKeyMissing = !change.settings && !change.from && !change.gone;
    const email = emailOf(database, shared.port, isKeyMissing ? { keyring: new Keyring([]) } : {});

    const error = await failure(email.send(messageOf("acme"), unhurried));
    await email.send(messageOf("default"), unhurried);

    expect(error.name).toBe("Retryable");
    expect(error.message).toContain(`the e-mail account of tenant acme `);
    expect(error.message).toContain(reason);
    expect(own.received).toHaveLength(0);
    expect(shared.received).toHaveLength(1);
  },
);

test("a secret that was copied to another tenant doesn't let it log in as the first", async () => {
  const [database, shared, own] = [await freshDatabase(), await startSmtp(), await guarded("right")];
  const email = emailOf(database, shared.port);
  await setAccount(database, "acme", own.port);
  await setAccount(database, "evil", own.port, { smtp_username: "acme", password: "anything" });
  await database.query(
    `update sealed_secrets evil set key_id = acme.key_id, wrapped_key = acme.wrapped_key, ciphertext = acme.ciphertext
       from sealed_secrets acme where acme.tenant_id = 'acme' and evil.tenant_id = 'evil'`,
  );

  const error = await failure(email.send(messageOf("evil"), unhurried));

  expect(error.message).toContain("its smtp_password does not open: it was altered");
  expect(own.received).toHaveLength(0);
});

test("a mended account works again, without anything being restarted", async () => {
  const [database, shared, own] = [await freshDatabase(), await startSmtp(), await guarded("right")];
  const email = emailOf(database, shared.port);
  await setAccount(database, "acme", own.port, { password: "wrong" });
  await failure(email.send(messageOf("acme"), unhurried));

  await setAccount(database, "acme", own.port);
  await until(async () => email.send(messageOf("acme"), unhurried).then(() => true), "the message goes");

  expect(own.received).toHaveLength(1);
});
