import { expect, test } from "vitest";
import { Permanent, Retryable } from "../../src/channels/channel.ts";
import { DEFAULT_RETRY } from "../../src/core/retry.ts";
import { FIRE_AHEAD_MS, FRESH_MS } from "../../src/engine/settings.ts";
import { DELIVERED } from "../support/sink.ts";
import { outlast, until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const MINUTE = 60_000;

test("a recurring reminder is sent at each due instant and stops once its flag is set", async () => {
  const { insert, work, advance, sink, setFlag, becomes, deliveries, events } = await world();
  const id = await insert({
    interval_minutes: 60,
    stop_condition_type: "db_check",
    stop_condition_value: "paid:{entity_id}",
    entity_id: "42",
  });
  work();

  await advance({ minutes: 60 });
  await until(() => sink.received.length === 1, "the first message is sent");
  await advance({ minutes: 60 });
  await until(() => sink.received.length === 2, "the second message is sent");
  await setFlag("paid:42", true);

  await becomes(id, { status: "COMPLETED", completion_reason: "stop_condition", next_run_at: null });
  await advance({ minutes: 600 });
  expect(sink.received.map((message) => message.occurrenceNumber)).toEqual([1, 2]);
  await until(async () => (await deliveries(id)).every((row) => row.status === "sent"), "both results are stored");
  expect(await events(id)).toMatchObject([{ type: "completed", because: 'flag "paid:42" is set' }]);
});

test("created after its flag was set, a reminder completes when it is due, without a message", async () => {
  const { database, insert, work, advance, sink, setFlag, becomes, reminder } = await world();
  work();
  await setFlag("done", true);
  const isSettled = async () => (await database.query("select from status_flags where unsettled")).length === 0;
  await until(isSettled, "the flag is settled");

  const id = await insert({ interval_minutes: 60, stop_condition_type: "db_check", stop_condition_value: "done" });
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE" });
  await advance({ minutes: 60 });

  await becomes(id, { status: "COMPLETED", completion_reason: "stop_condition", occurrence_count: 0 });
  expect(sink.received).toEqual([]);
});

test("a one-time reminder stays ACTIVE until its message is sent, then completes", async () => {
  const { insert, work, sink, becomes, reminder, deliveryBecomes } = await world();
  let answer: (() => void) | undefined;
  sink.behave = () =>
    new Promise((resolve) => {
      answer = () => resolve(DELIVERED);
    });
  const id = await insert({ schedule_type: "one_time", interval_minutes: null });
  work();

  await until(() => answer, "the message is under way");
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE", next_run_at: null, occurrence_count: 1 });
  answer?.();

  await becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 1, lease_token: null, next_attempt_at: null });
  expect(sink.received).toHaveLength(1);
});

test("due instants keep to the schedule however late they fire, and what was missed gets one catch-up", async () => {
  const { insert, work, advance, sink, reminder, events, becomes } = await world();
  const id = await insert({ interval_minutes: 60 });
  const firstDue = (await reminder(id)).next_run_at as number;
  await advance({ minutes: 60 * 5 + 7 });

  work();
  await becomes(id, { occurrence_count: 1 });

  expect(await reminder(id)).toMatchObject({ last_occurrence_at: firstDue, next_run_at: firstDue + 5 * 60 * MINUTE });
  expect(await events(id)).toMatchObject([{ type: "missed", details: { occurrences: 4 } }]);
  await until(() => sink.received.length === 1, "the catch-up is sent");
  await advance({ minutes: 60 });
  await becomes(id, { occurrence_count: 2 });
  await until(() => sink.received.length === 2, "the next regular message is sent");
});

