import { describe, expect, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { flagKey } from "../../src/core/flag-key.ts";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

test("a flag is set, read, set again and forgotten, each as often as you like", async () => {
  const api = await startApi(await freshDatabase());
  const path = "/flags/feedback_submitted";
  await api.refused(404, "GET", path);

  expect(await api.call("PUT", path, { value: true })).toMatchObject({
    status: 201,
    body: { key: "feedback_submitted", value: true },
  });
  expect(await api.call("PUT", path, { value: true })).toMatchObject({ status: 200, body: { value: true } });
  expect(await api.call("PUT", path, { value: false })).toMatchObject({ status: 200, body: { value: false } });
  expect((await api.call("GET", path)).body).toMatchObject({ key: "feedback_submitted", value: false });

  expect(await api.call("DELETE", path)).toMatchObject({ status: 204, body: undefined });
  expect(await api.call("DELETE", path)).toMatchObject({ status: 204 });
  await api.refused(404, "GET", path);
});

test("a flag that plain SQL set is read here, and the other way round", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  await database.query("INSERT INTO status_flags (key, value) VALUES ('feedback_submitted', false)");
  expect((await api.call("GET", "/flags/feedback_submitted")).body).toMatchObject({ value: false });
  await api.setFlag("feedback_submitted", true);
  expect(await database.query("select value from status_flags where key = 'feedback_submitted'")).toEqual([
    { value: true },
  ]);
});

describe("any key that the table takes can be named in an address", () => {
  test.each([
    "a/b/c",
    "paid:42",
    "100%",
    "%2F",
    "%25",
    "%252F",
    "ü 締 🙂",
    "a?b#c&d=e+f;g",
    "..a",
    " x ",
    "\\",
    "line\nbreak",
    "x".repeat(500),
    "🙂".repeat(500),
  ])("%j", async (key) => {
    const api = await startApi(await freshDatabase());
    expect(await api.setFlag(key, true)).toMatchObject({ key });
    expect((await api.call("GET", `/flags/${encodeURIComponent(key)}`)).body).toMatchObject({ key, value: true });
    expect((await api.call("GET", "/flags")).body).toMatchObject([{ key }]);
    expect(await api.call("DELETE", `/flags/${encodeURIComponent(key)}`)).toMatchObject({ status: 204 });
  });
});

test("flags are listed by key, and the links lead through all of them", async () => {
  const api = await startApi(await freshDatabase());
  const keys = ["a", "b", "B", "ä", "z/1", "z/2", "%", "10", "9", "締", "🙂"];
  for (const key of keys) await api.setFlag(key, true);
  const listed = ((await api.call("GET", "/flags")).body as { key: string }[]).map(({ key }) => key);
  expect(new Set(listed)).toEqual(new Set(keys));
  expect((await api.all("/flags?limit=3")).map((flag) => (flag as { key: string }).key)).toEqual(listed);
});

test.each([
  ["key", `/flags/${"x".repeat(501)}`, { value: true }],
  ["key", "/flags/a%00b", { value: true }],
  ["value", "/flags/a", {}],
  ["value", "/flags/a", { value: "true" }],
  ["value", "/flags/a", { value: null }],
  ["key", "/flags/a", { value: true, key: "b" }],
])("a wrong %s is refused: %s", async (field, path, body) => {
  const api = await startApi(await freshDatabase());
  expect(await api.refused(422, "PUT", path, body)).toMatchObject({ errors: [{ field }] });
});

test("setting a flag over the API completes what waits for it, placeholders and all", async () => {
  const { database, sink, work } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id, entity_id: entityId } = await api.create({
    channel: "sink",
    stop_condition_type: "db_check",
    stop_condition_value: "feedback_submitted:{entity_id}",
  });
  work();
  await api.setFlag(`feedback_submitted:${entityId}`, true);
  await until(async () => (await api.get(id)).completion_reason === "stop_condition", "it is completed");
});

test("the API and the database fill in a flag's placeholders alike", async () => {
  const database = await freshDatabase();
  const entity = { entityType: "{entity_id} $& {event_type}", entityId: "{entity_type}%$1", eventType: "{entity_id}" };
  for (const value of [
    "{entity_type}",
    "{event_type}:{entity_id}",
    "{entity_type}{entity_type}",
    "{}{entity_id",
    "{{entity_id}}",
  ]) {
    const [row] = await database.query("select reminder_flag_key('db_check', $1, $2, $3, $4) as key", [
      value,
      entity.entityType,
      entity.entityId,
      entity.eventType,
    ]);
    expect(flagKey(value, entity)).toBe(row?.key);
  }
});
