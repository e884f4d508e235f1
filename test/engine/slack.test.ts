import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { createSlackChannel } from "../../src/channels/slack/slack.ts";
import { Threads } from "../../src/engine/threads.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { BOT_TOKEN, CHANNEL, type SlackServer, startSlack } from "../support/slack.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const OTHER_CHANNEL = "C0000000002";

function workOn({ database }: World, { apiUrl }: SlackServer, concurrency = 5): void {
  const threads = new Threads(workerDatabase(database), "slack");
  const slack = createSlackChannel({
    ...{ account: { via: "bot", token: BOT_TOKEN }, apiUrl, concurrency, http: loopbackHttp() },
    lastSent: (id, recipient) => threads.lastSent(id, recipient),
  });
  const worker = startWorker({
    database: workerDatabase(database),
    channels: channelMap([slack]),
    log: pino({ level: "silent" }),
  });
  onTestFinished(() => worker.stop());
}

test("all messages of a reminder to one recipient are one thread, and to another one are another", async () => {
  const [here, slack] = [await world(), await startSlack()];
  workOn(here, slack);
  const id = await here.insert({ channel: "slack", recipient: CHANNEL, run_at: new Date() });
  const sent = (count: number) =>
    until(async () => {
      const rows = await here.deliveries(id);
      return rows.length === count && rows.every(({ status }) => status === "sent");
    }, `${count} are sent`);

  for (let count = 1; count <= 3; count += 1) {
    await sent(count);
    await here.advance({ minutes: 60 });
  }
  await sent(4);
  await here.database.query("update reminder_jobs set recipient = $2 where id = $1", [id, OTHER_CHANNEL]);
  await here.advance({ minutes: 60 });
  await sent(5);

  const [first, ...others] = slack.messages;
  expect(first?.thread_ts).toBeUndefined();
  expect(others.map(({ thread_ts }) => thread_ts)).toEqual([first?.ts, first?.ts, first?.ts, undefined]);
  expect((await here.deliveries(id)).map(({ provider_id }) => provider_id)).toEqual([
    `${CHANNEL}/${first?.ts}`,
    ...others.slice(0, 3).map(({ ts }) => `${CHANNEL}/${ts}/${first?.ts}`),
    `${OTHER_CHANNEL}/${others[3]?.ts}`,
  ]);
});

test("what waits for its second in a busy channel holds no place from another one, and uses no attempt up", async () => {
  const [here, slack] = [await world(), await startSlack()];
  for (let n = 0; n < 4; n += 1) await here.insert({ channel: "slack", recipient: CHANNEL, run_at: new Date() });
  const other = await here.insert({ channel: "slack", recipient: OTHER_CHANNEL, run_at: new Date() });

  workOn(here, slack, 1);

  await here.deliveryBecomes(other, "sent");
  expect(slack.messages.filter(({ channel }) => channel === CHANNEL).length).toBeLessThan(4);
  await until(() => slack.messages.length === 5, "all are sent");
  const times = slack.messages.filter(({ channel }) => channel === CHANNEL).map(({ atMs }) => atMs);
  expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThan(2_700);
  await until(async () => {
    const rows = await here.database.query("select attempts, status from deliveries");
    return rows.every(({ attempts, status }) => attempts === 1 && status === "sent");
  }, "each took one attempt");
});