test("a failing receiver is tried again with growing waits until the attempts are used up, and the schedule goes on", async () => {
  const { insert, work, advance, sink, deliveryBecomes, reminder, events, deliveries } = await world();
  sink.behave = () => {
    throw new Retryable("mailbox busy");
  };
  const id = await insert({ interval_minutes: 600, run_at: new Date() });
  work({ retry: { maxAttempts: 3, baseSeconds: 60, factor: 2, capSeconds: 3600 } });

  await deliveryBecomes(id, "retrying");
  await advance({ minutes: 2 });
  await until(async () => (await deliveries(id))[0]?.attempts === 2, "the second try has begun");
  await deliveryBecomes(id, "retrying");
  await advance({ minutes: 4 });
  const failed = await deliveryBecomes(id, "failed");

  expect(failed).toMatchObject({ attempts: 3, reason: "gave up after 3 delivery attempts: mailbox busy" });
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE", occurrence_count: 1 });
  expect((await events(id)).map((event) => event.type)).toEqual(["attempt_failed", "attempt_failed", "failed"]);
  expect(new Set(sink.received.map((message) => message.idempotencyKey)).size).toBe(1);
  sink.behave = () => DELIVERED;
  await advance({ minutes: 600 });
  await deliveryBecomes(id, "sent");
});

test("a permanent failure is not tried again; a one-time reminder completes with the reason", async () => {
  const { insert, work, sink, becomes, deliveryBecomes } = await world();
  sink.behave = () => {
    throw new Permanent("no such mailbox");
  };
  const id = await insert({ schedule_type: "one_time", interval_minutes: null });

  work();

  await becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await deliveryBecomes(id, "failed")).toMatchObject({ reason: "no such mailbox", attempts: 1 });
});

test("P3: a flag set while the message waits for its retry suppresses it", async () => {
  const { insert, work, advance, sink, setFlag, deliveryBecomes, becomes } = await world();
  sink.behave = () => {
    throw new Retryable("try later");
  };
  const id = await insert({
    schedule_type: "one_time",
    interval_minutes: null,
    stop_condition_type: "db_check",
    stop_condition_value: "done",
  });
  const worker = work();
  await deliveryBecomes(id, "retrying");
  await worker.stop();

  await setFlag("done", true);
  await advance({ minutes: 10 });
  work();

  expect(await deliveryBecomes(id, "suppressed")).toMatchObject({ reason: 'flag "done" is set' });
  await becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
  expect(sink.received).toHaveLength(1);
});

test("P3: a flag set while messages queue behind a slow receiver stops those that have not left", async () => {
  const { insert, work, sink, setFlag, database } = await world({ concurrency: 1 });
  let release: (() => void) | undefined;
  sink.behave = () =>
    new Promise((resolve) => {
      release = () => resolve(DELIVERED);
    });
  for (let n = 0; n < 5; n += 1) {
    await insert({ run_at: new Date(), stop_condition_type: "db_check", stop_condition_value: "done" });
  }
  work();
  await until(() => sink.received.length === 1 && release, "the first message is under way");

  await setFlag("done", true);
  await until(
    async () => (await database.query("select from reminder_jobs where status = 'COMPLETED'")).length === 5,
    "all are completed",
  );
  await outlast();
  release?.();

  await until(
    async () => (await database.query("select from deliveries where status = 'suppressed'")).length === 4,
    "the others are suppressed",
  );
  expect(sink.received).toHaveLength(1);
});

test("a newer occurrence takes the place of one that still waits for its retry", async () => {
  const { insert, work, advance, sink, deliveries, deliveryBecomes, becomes } = await world();
  sink.behave = () => {
    throw new Retryable("try later");
  };
  const id = await insert({ interval_minutes: 1 });
  work({ retry: { maxAttempts: 5, baseSeconds: 90, factor: 4, capSeconds: 3600 } });
  await advance({ seconds: 61 });
  await deliveryBecomes(id, "retrying");

  sink.behave = () => DELIVERED;
  await advance({ seconds: 60 });
  await becomes(id, { occurrence_count: 2 });
  await deliveryBecomes(id, "sent");
  await advance({ seconds: 55 });

  await until(async () => (await deliveries(id))[0]?.status === "suppressed", "the older one is suppressed");
  expect((await deliveries(id))[0]).toMatchObject({ attempts: 1, reason: expect.stringContaining("newer occurrence") });
});

