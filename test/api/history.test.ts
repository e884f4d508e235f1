import { expect, test } from "vitest";
import { Permanent, Retryable } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startApi } from "../support/api.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const ONE_TIME = { channel: "sink", recipient: "room 12", schedule_type: "one_time", interval_minutes: null };

test("the life of a one-time reminder can be read: created, fired, sent, completed", async () => {
  const { database, sink, work } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id, created_at: createdAt } = await api.create(ONE_TIME);
  work();
  await until(async () => (await api.get(id)).status === "COMPLETED", "it is completed");

  const [delivery, ...others] = await api.deliveries(id);
  expect(others).toEqual([]);
  expect(delivery).toMatchObject({
    id: `${id}-${Date.parse(createdAt)}-0`,
    reminder_id: id,
    occurrence_at: createdAt,
    channel: "sink",
    recipient: "room 12",
    status: "sent",
    attempts: 1,
    next_attempt_at: null,
    finished_at: expect.any(String),
  });
  expect(sink.received).toMatchObject([{ idempotencyKey: delivery?.id }]);

  const timeline = await api.timeline(id);
  expect(timeline.map(({ type }) => type)).toEqual(["created", "fired", "sent", "completed"]);
  expect(timeline[1]).toMatchObject({ because: `it was due at ${createdAt}`, details: { delivery_id: delivery?.id } });
  expect(timeline[2]).toMatchObject({ because: "sent to room 12 by sink", details: { channel: "sink", demo: false } });
  expect(timeline[3]).toMatchObject({ details: { reason: "one_time_sent" } });
});

test("a message that waits for its places isn't said to leave before them, though it asks for the next ahead of them", async () => {
  const { database, sink } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create(ONE_TIME);
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at, recipient_slot_at, person_slot_at)
     select tenant_id, bucket, id, created_at, 'sink', 'pending', '2026-01-15T10:00:00Z', '2026-01-15T12:00:00Z', '2026-01-15T11:00:00Z'
       from reminder_jobs where id = $1`,
    [id],
  );
  expect(await api.deliveries(id)).toMatchObject([{ next_attempt_at: "2026-01-15T12:00:00.000Z" }]);
});

test("what was written by a transaction that had begun a moment before the reminder was there comes after its creation", async () => {
  const { database, insert } = await world();
  const api = await startApi(database);
  const id = await insert();
  await database.query(
    `insert into reminder_events (tenant_id, reminder_id, bucket, type, because, at)
     select tenant_id, id, bucket, 'paused', 'its rule can''t be read', created_at - interval '2 milliseconds' from reminder_jobs where id = $1`,
    [id],
  );

  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, created_at, finished_at)
     select tenant_id, bucket, id, created_at, channel, 'sent', created_at - interval '2 milliseconds', created_at - interval '1 millisecond'
       from reminder_jobs where id = $1`,
    [id],
  );

  const [created, ...others] = await api.timeline(id);
  expect([created, ...others].map((line) => line?.type)).toEqual(["created", "fired", "paused", "sent"]);
  expect(others.map(({ at }) => at)).toEqual(others.map(() => created?.at));
});

test("what was printed in demo mode is said to be", async () => {
  const { database, sink, work } = await world();
  sink.behave = () => ({ providerId: null, demo: true });
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create(ONE_TIME);
  work();
  await until(async () => (await api.get(id)).status === "COMPLETED", "it is completed");
  expect(await api.deliveries(id)).toMatchObject([{ status: "sent", demo: true }]);
  expect((await api.timeline(id))[2]?.because).toBe("printed instead of sent to room 12: sink is in demo mode");
});

test("a message that can't be sent says why, in the ledger and in the timeline", async () => {
  const { database, sink, work } = await world();
  sink.behave = () => {
    throw new Permanent("there is no room 12");
  };
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create(ONE_TIME);
  work();
  await until(async () => (await api.get(id)).completion_reason === "delivery_failed", "it has failed");
  expect(await api.deliveries(id)).toMatchObject([{ status: "failed", reason: "there is no room 12" }]);
  expect((await api.timeline(id)).map(({ type }) => type)).toEqual(["created", "fired", "failed", "completed"]);
});

