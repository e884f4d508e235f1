import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { DEFAULT_SETTINGS } from "../../src/engine/settings.ts";
import type { Database } from "../../src/store/postgres.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, type Program, runProgram } from "../support/program.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const TEN_MINUTES_MS = 600_000;
const RETRY_SECONDS = 2;
const PRELOAD = `--import ${fileURLToPath(new URL("../support/preload/clock-off.mjs", import.meta.url))}`;

/** A mail server that keeps when what came, by the right clock, and whom the tests tell what to do with some of it. */
async function receiver() {
  const arrivals: { to: string; at: number }[] = [];
  let busy = 1;
  let answer: () => void = () => {};
  const heldUp = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const smtp = await startSmtp({
    disabledCommands: ["STARTTLS", "AUTH"],
    async onRcptTo({ address }, _session, callback) {
      arrivals.push({ to: address, at: Date.now() });
      if (address === "busy@example.org" && busy-- > 0) {
        callback(Object.assign(new Error("try later"), { responseCode: 451 }));
        return;
      }
      if (address === "slow@example.org") await heldUp;
      callback();
    },
  });
  const env = {
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String(smtp.port),
    SMTP_TLS: "off",
    SMTP_FROM_EMAIL: "a@example.org",
  };
  return { arrivals, smtp, answer, env, to: (address: string) => arrivals.filter(({ to }) => to === address) };
}

async function create(api: Program, recipient: string, fields: Record<string, unknown>): Promise<{ id: number }> {
  const response = await fetch(new URL("/reminders/", api.told("API")), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      entity_type: "invoice",
      entity_id: `${recipient}:${Math.random()}`,
      event_type: "payment",
      channel: "email",
      recipient,
      schedule_type: "one_time",
      ...fields,
    }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as { id: number };
}

async function insertDue(database: Database, recipient: string): Promise<void> {
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
     values ('invoice', $1, 'payment', 'email', $1, 'one_time', reminder_now())`,
    [recipient],
  );
}

/** An instant by the right clock, which is the database's. */
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

test("P4: an API and workers whose clock is ten minutes off create, send and try again at the database's instants", async () => {
  await Promise.all([TEN_MINUTES_MS, -TEN_MINUTES_MS].map(liveWithClockOff));
});

/** The API and one worker with this clock, and a worker whose clock is wrong the other way. */
async function liveWithClockOff(offMs: number): Promise<void> {
  const [database, mail] = await Promise.all([freshDatabase(), receiver()]);
  const env = {
    ...mail.env,
    DATABASE_URL: database.url,
    NODE_OPTIONS: PRELOAD,
    CLOCK_OFF_MS: String(offMs),
    RETRY_BASE_SECONDS: String(RETRY_SECONDS),
  };
  const [api, worker, other] = [
    runProgram(["api"], env),
    runProgram(["worker"], env),
    runProgram(["worker"], { ...env, CLOCK_OFF_MS: String(-offMs) }),
  ];
  await api.says("API:");
  await Promise.all([worker, other].map((program) => program.says("🟢 Scheduler started")));

  // The other worker is there to take over whatever it takes for abandoned.
  await create(api, "slow@example.org", { run_at: inMs(0) });
  await until(() => mail.to("slow@example.org").length === 1, "one is under way, for longer than a lease");
  const underWayAt = performance.now();
  await create(api, "busy@example.org", { run_at: inMs(0) });
  await create(api, "past@example.org", { run_at: inMs(-TEN_MINUTES_MS / 2) });
  const soon = Array.from({ length: 20 }, (_, n) => ({ to: `soon-${n}@example.org`, at: inMs(n * 150) }));
  for (const { to, at } of soon) await create(api, to, { run_at: at });
  // Within ten minutes: a fast clock would think it due.
  const later = await create(api, "later@example.org", { run_at: inMs(TEN_MINUTES_MS / 2) });
  const hourly = await create(api, "hourly@example.org", { schedule_type: "recurring", interval_minutes: 9 });
  const leaseMs = DEFAULT_SETTINGS.leaseSeconds * 1000;
  await until(() => performance.now() - underWayAt > leaseMs + 2_000, "a lease would long have run out");
  mail.answer();

  const sent = "select from deliveries where status = 'sent'";
  await until(async () => (await database.query(sent)).length === 23, "all that is due is sent");
  const early = soon.filter(({ to, at }) => mail.to(to).some((arrival) => arrival.at < Date.parse(at)));
  expect(early).toEqual([]);
  // Far less than a clock that is slow by ten minutes would cost, far more than a busy machine does.
  const late =
    "select from deliveries where created_at > occurrence_at + interval '1 minute' and recipient not like 'past%'";
  expect(await database.query(late)).toEqual([]);
  expect(
    await database.query(
      "select from reminder_jobs where created_at not between now() - interval '2 minutes' and now()",
    ),
  ).toEqual([]);
  const [refusedAt, againAt] = mail.to("busy@example.org").map(({ at }) => at);
  const waitedSeconds = ((againAt as number) - (refusedAt as number)) / 1000;
  expect(waitedSeconds).toBeGreaterThan(RETRY_SECONDS * 0.79);
  expect(waitedSeconds).toBeLessThan(60);
  expect(mail.to("slow@example.org"), "never taken over").toHaveLength(1);
  expect(mail.smtp.received).toHaveLength(23);
  const waiting = await database.query<{ id: number; minutes: string }>(
    "select id, round(extract(epoch from next_run_at - created_at) / 60) as minutes from reminder_jobs where status = 'ACTIVE' order by id",
  );
  expect(waiting).toEqual([
    { id: later.id, minutes: "5" },
    { id: hourly.id, minutes: "9" },
  ]);
}

test.each([
  ["fast", TEN_MINUTES_MS],
  ["slow", -TEN_MINUTES_MS],
])(
  "P5: a worker whose clock is ten minutes %s takes over from a killed one when its lease ends, not before",
  async (_, offMs) => {
    const [database, mail] = await Promise.all([freshDatabase(), receiver()]);
    const env = { ...mail.env, DATABASE_URL: database.url };
    const victim = runProgram(["worker"], env);
    await victim.says("🟢 Scheduler started");
    await insertDue(database, "slow@example.org");
    await until(() => mail.arrivals.length === 1, "the message is under way");
    victim.kill("SIGKILL");
    await victim.ended;
    // Longer than the heir takes to start on any machine.
    await database.query("update deliveries set next_attempt_at = reminder_now() + interval '100 seconds'");

    const heir = runProgram(["worker"], { ...env, NODE_OPTIONS: PRELOAD, CLOCK_OFF_MS: String(offMs) });
    await heir.says("🟢 Scheduler started");
    mail.answer();
    await insertDue(database, "other@example.org");
    await until(() => mail.smtp.received.length === 1, "the heir is at work");
    expect(mail.to("slow@example.org")).toHaveLength(1);
    await advance(database, { seconds: 100 });

    await until(() => mail.smtp.received.length === 2, "it is sent");
    expect(mail.to("slow@example.org")).toHaveLength(2);
  },
);
