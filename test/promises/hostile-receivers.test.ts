import type { Socket } from "node:net";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { emailChannel, unhurried } from "../support/email.ts";
import {
  dripping,
  endless,
  flood,
  GIGABYTE,
  gigabyte,
  type Hostility,
  later,
  silent,
  startHostile,
} from "../support/hostile-smtp.ts";
import { exampleMessage } from "../support/message.ts";
import { sinkChannel } from "../support/sink.ts";
import { polite, startScript, startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const OTHERS = 50;
/** Several times what the hostile one gets to hold at once. */
const FOR_THE_HOSTILE = 20;
const MEGABYTE = 1024 ** 2;
/** What a hostile receiver gets rid of before it is hung up on: our limit, and what the two ends' buffers hold. */
const MOST_TAKEN = 16 * MEGABYTE;
/** One that had to wait for a hostile receiver to be given up would be late by 15 seconds. */
const GRACE_MS = 5_000;

/** As a channel of this name, beside others of its kind: two mail servers, as far as the engine is concerned. */
const named = (name: string, channel: Channel): Channel => ({ ...channel, name });

test.each<[string, Hostility, { floods: boolean }]>([
  ["takes the connection and says nothing", silent, { floods: false }],
  ["drips a byte every second", dripping, { floods: false }],
  ["never ends its greeting", endless, { floods: true }],
  ["greets with a gigabyte", gigabyte, { floods: true }],
  ["says nothing to the message", later(silent), { floods: false }],
  ["drips its answer to the message", later(dripping), { floods: false }],
  ["never ends its answer to the message", later(endless), { floods: true }],
  ["answers the message with a gigabyte", later(gigabyte), { floods: true }],
])(
  "P7: a mail server that %s delays neither another channel nor another mail server",
  async (_, hostility, { floods }) => {
    const [{ database, insert, deliveries }, hostile, smtp] = await Promise.all([
      world(),
      startHostile(hostility),
      startSmtp({ disabledCommands: ["STARTTLS", "AUTH"] }),
    ]);
    const bad = named("bad-mail", emailChannel({ port: hostile.port }));
    const good = named("good-mail", emailChannel({ port: smtp.port }));
    const sink = sinkChannel();
    /** Has the other channel and the other mail server send, and tells by how much the latest was late. */
    const lateness = async (): Promise<number> => {
      const ids: number[] = [];
      for (let n = 0; n < OTHERS; n += 1) {
        ids.push(await insert({ channel: n % 2 === 0 ? good.name : sink.name, run_at: new Date() }));
      }
      const rows = await until(async () => {
        const sent = await database.query<{ ms: number }>(
          `select extract(epoch from finished_at - occurrence_at)::float8 * 1000 as ms
             from deliveries where status = 'sent' and reminder_id = any($1)`,
          [ids],
        );
        return sent.length === OTHERS && sent;
      }, "the others are sent");
      return Math.max(...rows.map(({ ms }) => ms));
    };
    const bytesBefore = process.memoryUsage.rss();
    let bytesAtMost = 0;
    const watching = setInterval(() => {
      bytesAtMost = Math.max(bytesAtMost, process.memoryUsage.rss());
    }, 20);
    const worker = startWorker({
      database: workerDatabase(database),
      channels: channelMap([bad, good, sink]),
      log: pino({ level: "silent" }),
    });
    onTestFinished(async () => {
      clearInterval(watching);
      await worker.stop();
    });
    const latenessWithout = await lateness();

    for (let n = 0; n < FOR_THE_HOSTILE; n += 1) await insert({ channel: bad.name, run_at: new Date() });
    await until(() => hostile.connections >= bad.concurrency, "the hostile one has all the connections that it gets");

    expect(await lateness()).toBeLessThan(GRACE_MS + 2 * latenessWithout);
    expect(hostile.open).toBeLessThanOrEqual(bad.concurrency);
    if (floods) {
      // Hung up on, and told apart from silence: to be tried again, with the reason.
      const [one] = await until(
        () => database.query<{ reminder_id: number }>("select reminder_id from deliveries where status = 'retrying'"),
        "one of its messages is put back",
      );
      expect((await deliveries(one?.reminder_id as number))[0]?.reason).toMatch(/127\.0\.0\.1/);
      expect(Math.max(...hostile.bytesTaken)).toBeLessThan(MOST_TAKEN);
    }
    expect(bytesAtMost - bytesBefore).toBeLessThan(GIGABYTE / 4);
  },
);

test("P7: a mail server that floods a session while nothing is asked of it is hung up on, and costs no message", async () => {
  const flooded: Socket[] = [];
  const server = await startScript((line, socket) => {
    if (line === "." && flooded.length === 0) {
      flooded.push(socket);
      setImmediate(() => flood(socket, Buffer.alloc(64 * 1024, "2")));
    }
    return polite(line);
  });
  const email = emailChannel({ port: server.port });

  await email.send(exampleMessage(), unhurried);
  await until(() => flooded[0]?.destroyed, "it is hung up on");
  await email.send(exampleMessage(), unhurried);

  const [socket] = flooded;
  expect((socket?.bytesWritten ?? GIGABYTE) - (socket?.writableLength ?? 0)).toBeLessThan(MOST_TAKEN);
  expect(server.lines.filter((line) => line === ".")).toHaveLength(2);
});
