import { beforeAll, expect, test } from "vitest";
import { type ReminderJson, wish } from "../support/api.ts";
import { freshDatabase, lockWaits, type TestDatabase } from "../support/database.ts";
import { buildProgram, type Program, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

// A request with an Idempotency-Key is done once, whenever the process that does it is killed.

beforeAll(buildProgram);

async function apiOn(database: TestDatabase): Promise<Program> {
  const program = runProgram(["api"], { DATABASE_URL: database.url });
  await program.says(/^API: /m);
  return program;
}

const send = (api: Program, path: string, body?: unknown): Promise<Response> =>
  fetch(`${api.told("API")}${path}`, {
    method: "POST",
    headers: { "idempotency-key": "k", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** As clients do it: again while it is being worked on. */
async function insist(api: Program, path: string, body?: unknown): Promise<Response> {
  return until(async () => {
    const response = await send(api, path, body);
    if (response.status !== 409 || response.headers.get("retry-after") === null) return response;
    await response.body?.cancel();
    return null;
  }, "it is no longer being worked on");
}

test("killed in the middle of the work, nothing was done, and the next try does it within seconds", async () => {
  const database = await freshDatabase();
  const api = await apiOn(database);
  const created = (await (await send(api, "/reminders/", wish())).json()) as ReminderJson;
  const path = `/reminders/${created.id}/trigger`;
  await database.query("truncate idempotency_keys");

  await database.transaction(async (sql) => {
    await sql.query("set local idle_in_transaction_session_timeout = 0");
    await sql.query("select from reminder_jobs for update");
    const lost = send(api, path).catch(() => "lost");
    await until(async () => (await lockWaits(database)) > 0, "the work waits for its row");
    api.kill("SIGKILL");
    expect(await lost).toBe("lost");
  });

  const another = await apiOn(database);
  const answer = await insist(another, path);
  expect([answer.status, answer.headers.get("idempotency-replayed")]).toEqual([200, null]);
  expect(await database.query("select from reminder_events where type = 'triggered'")).toHaveLength(1);
});

test("killed once the work is committed and before it is answered, the next try gets the answer", async () => {
  const database = await freshDatabase();
  // Makes the commit itself take a while. By then a backend no longer asks whether its client is still there.
  await database.query(`
    create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(2); return null; end $$;
    create constraint trigger dawdle after insert on idempotency_keys deferrable initially deferred
      for each row execute function dawdle()`);
  const api = await apiOn(database);
  const body = wish();
  const lost = send(api, "/reminders/", body).catch(() => "lost");
  const sleeping = "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
  await until(async () => (await database.query(sleeping)).length > 0, "it is being committed");
  api.kill("SIGKILL");
  expect(await lost).toBe("lost");
  // By the time the client tries again its reminder may be done: found by its key, it would not be.
  await until(async () => {
    const done = "update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual' returning 1";
    return (await database.query(done)).length > 0;
  }, "it is committed");

  const another = await apiOn(database);
  const answer = await insist(another, "/reminders/", body);
  expect([answer.status, answer.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
  expect(await answer.json()).toMatchObject({ id: 1, status: "ACTIVE", entity_id: body.entity_id });
  expect(await database.query("select from reminder_jobs")).toHaveLength(1);
});