test("a one-time reminder paused while it waits for a retry is sent after it is resumed", async () => {
  const { insert, work, advance, sink, database, deliveryBecomes, becomes } = await world();
  sink.behave = () => {
    throw new Retryable("try later");
  };
  const id = await insert({ schedule_type: "one_time", interval_minutes: null });
  work();
  await deliveryBecomes(id, "retrying");

  await database.query("update reminder_jobs set status = 'PAUSED' where id = $1", [id]);
  await advance({ minutes: 5 });
  await deliveryBecomes(id, "suppressed");
  sink.behave = () => DELIVERED;
  await database.query("update reminder_jobs set status = 'ACTIVE' where id = $1", [id]);

  await becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect(sink.received).toHaveLength(2);
});

test("a reminder for a channel that isn't there fails visibly and hinders nobody", async () => {
  const { insert, work, becomes, deliveryBecomes, sink, advance, reminder } = await world();
  const lost = await insert({ channel: "pigeon", schedule_type: "one_time", interval_minutes: null });
  const fine = await insert({ schedule_type: "one_time", interval_minutes: null });

  work();

  await becomes(fine, { status: "COMPLETED", completion_reason: "one_time_sent" });
  // For a minute it waits for a worker that has the channel: one of a newer version, perhaps.
  expect(await reminder(lost)).toMatchObject({ status: "ACTIVE", occurrence_count: 0 });
  await advance({ seconds: 61 });
  await becomes(lost, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await deliveryBecomes(lost, "failed")).toMatchObject({
    reason: 'there is no channel "pigeon" here; there are: sink',
  });
  expect(sink.received).toHaveLength(1);
});

test("a row removed by hand while its message waits ends the message", async () => {
  const { insert, work, advance, sink, database, deliveryBecomes } = await world();
  sink.behave = () => {
    throw new Retryable("try later");
  };
  const id = await insert({ schedule_type: "one_time", interval_minutes: null });
  work();
  await deliveryBecomes(id, "retrying");

  await database.query("delete from reminder_jobs where id = $1", [id]);
  await advance({ minutes: 5 });

  expect(await deliveryBecomes(id, "suppressed")).toMatchObject({ reason: "the reminder's row was removed" });
  expect(sink.received).toHaveLength(1);
});

test("P3: a flag set while the channel is still connecting stops the message", async () => {
  const { insert, work, sink, setFlag, deliveryBecomes, becomes } = await world();
  let connected: (() => void) | undefined;
  sink.connect = () =>
    new Promise((resolve) => {
      connected = resolve;
    });
  const id = await insert({ run_at: new Date(), stop_condition_type: "db_check", stop_condition_value: "done" });
  work();
  await until(() => connected, "the channel is connecting");

  await setFlag("done", true);
  await becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
  await outlast();
  connected?.();

  expect(await deliveryBecomes(id, "suppressed")).toMatchObject({ reason: 'flag "done" is set' });
  expect(sink.received).toHaveLength(0);
});

test("P3: what was read before a message leaves is younger than a stop may take to be heeded", () => {
  expect(FRESH_MS + FIRE_AHEAD_MS).toBeLessThan(250);
});

test("a due instant moved by hand onto an earlier occurrence fires once more and holds up nobody", async () => {
  const { database, insert, work, sink, becomes, deliveries } = await world();
  const moved = await insert({ run_at: new Date() });
  work();
  await becomes(moved, { occurrence_count: 1 });
  // One that still waited would give its place to the next.
  await until(() => sink.received.length === 1, "its message is sent");

  await database.query("update reminder_jobs set next_run_at = last_occurrence_at where id = $1", [moved]);
  const other = await insert({ run_at: new Date() });

  await becomes(other, { occurrence_count: 1 });
  await becomes(moved, { occurrence_count: 2 });
  await until(() => sink.received.length === 3, "all are sent");
  expect(await deliveries(moved)).toHaveLength(2);
});

