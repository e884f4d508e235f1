import { expect, test } from "vitest";
import { advance } from "./support/clock.ts";
import { freshDatabase } from "./support/database.ts";
import { freePort } from "./support/free-port.ts";
import { runProgram } from "./support/program.ts";
import { until } from "./support/wait.ts";

/** The request body of the description's first example, to the letter. */
const CREATE_REMINDER = `{
    "entity_type": "interviewer",
    "entity_id": "INT_100",
    "event_type": "feedback_form",
    "channel": "email",
    "schedule_type": "recurring",
    "interval_minutes": 1,
    "stop_condition_type": "db_check",
    "stop_condition_value": "feedback_submitted"
  }`;

const INSERT_FLAG = `
INSERT INTO status_flags (key, value)
VALUES ('feedback_submitted', false);
`;

const SET_FLAG = `
UPDATE status_flags
SET value = true
WHERE key = 'feedback_submitted';
`;

test("the description's walk-through, word for word: create, insert the flag, watch it send, set the flag, watch it stop", async () => {
  const database = await freshDatabase();
  const port = await freePort();
  const program = runProgram(["start"], { DATABASE_URL: database.url, PORT: String(port) });
  await program.says("🟢 Scheduler started");
  const base = `http://127.0.0.1:${port}`;

  // 1. Create a reminder with a stop condition
  const created = await fetch(`${base}/reminders/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: CREATE_REMINDER,
  });
  expect(created.status).toBe(201);
  expect(await created.json()).toMatchObject({
    id: 1,
    ...JSON.parse(CREATE_REMINDER),
    status: "ACTIVE",
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  });

  // 2. Insert a status flag (initially false)
  await database.query(INSERT_FLAG);

  // 3. Watch the scheduler trigger reminders: every minute
  const sentCount = async (): Promise<number> =>
    (await database.query("select from deliveries where status = 'sent' and demo")).length;
  for (const minute of [1, 2, 3]) {
    await advance(database, { minutes: 1 });
    await until(async () => (await sentCount()) === minute, `message ${minute} is sent`);
  }
  expect(program.output()).toContain("interviewer");
  expect(program.output()).toContain("INT_100");
  const reminders = (await (await fetch(`${base}/reminders/`)).json()) as { status: string }[];
  expect(reminders.map((reminder) => reminder.status)).toEqual(["ACTIVE"]);

  // 4. Complete the reminder by updating the flag
  await database.query(SET_FLAG);

  // 5. Watch the scheduler auto-complete the reminder
  await until(async () => {
    const [reminder] = (await (await fetch(`${base}/reminders/`)).json()) as { status: string }[];
    return reminder?.status === "COMPLETED";
  }, "the reminder is COMPLETED");
  await advance(database, { minutes: 30 });
  const other = await fetch(`${base}/reminders/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: CREATE_REMINDER.replace('"recurring"', '"one_time"').replace('"interval_minutes": 1,', ""),
  });
  expect(other.status).toBe(201);
  await until(
    async () => (await database.query("select from reminder_jobs where status = 'COMPLETED'")).length === 2,
    "both are done",
  );
  expect(await sentCount()).toBe(3);
});
