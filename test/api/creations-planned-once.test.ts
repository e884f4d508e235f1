import { expect, test } from "vitest";
import { startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";

/** Creates many at once and one alone, and says whether all of them are new. */
async function createSome(api: TestApi, count = 400, fields = {}, headers = {}): Promise<boolean> {
  const reminders = Array.from({ length: count }, () => wish(fields));
  const { body } = await api.call("POST", "/reminders/bulk", { reminders }, headers);
  const { results } = body as { results: { status: number }[] };
  await api.create();
  return results.length === count && results.every(({ status }) => status === 201);
}

async function insertsPrepared(database: TestDatabase): Promise<number> {
  const rows = await database.query("select from pg_prepared_statements where statement like '%into reminder_jobs%'");
  return rows.length;
}

test("what creates reminders is planned once on a connection, however many say the same", async () => {
  const database = await freshDatabase({ poolSize: 1 });
  const api = await startApi(database);
  expect(await createSome(api)).toBe(true);
  const count = await insertsPrepared(database);
  expect(count).toBeGreaterThan(0);
  for (let n = 0; n < 3; n += 1) expect(await createSome(api)).toBe(true);
  expect(await insertsPrepared(database)).toBe(count);
});

test("where somebody between us and the server forgets what was prepared, nobody is refused", async () => {
  const database = await freshDatabase({ poolSize: 1 });
  const api = await startApi(database);
  expect(await createSome(api)).toBe(true);
  await database.query("deallocate all");
  expect(await createSome(api)).toBe(true);
  await database.query("deallocate all");
  expect(await createSome(api, 400, {}, { "idempotency-key": '"many"' })).toBe(true);
  // It may do so again, so nothing is prepared there any more.
  expect(await createSome(api)).toBe(true);
  expect(await insertsPrepared(database)).toBe(0);
});

test("many odd wordings leave nothing behind in the server but a few", async () => {
  const database = await freshDatabase({ poolSize: 1 });
  const api = await startApi(database);
  const odd = ["subject", "message", "time_zone", "done_means", "recipient", "on_unknown"];
  const values: Record<string, string> = {
    ...{ subject: "s", message: "m", time_zone: "Europe/Berlin", done_means: "complete" },
    ...{ recipient: "ann@example.com", on_unknown: "send" },
  };
  for (let mask = 0; mask < 2 ** odd.length; mask += 1) {
    const said = odd.filter((_, bit) => mask & (1 << bit)).map((name) => [name, values[name]]);
    await createSome(api, 60, Object.fromEntries(said));
  }
  const count = await insertsPrepared(database);
  expect(count).toBeGreaterThan(1);
  expect(count).toBeLessThanOrEqual(20);
});
