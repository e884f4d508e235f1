import { describe, expect, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { sinkChannel } from "../support/sink.ts";
import { world } from "../support/world.ts";

const MINUTE = 60_000;
const ms = (iso: unknown): number => Date.parse(String(iso));

test("an edit changes what it names and nothing else, and the timeline says from what to what", async () => {
  const api = await startApi(await freshDatabase());
  const created = await api.create({ subject: "Before", data: { a: 1, b: 2 } });

  const edited = await api.patch(created.id, { subject: "After", recipient: "other@Example.COM", data: { a: 2 } });

  expect(edited).toEqual({
    ...created,
    subject: "After",
    recipient: "other@example.com",
    data: { a: 2 },
    updated_at: edited.updated_at,
  });
  expect((await api.timeline(created.id)).at(-1)).toMatchObject({
    type: "updated",
    details: {
      changed: {
        subject: { from: "Before", to: "After" },
        recipient: { from: null, to: "other@example.com" },
        data: {},
      },
    },
  });
});

describe("an edit that asks for what is so already changes nothing, not even the time of the last change", () => {
  test.each([
    {},
    { subject: "Same", data: { b: [1, { c: null }], a: "x" }, recipient: "same@EXAMPLE.com" },
    { interval_minutes: 60, schedule_type: "recurring", channel: "email" },
    { stop_condition_type: "db_check" },
  ])("%j", async (edit) => {
    const api = await startApi(await freshDatabase());
    const stop = { stop_condition_type: "db_check", stop_condition_value: "done" };
    const { id } = await api.create({
      subject: "Same",
      data: { a: "x", b: [1, { c: null }] },
      recipient: "same@example.com",
      ...stop,
    });
    const before = await api.get(id);
    expect(await api.patch(id, edit)).toEqual(before);
    expect(await api.timeline(id)).toHaveLength(1);
  });
});

test("null clears what may be left out", async () => {
  const api = await startApi(await freshDatabase());
  const given = {
    recipient: "a@b.example",
    subject: "s",
    message: "m",
    time_zone: "UTC",
    stop_condition_type: "db_check",
    stop_condition_value: "done",
  };
  const { id } = await api.create(given);
  const cleared = Object.fromEntries(Object.keys(given).map((field) => [field, null]));
  expect(await api.patch(id, cleared)).toMatchObject(cleared);
});

describe("the stop condition is a whole", () => {
  test("clearing one half clears both", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create({ stop_condition_type: "db_check", stop_condition_value: "done" });
    expect(await api.patch(id, { stop_condition_value: null })).toMatchObject({
      stop_condition_type: null,
      stop_condition_value: null,
    });
  });

  test("another flag needs the type only where there is none", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create({ stop_condition_type: "db_check", stop_condition_value: "done" });
    expect(await api.patch(id, { stop_condition_value: "other" })).toMatchObject({
      stop_condition_type: "db_check",
      stop_condition_value: "other",
    });
    const without = await api.create();
    expect(await api.refused(422, "PATCH", `/reminders/${without.id}`, { stop_condition_value: "x" })).toMatchObject({
      errors: [{ field: "stop_condition_type" }],
    });
  });
});

describe("rescheduling", () => {
  test("a new interval counts from the creation of what never fired", async () => {
    const api = await startApi(await freshDatabase());
    const { id, created_at: createdAt } = await api.create({ interval_minutes: 60 });
    const { next_run_at: next } = await api.patch(id, { interval_minutes: 15 });
    expect(ms(next)).toBe(ms(createdAt) + 15 * MINUTE);
  });

  test("run_at moves the next run, and the intervals count from there", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { id } = await api.create();
    const edited = await api.patch(id, { run_at: "2030-01-01T08:00:00+01:00" });
    expect(edited).toMatchObject({ run_at: "2030-01-01T07:00:00.000Z", next_run_at: "2030-01-01T07:00:00.000Z" });
    const [row] = await database.query("select anchor_at from reminder_jobs where id = $1", [id]);
    expect(row?.anchor_at).toBe(Date.parse("2030-01-01T07:00:00Z"));
  });

  test.each<[string, Record<string, unknown>]>([
    ["jitter", { jitter_seconds: 5 }],
    ["an end", { end_at: "2035-01-01T00:00:00Z" }],
    ["no start", { start_at: null }],
  ])("a first run that is far ahead is not brought forward by %s", async (_, edit) => {
    const api = await startApi(await freshDatabase());
    const first = "2031-03-02T10:00:00.000Z";
    const { id } = await api.create({ interval_minutes: 60, run_at: first });
    const { next_run_at: next } = await api.patch(id, edit);
    expect(ms(next)).toBeGreaterThanOrEqual(ms(first));
    expect(ms(next)).toBeLessThanOrEqual(ms(first) + 5_000);
    await api.refused(422, "PATCH", `/reminders/${id}`, { end_at: "2030-01-01T00:00:00Z" });
  });

  test("a series that is triggered before it begins still begins when it was to", async () => {
    const { database, sink, work, deliveryBecomes } = await world();
    const api = await startApi(database, { channels: channelMap([sink]) });
    const first = "2031-03-02T10:00:00.000Z";
    const { id } = await api.create({ channel: "sink", interval_minutes: 60, run_at: first });
    await api.act(id, "trigger");
    work();
    await deliveryBecomes(id, "sent");
    expect((await api.get(id)).next_run_at).toBe(first);
  });

  test("to recurring and back to one_time the next run stays", async () => {
    const api = await startApi(await freshDatabase());
    const runAt = "2030-01-01T07:00:00.000Z";
    const { id } = await api.create({ schedule_type: "one_time", interval_minutes: null, run_at: runAt });
    const edit = { schedule_type: "recurring", interval_minutes: 30 };
    expect(await api.patch(id, edit)).toMatchObject({ ...edit, next_run_at: runAt });
    expect(await api.patch(id, { schedule_type: "one_time" })).toMatchObject({
      interval_minutes: null,
      next_run_at: runAt,
    });
  });
});

