import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { BrokenAccount, toEmailAccount } from "../../src/channels/email/account.ts";
import { createEmailChannel } from "../../src/channels/email/email.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { TenantSettings } from "../../src/engine/tenant-settings.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { writeChannelSettings } from "../../src/store/channel-settings.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { silent, startHostile } from "../support/hostile-smtp.ts";
import { startSmtp } from "../support/smtp.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

const CONCURRENCY = 4;
/** Attempts enough for as long as a worker remembers a tenant's former server. */
const SOON = { maxAttempts: 100, baseSeconds: 0.1, factor: 1, capSeconds: 1 };

/** Starts a worker that sends e-mail by the server at `port`, unless a tenant has a server of its own. */
function sendBy(database: TestDatabase, port: number): void {
  const sql = workerDatabase(database);
  const keyring = new Keyring(parseMasterKeys(newMasterKey()));
  const cannotOpen = (sentence: string) => new BrokenAccount(sentence);
  const accounts = new TenantSettings({ database: sql, keyring, channel: "email", make: toEmailAccount, cannotOpen });
  const email = createEmailChannel({
    from: { address: "noreply@company.example", name: "Company" },
    server: { host: "127.0.0.1", port, username: null, password: null, tls: "off" },
    concurrency: CONCURRENCY,
    print: () => {},
    ownAccount: (tenantId) => accounts.of(tenantId),
  });
  const channels = channelMap([email]);
  // No poll comes to the help of a wake-up that is lost.
  const settings = { retry: SOON, pollSeconds: 3_600 };
  const worker = startWorker({ database: sql, channels, log: pino({ level: "silent" }), settings });
  onTestFinished(async () => {
    await worker.stop();
    await email.close();
  });
}

async function useOwnServer(database: TestDatabase, tenantId: string, port: number): Promise<void> {
  const settings = {
    smtp_host: "127.0.0.1",
    smtp_port: port,
    smtp_tls: "off",
    from_email: `noreply@${tenantId}.example`,
  };
  const secrets = new Map();
  await database.transaction((sql) => writeChannelSettings(sql, { tenantId, channel: "email", settings, secrets }));
}

async function insertDue(database: TestDatabase, tenant: string, count: number, secondsAgo: number): Promise<void> {
  await database.query(
    `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
     select $1, 'invoice', n::text, $3::text, 'email', n || '@example.org', 'one_time',
            reminder_now() - $3::int * interval '1 second'
       from generate_series(1, $2::int) n`,
    [tenant, count, secondsAgo],
  );
}

test.each([
  ["a server of its own", true],
  ["the installation's", false],
])(
  "P9: a tenant's own mail server that hangs keeps no place from another tenant, which sends by %s",
  async (_by, isOwn) => {
    const database = await freshDatabase();
    await createTenants(database, "acme", "globex");
    const [hung, shared, own] = [await startHostile(silent), await startSmtp(), await startSmtp()];
    await useOwnServer(database, "acme", hung.port);
    if (isOwn) await useOwnServer(database, "globex", own.port);
    await insertDue(database, "acme", 300, 30);
    sendBy(database, shared.port);
    await until(
      () => hung.connections >= CONCURRENCY / 2,
      "the hung server has all the places that its tenant may have",
    );

    // More than the lane holds of one tenant at once, so that some wait in the database, behind those of the other.
    await insertDue(database, "globex", 60, 0);
    const { received } = isOwn ? own : shared;
    await until(() => received.length === 60, "all of the other's are sent");

    // Nobody waited for acme's turn to be over: it has hardly begun, however long the first of its sends were tried.
    const waiting = await database.query(
      "select count(*)::int as count from deliveries where tenant_id = 'acme' and status = 'pending'",
    );
    expect(waiting[0]?.count).toBeGreaterThan(150);
    const ended = await database.query(
      "select from deliveries where tenant_id = 'acme' and status in ('sent', 'failed')",
    );
    expect(ended).toEqual([]);
    expect(hung.mostOpen).toBeLessThan(CONCURRENCY);
  },
);

test("what waited for a server that hung is sent when it is well again, all of it once", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  const [hung, shared, well] = [await startHostile(silent), await startSmtp(), await startSmtp()];
  await useOwnServer(database, "acme", hung.port);
  await insertDue(database, "acme", 120, 0);
  sendBy(database, shared.port);
  await until(() => hung.connections >= CONCURRENCY / 2, "its sends hang");
  await useOwnServer(database, "acme", well.port);
  hung.hangUp();

  await until(() => well.received.length === 120, "all are sent");
  expect(new Set(well.received.map(({ envelope }) => envelope.to[0])).size).toBe(120);
});
