import pino from "pino";
import { expect, test } from "vitest";
import { Asker, type AskerOptions } from "../../src/engine/asking/asker.ts";
import { DEFAULT_SETTINGS } from "../../src/engine/settings.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { freshDatabase } from "../support/database.ts";

test("what becomes due at a tenant that a round has passed is looked for at once, with more tenants than one look reaches", async () => {
  const database = await freshDatabase();
  await database.query(
    "insert into tenants (name) select 't' || lpad(n::text, 4, '0') from generate_series(1, 1001) n",
  );
  await database.query(
    `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, schedule_type, run_at, next_run_at,
                                stop_condition_type, stop_condition_value)
     select name, 'a', 'b', 'c', 'email', 'one_time', reminder_now() + interval '1 hour', reminder_now() + interval '1 hour',
            'expression', 'false'
       from tenants where name like 't%'`,
  );
  const asker = new Asker({
    database: workerDatabase(database),
    channels: new Map(),
    settings: DEFAULT_SETTINGS,
    log: pino({ level: "silent" }),
    onSooner: () => {},
  } as unknown as AskerOptions);

  // The first look doesn't reach the last of them, so the round goes on.
  expect(await asker.claim()).toBeLessThanOrEqual(0);
  asker.sooner();
  expect(await asker.claim()).toBe(0);

  // Nothing came up in this one: it sleeps until the first is due.
  expect(await asker.claim()).toBeLessThanOrEqual(0);
  expect(await asker.claim()).toBeGreaterThan(60_000);
});
