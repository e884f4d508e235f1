import { expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";
import { worldOn } from "../support/world.ts";

const EXPRESSION = 'flags["paid:{entity_id}"] && data.amount > 5';
const until_ = (value: string) => ({ stop_condition_type: "expression", stop_condition_value: value });

test("a reminder goes on until its expression is true, and says which it was", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { work, sink, setFlag, becomes, advance } = worldOn(database);
  const wish = { channel: "sink", recipient: "a@example.org", entity_id: "42", data: { amount: 10 } };
  const { id } = await api.create({ ...wish, ...until_(EXPRESSION), run_at: "2020-01-01T00:00:00Z" });
  work();
  await becomes(id, { occurrence_count: 1 });
  await until(() => sink.received.length === 1, "its first message has left");
  await setFlag("paid:42", true);
  await advance({ minutes: 61 });
  await becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
  expect(sink.received).toHaveLength(1);
  expect((await api.timeline(id)).at(-1)?.because).toBe(`the expression ${EXPRESSION} is true`);
});

test("what can't be worked out holds the reminder, and is told", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { work, sink } = worldOn(database);
  const wish = { channel: "sink", recipient: "a@example.org", run_at: "2020-01-01T00:00:00Z" };
  const { id } = await api.create({ ...wish, ...until_("data.paid") });
  work();
  const held = await until(
    async () => (await api.timeline(id)).find(({ because }) => because.includes("there is no paid")),
    "its timeline says why it is held",
  );
  expect(held.because).toContain("the expression can't be worked out: there is no paid (column 6)");
  expect(sink.received).toEqual([]);
});

test("a wrong expression is refused when it is written, with its column", async () => {
  const api = await startApi(await freshDatabase());
  const wish = { entity_type: "a", entity_id: "b", event_type: "c", channel: "email", schedule_type: "one_time" };
  const { errors } = await api.refused(422, "POST", "/reminders/", { ...wish, ...until_("contact.phone == null") });
  expect(errors).toMatchObject([
    {
      field: "stop_condition_value",
      message: "must be an expression of CEL: column 9: there is no phone",
    },
  ]);
  const nested = {
    conditions: [
      { type: "db_check", value: "a" },
      { type: "expression", value: "1 +" },
    ],
  };
  const { errors: inner } = await api.refused(422, "POST", "/reminders/", {
    ...wish,
    stop_condition_type: "any_of",
    stop_condition_settings: nested,
  });
  expect(inner?.[0]).toMatchObject({ field: "stop_condition_settings.conditions.1.value" });
});
