import { beforeAll, expect, test } from "vitest";
import { DEFAULT_SETTINGS } from "../../src/engine/settings.ts";
import type { Database } from "../../src/store/postgres.ts";
import { startReceiver } from "../outgoing/receiver.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { answer, type HttpReceiver, startHttpReceiver } from "../support/http-receiver.ts";
import { buildProgram, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const [ANN, BOB] = ["+4915112345678", "+4915112345679"];
const TAKEN = answer(201, { "content-type": "application/json" }, JSON.stringify({ sid: `SM${"0".repeat(32)}` }));

/** A worker that sends SMS one after the other. */
function startWorker(database: Database & { url: string }, twilio: { url: string }) {
  return runProgram(["worker"], {
    ...{ DATABASE_URL: database.url, TWILIO_API_URL: twilio.url, TWILIO_ACCOUNT_SID: `AC${"0".repeat(32)}` },
    ...{ TWILIO_AUTH_TOKEN: "0123456789abcdef0123456789abcdef", SMS_FROM: "+4915799999999", SMS_CONCURRENCY: "1" },
    ...{ OUTGOING_ALLOW: "127.0.0.1", OUTGOING_PORTS: "1024-65535" },
  });
}

const phones = ({ received }: HttpReceiver) => received.map(({ body }) => new URLSearchParams(body).get("To"));

test("P6: an SMS that may have left when its worker died is unknown and never comes again; what waited behind it is sent", async () => {
  const [database, twilio] = await Promise.all([freshDatabase(), startHttpReceiver()]);
  // It has the message, and doesn't say so.
  twilio.behave = () => {};
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
     select 'invoice', phone, 'payment', 'sms', phone, 'recurring', 60, reminder_now() + place * interval '1 millisecond'
       from unnest($1::text[]) with ordinality as u(phone, place)`,
    [[ANN, BOB]],
  );
  const first = startWorker(database, twilio);
  await until(() => twilio.received.length > 0, "the first SMS is with its provider");
  const held = "select from deliveries where status = 'sending'";
  await until(async () => (await database.query(held)).length === 2, "it holds the second, too");
  first.kill("SIGKILL");
  await first.ended;

  twilio.behave = TAKEN;
  await advance(database, { seconds: DEFAULT_SETTINGS.leaseSeconds });
  const second = startWorker(database, twilio);
  await until(async () => (await database.query(held)).length === 0, "nothing is on its way");
  expect(phones(twilio)).toEqual([ANN, BOB]);
  expect(await database.query("select recipient, status, attempts, reason from deliveries order by recipient")).toEqual(
    [
      { recipient: ANN, status: "unknown", attempts: 1, reason: expect.stringContaining("isn't sent again by itself") },
      { recipient: BOB, status: "sent", attempts: 2, reason: null },
    ],
  );
  expect(await database.query("select type from reminder_events where type <> 'created'")).toContainEqual({
    type: "unknown",
  });

  // It is reminded of as before: only that message doesn't come again.
  await advance(database, { minutes: 60 });
  await until(() => twilio.received.length === 4, "both come at their next time");
  expect(phones(twilio).slice(2).toSorted()).toEqual([ANN, BOB]);
  second.kill("SIGTERM");
  await second.ended;
});

test("P5: an SMS that can't have left when its worker died, as nobody had been reached, is sent by the next", async () => {
  const [database, silent, twilio] = await Promise.all([freshDatabase(), startReceiver(() => {}), startHttpReceiver()]);
  twilio.behave = TAKEN;
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
     values ('invoice', 'INV_1', 'payment', 'sms', $1, 'one_time', reminder_now())`,
    [ANN],
  );
  // It accepts connections, and never says a word of TLS.
  const first = startWorker(database, { url: silent.url.replace("http", "https") });
  await until(() => silent.connections > 0, "the SMS is about to leave");
  first.kill("SIGKILL");
  await first.ended;

  await advance(database, { seconds: DEFAULT_SETTINGS.leaseSeconds });
  const second = startWorker(database, twilio);
  const ended = "select status from deliveries where status not in ('pending', 'sending', 'retrying')";
  await until(async () => (await database.query(ended)).length === 1, "it has ended");
  expect(await database.query(ended)).toEqual([{ status: "sent" }]);
  expect(phones(twilio)).toEqual([ANN]);
  second.kill("SIGTERM");
  await second.ended;
});
