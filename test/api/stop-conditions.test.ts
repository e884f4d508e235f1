import { describe, expect, test } from "vitest";
import { startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";

const paid = { type: "db_check", value: "paid:{entity_id}" };
const composed = (...conditions: unknown[]) => ({
  ...{ stop_condition_type: "any_of", stop_condition_value: null, stop_condition_settings: { conditions } },
});

async function service(): Promise<{ api: TestApi; database: TestDatabase }> {
  const database = await freshDatabase();
  return { api: await startApi(database), database };
}

test("settings and on_unknown come back as they were sent, one by one and in bulk", async () => {
  const { api } = await service();
  const fields = { ...composed(paid, { type: "deadline", value: "P30D", settings: null }), on_unknown: "send" };
  const created = await api.create(fields);
  expect(created).toMatchObject(fields);
  expect(await api.get(created.id)).toEqual(created);
  const { results } = (
    await api.call("POST", "/reminders/bulk", {
      reminders: [wish(fields), wish(composed({ type: "db_check" }))],
    })
  ).body as { results: { status: number; errors?: { field: string }[] }[] };
  expect(results.map(({ status }) => status)).toEqual([201, 422]);
  expect(results[1]?.errors?.map(({ field }) => field)).toEqual([
    "reminders.1.stop_condition_settings.conditions.0.value",
  ]);
});

describe("what isn't right is refused, naming where it stands", () => {
  test.each([
    ["stop_condition_type", { ...composed(paid), stop_condition_type: "oracle" }],
    ["stop_condition_settings", { stop_condition_type: "any_of", stop_condition_value: null }],
    ["stop_condition_value", { ...composed(paid), stop_condition_value: "x" }],
    ["stop_condition_settings.conditions.1.type", composed(paid, { type: "oracle", value: "x" })],
    [
      "stop_condition_settings.conditions.0.settings.condition.value",
      composed({ type: "not", settings: { condition: { type: "deadline", value: "soon" } } }),
    ],
    ["stop_condition_settings.conditions.0.also", composed({ ...paid, also: 1 })],
    ["stop_condition_settings", composed({ type: "db_check", value: "{entity_type}".repeat(30) })],
    ["stop_condition_value", { stop_condition_type: "max_attempts", stop_condition_value: "many" }],
    ["stop_condition_value", { stop_condition_type: "deadline", stop_condition_value: "2026-02-30T00:00:00Z" }],
    ["on_unknown", { ...composed(paid), on_unknown: "shout" }],
  ])("%s (%#)", async (field, fields) => {
    const { api } = await service();
    const long = { entity_type: "a-type-of-some-length" };
    const { errors } = await api.refused(422, "POST", "/reminders/", wish({ ...long, ...fields }));
    expect(errors?.map((error) => error.field)).toEqual([field]);
  });
});

describe("an edit", () => {
  test("of the kind brings its own value and settings; null clears all", async () => {
    const { api } = await service();
    const { id } = await api.create({ stop_condition_type: "db_check", stop_condition_value: "paid" });
    const { stop_condition_value: _, ...withoutValue } = composed(paid);
    expect(await api.patch(id, withoutValue)).toMatchObject(composed(paid));
    expect(await api.patch(id, { stop_condition_type: "max_attempts", stop_condition_value: "3" })).toMatchObject({
      ...{ stop_condition_type: "max_attempts", stop_condition_value: "3", stop_condition_settings: null },
    });
    expect(await api.patch(id, { stop_condition_value: "4" })).toMatchObject({ stop_condition_value: "4" });
    expect(await api.patch(id, { stop_condition_type: null })).toMatchObject({
      ...{ stop_condition_type: null, stop_condition_value: null, stop_condition_settings: null },
    });
  });

  test("that asks for what is so already changes nothing", async () => {
    const { api } = await service();
    const { id, ...reminder } = await api.create(composed(paid));
    const again = { stop_condition_settings: { conditions: [paid] }, on_unknown: null };
    expect(await api.patch(id, again)).toMatchObject({ updated_at: reminder.updated_at });
    expect(await api.timeline(id)).toHaveLength(1);
  });
});

describe("what needs a person", () => {
  async function needing({ api, database }: Awaited<ReturnType<typeof service>>): Promise<number> {
    const { id } = await api.create();
    await database.query(
      "update reminder_jobs set status = 'PAUSED', needs_attention = 'look at it', occurrence_count = 7 where id = $1",
      [id],
    );
    return id;
  }

  test("is listed apart", async () => {
    const made = await service();
    const id = await needing(made);
    const { id: other } = await made.api.create();
    const list = async (query: Record<string, string>) => (await made.api.list(query)).map((reminder) => reminder.id);
    expect(await list({ needs_attention: "true" })).toEqual([id]);
    expect(await list({ needs_attention: "false" })).toEqual([other]);
    expect(await list({ needs_attention: "true", status: "ACTIVE" })).toEqual([]);
    expect(await made.api.get(id)).toMatchObject({ needs_attention: "look at it" });
  });

  test("is looked at by resuming it, and counts towards the ceilings from then on", async () => {
    const made = await service();
    const id = await needing(made);
    expect(await made.api.act(id, "resume")).toMatchObject({ status: "ACTIVE", needs_attention: null });
    const [row] = await made.database.query("select * from reminder_jobs where id = $1", [id]);
    expect(row).toMatchObject({ ceiling_from_count: 7, ceiling_from: expect.any(Number) });
  });

  test("is looked at by changing it", async () => {
    const made = await service();
    const id = await needing(made);
    expect(await made.api.patch(id, { subject: "Corrected" })).toMatchObject({
      status: "PAUSED",
      needs_attention: null,
    });
  });
});

test("the kinds are listed, each with an example that is taken as it stands", async () => {
  const { api } = await service();
  const kinds = (await api.call("GET", "/conditions")).body as {
    type: string;
    value: object | null;
    settings: object | null;
    example: object;
  }[];
  expect(kinds.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["db_check", "deadline", "max_attempts", "all_of", "any_of", "not"]),
  );
  for (const { type, value, settings, example } of kinds) {
    const created = await api.create({ ...NO_CONDITION, ...example });
    expect(created).toMatchObject({ stop_condition_type: type, ...example });
    expect(created.stop_condition_value === null).toBe(value === null);
    if (settings === null) expect(created.stop_condition_settings).toBeNull();
  }
});

const NO_CONDITION = { stop_condition_type: null, stop_condition_value: null, stop_condition_settings: null };

test.each(["paid:{path}", "paid:{data.invoice.id}", "paid:{ENTITY_ID}", "paid:{ entity_id }"])(
  "a flag's key with a placeholder that nobody fills in is refused, since it would never be set: %s",
  async (value) => {
    const { api } = await service();
    const stray = expect.stringContaining(value.slice("paid:".length));
    for (const fields of [
      { stop_condition_type: "db_check", stop_condition_value: value },
      { stop_condition_type: "expression", stop_condition_value: `flags["${value}"]` },
    ]) {
      const { errors } = await api.refused(422, "POST", "/reminders/", wish(fields));
      expect(errors?.[0]).toMatchObject({ field: "stop_condition_value", message: stray });
    }
  },
);

test("braces that hold no name are no placeholder", async () => {
  const { api } = await service();
  await api.create({ stop_condition_type: "db_check", stop_condition_value: '{"paid":{entity_id}}{}' });
});
