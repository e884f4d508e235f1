import { beforeAll, expect, test } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { holding } from "../support/holding.ts";
import { buildProgram, runProgram } from "../support/program.ts";
import { ANN, BOT_TOKEN, startSlack } from "../support/slack.ts";
import { polite, startScript } from "../support/smtp.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const LOCK = 4711;

/** What would go over another channel waits in its transaction, after the result has been written there. */
const WAIT_THERE = [
  `create function wait_there() returns trigger language plpgsql as $$
     begin
       if new.recipient_no >= 1000 then perform pg_advisory_xact_lock(${LOCK}); end if;
       return new;
     end $$`,
  "create trigger wait_there before insert on deliveries for each row execute function wait_there()",
];
const WAITS = `
  select from pg_locks
   where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`;

test("P5: killed between the result and its fallback, a worker leaves neither, and the next one makes both, once", async () => {
  const [database, slack] = [await freshDatabase(), await startSlack()];
  const smtp = await startScript((line) => (line.startsWith("RCPT") ? "550 5.1.1 no such user" : polite(line)));
  for (const statement of WAIT_THERE) await database.query(statement);
  await database.query(
    `insert into contacts (entity_type, entity_id, email, addresses)
     values ('person', 'ann', 'ann@example.org', $1)`,
    [{ slack: ANN }],
  );
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, run_at)
     values ('person', 'ann', 'payment', 'email', 'one_time', now())`,
  );
  const env = {
    ...{ DATABASE_URL: database.url, SMTP_HOST: "127.0.0.1", SMTP_PORT: String(smtp.port), SMTP_TLS: "off" },
    ...{ SMTP_FROM_EMAIL: "noreply@company.example", SLACK_BOT_TOKEN: BOT_TOKEN, SLACK_API_URL: slack.apiUrl },
    ...{ OUTGOING_ALLOW: "127.0.0.1", OUTGOING_PORTS: "1024-65535", CHANNEL_FALLBACKS: "email:slack" },
  };
  const deliveries = () => database.query("select recipient_no, channel, status from deliveries order by recipient_no");

  const release = await holding(database, `select pg_advisory_xact_lock(${LOCK})`);
  const first = runProgram(["worker"], env);
  await until(async () => (await database.query(WAITS)).length > 0, "the result is written, and its fallback waits");
  first.kill("SIGKILL");
  await first.ended;
  await release();
  await until(async () => (await database.query(WAITS)).length === 0, "nobody waits any more");
  expect(await deliveries()).toEqual([{ recipient_no: 0, channel: "email", status: "sending" }]);
  expect(await database.query("select from reminder_events")).toEqual([]);

  runProgram(["worker"], env);
  await until(
    async () => (await database.query("select from reminder_jobs where status = 'COMPLETED'")).length === 1,
    "it is done",
  );
  expect(await deliveries()).toEqual([
    { recipient_no: 0, channel: "email", status: "failed" },
    { recipient_no: 1_000, channel: "slack", status: "sent" },
  ]);
  expect(slack.messages).toHaveLength(1);
  const events = await database.query("select type from reminder_events order by id");
  expect(events.map(({ type }) => type)).toEqual(["failed", "fell_back", "completed"]);
});
