import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { createEmailChannel } from "../../src/channels/email/email.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { Threads } from "../../src/engine/threads.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { exampleMessage } from "../support/message.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const DAY_MS = 86_400_000;

test("a reminder's messages are one thread for a week, then a new one; another recipient has another", async () => {
  const [here, smtp] = [await world(), await startSmtp()];
  const threads = new Threads(workerDatabase(here.database), "email");
  const email = createEmailChannel({
    from: { address: "noreply@company.example", name: "Reminders" },
    server: { host: "127.0.0.1", port: smtp.port, username: null, password: null, tls: "off" },
    ...{ concurrency: 5, print: () => {} },
    threadRoot: (message, afterDays) => threads.root(message, afterDays),
  });
  onTestFinished(() => email.close());
  const channels = channelMap([email]);
  const worker = startWorker({
    database: workerDatabase(here.database),
    channels,
    log: pino({ level: "silent" }),
  });
  onTestFinished(() => worker.stop());
  const everyDays = 3;
  const columns = {
    channel: "email",
    recipient: "ann@example.com",
    run_at: new Date(),
    interval_minutes: everyDays * 1440,
  };
  const id = await here.insert(columns);
  const sent = (count: number) =>
    until(async () => {
      const rows = await here.deliveries(id);
      return rows.length === count && rows.every(({ status }) => status === "sent");
    }, `${count} are sent`);

  for (let count = 1; count <= 5; count += 1) {
    await sent(count);
    await here.advance({ days: everyDays });
  }
  await sent(6);
  await here.database.query("update reminder_jobs set recipient = 'bob@example.com' where id = $1", [id]);
  await here.advance({ days: everyDays });
  await sent(7);

  const ids = smtp.received.map(({ mail }) => mail.messageId);
  // Days 0, 3 and 6 are the first thread, 9, 12 and 15 the second.
  expect(smtp.received.map(({ mail }) => mail.inReplyTo)).toEqual([
    ...[undefined, ids[0], ids[0], undefined, ids[3], ids[3], undefined],
  ]);
  expect(smtp.received.map(({ mail }) => mail.references)).toEqual(smtp.received.map(({ mail }) => mail.inReplyTo));
});

test("the thread of a message is found by what was sent, over months, and the same again for a retry", async () => {
  const here = await world();
  const createdAt = (Math.floor(Date.now() / DAY_MS) - 300) * DAY_MS;
  const at = (days: number) => new Date(createdAt + days * DAY_MS);
  const id = await here.insert({ channel: "email", recipient: "ann@example.com" });
  await here.database.query("select ensure_partitions($1, 16)", [new Date(createdAt)]);
  const sendings = [0, 1, 7, 8, 90, 91, 97, 98].map((day) => ({
    at: at(day),
    status: day === 97 ? "failed" : "sent",
  }));
  await here.database.query(
    `insert into deliveries (tenant_id, reminder_id, occurrence_at, bucket, channel, recipient, status)
     select 'default', $1, at, 0, 'email', 'ann@example.com', status from unnest($2::timestamptz[], $3::text[]) as u(at, status)`,
    [id, sendings.map((sending) => sending.at), sendings.map(({ status }) => status)],
  );
  const threads = new Threads(workerDatabase(here.database), "email");
  const rootOn = (day: number, afterDays = 7) =>
    threads.root(exampleMessage({ reminder: { id, createdAt }, occurrenceAt: at(day).getTime() }), afterDays);
  const dayOf = (root: string | null) => root && (Number(root.split("-")[1]) - createdAt) / DAY_MS;

  const days = [0, 1, 6.9, 7, 8, 13.9, 14, 91, 96, 97, 98, 99];
  expect((await Promise.all(days.map((day) => rootOn(day)))).map(dayOf)).toEqual([
    ...[null, 0, 0, null, 7, 7, null, 90, 90, null, null, 98],
  ]);
  expect(dayOf(await rootOn(96, 1))).toBe(null);
  expect(dayOf(await rootOn(91.5, 1))).toBe(91);
  expect(dayOf(await rootOn(99, 365))).toBe(0);
});
