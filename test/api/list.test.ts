import { expect, test } from "vitest";
import { type ReminderJson, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

const ids = (reminders: unknown[]): number[] => reminders.map((reminder) => (reminder as ReminderJson).id);

test("reminders are listed newest first, a hundred a page, and the links lead through all of them", async () => {
  const api = await startApi(await freshDatabase());
  for (let n = 0; n < 25; n += 1) await api.create();

  const all = await api.all("/reminders/?limit=10");

  expect(ids(all)).toEqual(Array.from({ length: 25 }, (_, n) => 25 - n));
  expect((await api.call("GET", "/reminders/?limit=25")).headers.get("link")).toBeNull();
});

test("pages stay what they were while others create reminders", async () => {
  const api = await startApi(await freshDatabase());
  for (let n = 0; n < 6; n += 1) await api.create();
  const first = await api.call("GET", "/reminders?limit=3");
  await api.create();
  const next = /<(.*)>/.exec(first.headers.get("link") ?? "")?.[1] as string;
  expect(ids((await api.call("GET", next)).body as unknown[])).toEqual([3, 2, 1]);
});

test("the link to the next page keeps the filters", async () => {
  const api = await startApi(await freshDatabase());
  for (let n = 0; n < 5; n += 1) {
    await api.create({ entity_id: "a & b = ü", event_type: `${n}` });
    await api.create();
  }
  const query = new URLSearchParams({ entity_id: "a & b = ü", limit: "2" });
  expect(ids(await api.all(`/reminders?${query}`))).toEqual([9, 7, 5, 3, 1]);
});

test("each filter keeps what fits, and together they keep what fits all", async () => {
  const api = await startApi(await freshDatabase());
  const one = await api.create({ entity_type: "invoice", run_at: "2030-01-01T00:00:00Z" });
  const two = await api.create({ event_type: "payment", channel: "sink", run_at: "2030-01-02T00:00:00Z" });
  const paused = await api.create({ run_at: "2030-01-03T00:00:00Z" });
  await api.act(paused.id, "pause");
  const deleted = await api.create({ run_at: "2030-01-04T00:00:00Z" });
  await api.remove(deleted.id);

  const found = async (query: Record<string, string>): Promise<number[]> => ids(await api.list(query));
  expect(await found({ status: "PAUSED" })).toEqual([paused.id]);
  expect(await found({ status: "ACTIVE" })).toEqual([two.id, one.id]);
  expect(await found({ entity_type: "invoice" })).toEqual([one.id]);
  expect(await found({ entity_id: two.entity_id })).toEqual([two.id]);
  expect(await found({ event_type: "payment" })).toEqual([two.id]);
  expect(await found({ channel: "sink" })).toEqual([two.id]);
  expect(await found({ due_before: "2030-01-02T00:00:00Z" })).toEqual([one.id]);
  expect(await found({ due_after: "2030-01-02T00:00:00Z" })).toEqual([paused.id, two.id]);
  expect(await found({ due_after: "2030-01-02T00:00:00Z", include_deleted: "true" })).toEqual([
    deleted.id,
    paused.id,
    two.id,
  ]);
  expect(await found({ due_after: "2030-01-02T01:00:00+01:00", due_before: "2030-01-03T00:00:00Z" })).toEqual([two.id]);
  expect(await found({ status: "ACTIVE", channel: "email" })).toEqual([one.id]);
});

test.each([
  ["status", "status=active"],
  ["limit", "limit=0"],
  ["limit", "limit=1001"],
  ["limit", "limit=ten"],
  ["limit", "limit=1&limit=2"],
  ["cursor", "cursor=nonsense"],
  ["cursor", "cursor=%00"],
  ["cursor", `cursor=${Buffer.from('["a"]').toString("base64url")}`],
  ["cursor", `cursor=${Buffer.from("[9007199254740993]").toString("base64url")}`],
  ["cursor", `cursor=${Buffer.from("[1,2]").toString("base64url")}`],
  ["due_before", "due_before=tomorrow"],
  ["include_deleted", "include_deleted=yes"],
  ["entity_id", "entity_id="],
  ["entity_id", "entity_id=a%00b"],
  ["colour", "colour=red"],
])("a wrong %s is refused: %s", async (field, query) => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "GET", `/reminders?${query}`);
  expect(errors).toMatchObject([{ in: "query", field }]);
});

test.each(["limit=1&limit=2", "entity_id=a&entity_id=b", "status=ACTIVE&status=PAUSED", "cursor=a&cursor=b"])(
  "what is given more than once is said to be that: %s",
  async (query) => {
    const api = await startApi(await freshDatabase());
    const { errors } = await api.refused(422, "GET", `/reminders?${query}`);
    expect(errors).toMatchObject([{ in: "query", message: "is there more than once: give it once" }]);
  },
);