test("a row that can't be fired is set aside with the reason, and holds up nobody", async () => {
  const { database, insert, work, becomes, events, sink } = await world();
  const broken = await insert({ run_at: new Date() });
  // As after a truncation with "restart identity": the ledger has its occurrence already.
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status)
     select tenant_id, bucket, id, next_run_at, channel, 'sent' from reminder_jobs where id = $1`,
    [broken],
  );
  const others = [await insert({ run_at: new Date() }), await insert({ run_at: new Date() })];

  work();

  for (const other of others) await becomes(other, { occurrence_count: 1 });
  await becomes(broken, { status: "PAUSED" });
  expect(await events(broken)).toMatchObject([{ type: "paused", because: expect.stringContaining("can't be fired") }]);
  await until(() => sink.received.length === 2, "the others are sent");
});

test("a one-time reminder paused while its message is in flight is done once that has arrived", async () => {
  const { database, insert, work, sink, becomes } = await world();
  let answer: (() => void) | undefined;
  sink.behave = () =>
    new Promise((resolve) => {
      answer = () => resolve(DELIVERED);
    });
  const id = await insert({ schedule_type: "one_time", interval_minutes: null });
  work();
  await until(() => answer, "the message is under way");

  await database.query("update reminder_jobs set status = 'PAUSED' where id = $1", [id]);
  answer?.();

  await becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
});

test("a message whose attempts were all cut short ends as failed after as many as are allowed, however often that is found out", async () => {
  const { database, insert, work, sink, deliveryBecomes } = await world();
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, attempts, next_attempt_at)
     select tenant_id, bucket, id, next_run_at, channel, 'sending', 4, reminder_now() from reminder_jobs where id = $1`,
    [id],
  );
  await database.query(
    "update reminder_jobs set last_occurrence_at = next_run_at, next_run_at = null, occurrence_count = 1 where id = $1",
    [id],
  );

  work({ retry: { maxAttempts: 3, baseSeconds: 15, factor: 4, capSeconds: 3600 } });

  expect(await deliveryBecomes(id, "failed")).toMatchObject({
    attempts: 3,
    reason:
      "gave up after 3 delivery attempts: during the last one the worker died or was cut off, so whether the message arrived is unknown",
  });
  expect(sink.received).toHaveLength(0);
});

test("where each occurrence has its message, and an older one is held back as the last of all, the reminder is done", async () => {
  const { database, insert, work, sink, advance, becomes, deliveryBecomes, deliveries, events, reminder } =
    await world();
  sink.behave = () => {
    if (sink.received.length === 1) throw new Retryable("busy");
    return DELIVERED;
  };
  const id = await insert({ run_at: new Date(), misfire_policy: "all", max_occurrences: 2 });
  work({ retry: { ...DEFAULT_RETRY, baseSeconds: 3_600, capSeconds: 3_600 } });
  await deliveryBecomes(id, "retrying");
  await database.query(
    `update reminder_jobs
        set silent_by = 'snooze', silent_until = reminder_now() + interval '1 minute',
            next_run_at = reminder_now() + interval '1 minute'
      where id = $1`,
    [id],
  );
  await advance({ minutes: 1 });
  await deliveryBecomes(id, "sent");
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE", next_run_at: null });

  await advance({ minutes: 90 });

  await becomes(id, { status: "COMPLETED", completion_reason: "max_occurrences" });
  expect((await deliveries(id)).map(({ status }) => status)).toEqual(["suppressed", "sent"]);
  // By the message itself, and not later, by maintenance.
  expect((await events(id)).at(-1)).toMatchObject({ type: "completed", because: "its last message has ended" });
});