test("page by page, deliveries and timeline are the same as at once; and both stay readable when it is deleted", async () => {
  const { database, sink, work, advance } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create({ channel: "sink", interval_minutes: 10 });
  work();
  for (let occurrence = 1; occurrence <= 5; occurrence += 1) {
    await advance({ minutes: 10 });
    const isSent = async (): Promise<boolean> =>
      (await api.deliveries(id)).filter(({ status }) => status === "sent").length === occurrence;
    await until(isSent, `occurrence ${occurrence} is sent`);
  }
  await api.act(id, "pause");
  await api.remove(id);

  const deliveries = await api.deliveries(id);
  expect(deliveries.map(({ occurrence_at: at }) => Date.parse(at))).toEqual(
    deliveries.map(({ occurrence_at: at }) => Date.parse(at)).sort((a, b) => b - a),
  );
  expect(await api.all(`/reminders/${id}/deliveries?limit=2`)).toEqual(deliveries);
  const timeline = await api.timeline(id);
  expect(timeline.map(({ type }) => type)).toEqual([
    "created",
    ...Array(5).fill(["fired", "sent"]).flat(),
    "paused",
    "deleted",
  ]);
  expect(await api.all(`/reminders/${id}/timeline?limit=3`)).toEqual(timeline);
});

test("the pages lead through all years that plain SQL may have written", async () => {
  const { database, insert } = await world();
  const api = await startApi(database);
  const id = await insert({ created_at: "0001-01-01T00:00:00Z" });
  const instants = ["0001-01-01T00:00:00.000Z", "1850-06-01T12:00:00.000Z", "9999-12-31T23:59:59.999Z"];
  for (const at of instants) {
    await database.query(
      `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, created_at, finished_at)
       values ('default', 0, $1, $2, 'sink', 'failed', $2, $2)`,
      [id, at],
    );
  }

  const deliveries = await api.all(`/reminders/${id}/deliveries?limit=1`);
  expect(deliveries).toMatchObject(instants.toReversed().map((at) => ({ occurrence_at: at })));
  const timeline = await api.all(`/reminders/${id}/timeline?limit=1`);
  expect(timeline).toMatchObject([{ type: "created" }, ...instants.map((at) => ({ type: "fired", at }))]);
});

test("a reminder that plain SQL made has a timeline, too", async () => {
  const { database, sink, insert } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  expect(await api.timeline(await insert())).toMatchObject([{ type: "created" }]);
});

test("paused before its message left, a one-time reminder sends it once it is resumed", async () => {
  const { database, sink, work } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create({ ...ONE_TIME, run_at: "2020-01-01T00:00:00Z" });
  await api.act(id, "pause");
  work();
  await api.act(id, "resume");
  await until(async () => (await api.get(id)).status === "COMPLETED", "it is completed");
  expect(sink.received).toHaveLength(1);
});

test("deleted while its message waits for a retry, and restored, a one-time reminder sends it after all", async () => {
  const { database, sink, work, advance } = await world();
  sink.behave = () => {
    throw new Retryable("busy");
  };
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create(ONE_TIME);
  work();
  await until(async () => (await api.deliveries(id))[0]?.status === "retrying", "it waits for its retry");
  await api.remove(id);
  await advance({ minutes: 10 });
  await until(async () => (await api.deliveries(id))[0]?.status === "suppressed", "it is suppressed");

  sink.behave = () => ({ providerId: null, demo: false });
  await api.act(id, "restore");

  await until(async () => (await api.get(id)).status === "COMPLETED", "it is completed");
  expect((await api.deliveries(id)).map(({ status }) => status)).toEqual(["sent", "suppressed"]);
});
