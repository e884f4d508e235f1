import { expect, test } from "vitest";
import { recordDone } from "../../src/store/done.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { freshDatabase, lockWaits } from "../support/database.ts";
import { until } from "../support/wait.ts";

test("whatever isolation the database has by default, of two who say at once that they have done theirs the second completes it", async () => {
  const fresh = await freshDatabase();
  await fresh.query(
    `do $$ begin
       execute format('alter database %I set default_transaction_isolation = ''repeatable read''', current_database());
     end $$`,
  );
  // Only new connections begin by it.
  const database = openDatabase({ url: fresh.url, poolSize: 5 });
  try {
    const [isolation] = await database.query("show default_transaction_isolation");
    expect(isolation).toEqual({ default_transaction_isolation: "repeatable read" });
    const [row] = await database.query<{ id: number }>(
      `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes, recipients, completes_when)
       values ('invoice', '1', 'payment', 'sink', 'recurring', 60, '[{"address": "a@example.org"}, {"address": "b@example.org"}]', '"all"')
       returning id`,
    );
    const id = row?.id as number;
    const tenant = apiDatabase(database).forTenant("default");
    const say = (person: string) => tenant.transaction((sql) => recordDone(sql, id, person));
    const both = await database.transaction(async (sql) => {
      await sql.query("select from reminder_jobs where id = $1 for update", [id]);
      const saying = [say("a@example.org"), say("b@example.org")];
      await until(async () => (await lockWaits(fresh)) === 2, "both wait for the reminder");
      return saying;
    });
    await Promise.all(both);
    const [reminder] = await database.query("select status, completion_reason from reminder_jobs where id = $1", [id]);
    expect(reminder).toEqual({ status: "COMPLETED", completion_reason: "people_done" });
  } finally {
    await database.close();
  }
});
