import { expect, test } from "vitest";
import { type ReminderJson, startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase, lockWaits } from "../support/database.ts";
import { until } from "../support/wait.ts";

// Creations that arrive together are written together. Each must fare as if it had come alone.

const createMany = (api: TestApi, count: number) =>
  Promise.all(Array.from({ length: count }, () => api.call("POST", "/reminders/", wish())));

test("those that the database refuses fail alone", async () => {
  const database = await freshDatabase();
  await database.query("alter table reminder_jobs add constraint unlucky check (interval_minutes <> 13)");
  const api = await startApi(database);

  const answers = await Promise.all(
    Array.from({ length: 90 }, (_, n) => api.call("POST", "/reminders/", wish({ interval_minutes: n % 9 ? 60 : 13 }))),
  );

  expect(answers.map(({ status }) => status)).toEqual(answers.map((_, n) => (n % 9 ? 201 : 500)));
  expect(await database.query("select from reminder_jobs")).toHaveLength(80);
});

test.each([
  ["commits", 200],
  ["rolls back", 201],
])("one whose key a transaction holds waits until that %s, and nobody waits with it", async (end, status) => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const contested = wish();
  let isAnswered = false;

  const { answer, heldId } = await holding(async (sql) => {
    const [row] = await sql.query<{ id: number }>(
      `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes)
       values ($1, $2, $3, 'email', 'recurring', 60) returning id`,
      [contested.entity_type, contested.entity_id, contested.event_type],
    );
    const before = createMany(api, 20);
    const answer = api.call("POST", "/reminders/", contested).finally(() => {
      isAnswered = true;
    });
    for (const { status } of [...(await before), ...(await createMany(api, 20))]) expect(status).toBe(201);
    await until(async () => (await lockWaits(database)) > 0, "the contested creation waits by itself");
    expect(isAnswered).toBe(false);
    return { answer, heldId: row?.id };
  });

  const { status: answered, body } = await answer;
  expect(answered).toBe(status);
  expect((body as ReminderJson).id === heldId).toBe(end === "commits");

  /** Runs `work` in a transaction that then ends as this test's does. */
  async function holding<T>(work: Parameters<typeof database.transaction<T>>[0]): Promise<T> {
    let result: T | undefined;
    const rolledBack = new Error("rolled back");
    await database
      .transaction(async (sql) => {
        // The test may take longer than a transaction of ours may be idle.
        await sql.query("set local idle_in_transaction_session_timeout = 0");
        result = await work(sql);
        if (end === "rolls back") throw rolledBack;
      })
      .catch((error) => {
        if (error !== rolledBack) throw error;
      });
    return result as T;
  }
});