describe("what can't be is refused, naming the field", () => {
  test.each([
    ["entity_type", { entity_type: "other" }, /create another one/],
    ["entity_id", { entity_id: "other" }, /create another one/],
    ["event_type", { event_type: "other" }, /create another one/],
    ["status", { status: "COMPLETED" }, /not known here/],
    ["channel", { channel: "pigeon" }, /email, sink/],
    ["channel", { channel: null }, /must be a string/],
    ["recipient", { channel: "email", recipient: "nobody" }, /one plain e-mail address/],
    ["interval_minutes", { interval_minutes: null }, /is required/],
    ["interval_minutes", { schedule_type: "one_time", interval_minutes: 5 }, /recurring/],
    ["run_at", { run_at: null }, /ISO 8601/],
    ["stop_condition_value", { stop_condition_type: "db_check" }, /is required/],
    [
      "stop_condition_value",
      { stop_condition_type: "db_check", stop_condition_value: "{entity_type}".repeat(40) + "x".repeat(20) },
      /at most 500/,
    ],
  ])("%s (%#)", async (field, edit, message) => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    const before = await api.get(id);
    const { errors } = await api.refused(422, "PATCH", `/reminders/${id}`, edit);
    expect(errors).toEqual([expect.objectContaining({ field, message: expect.stringMatching(message) })]);
    expect(await api.get(id)).toEqual(before);
  });

  test("a recipient that the new channel can't reach", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create({ channel: "sink", recipient: "room 12" });
    expect(await api.refused(422, "PATCH", `/reminders/${id}`, { channel: "email" })).toMatchObject({
      errors: [{ field: "recipient" }],
    });
    expect(await api.patch(id, { channel: "email", recipient: null })).toMatchObject({
      channel: "email",
      recipient: null,
    });
  });

  test("a COMPLETED reminder: 409", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    await api.act(id, "complete");
    const { detail } = await api.refused(409, "PATCH", `/reminders/${id}`, { subject: "x" });
    expect(detail).toMatch(/COMPLETED/);
  });
});

test("fifty edits of one reminder at once are made one after another, and each is in the timeline", async () => {
  const api = await startApi(await freshDatabase());
  const { id } = await api.create();
  await Promise.all(Array.from({ length: 50 }, (_, n) => api.patch(id, { subject: `Edit ${n}` })));
  const changes = (await api.timeline(id))
    .filter(({ type }) => type === "updated")
    .map(({ details }) => details.changed as { subject: { from: unknown; to: unknown } });
  expect(new Set(changes.map(({ subject }) => subject.to)).size).toBe(50);
  // Each began with what another one had left.
  expect(new Set(changes.map(({ subject }) => subject.from)).size).toBe(50);
});

test("numbers that only plain SQL can write survive every change that is not about them", async () => {
  const { database, insert } = await world();
  const api = await startApi(database, { channels: channelMap([sinkChannel()]) });
  const id = await insert({ data: '{"order": 12345678901234567890, "share": 0.12345678901234567890}' });

  await api.act(id, "pause");
  await api.act(id, "resume");
  const { data } = await api.patch(id, { subject: "Your order", interval_minutes: 5 });
  await api.patch(id, { message: "It is here", data });
  await api.remove(id);
  await api.act(id, "restore");

  const kept = await database.query("select data->>'order' as order, data->>'share' as share from reminder_jobs");
  expect(kept).toEqual([{ order: "12345678901234567890", share: "0.12345678901234567890" }]);

  await api.patch(id, { data: { order: 7 } });
  expect(await database.query("select data from reminder_jobs")).toEqual([{ data: { order: 7 } }]);
});
