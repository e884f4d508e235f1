import { expect, test } from "vitest";
import { answering, open, PRESSES, press } from "../support/answers.ts";
import { startApi } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";

const DAY_MS = 86_400_000;
const ms = (iso: unknown): number => Date.parse(String(iso));
const ONCE = { schedule_type: "one_time", interval_minutes: null };

test("snoozed for a day, it is due in 24 hours; the same instant again changes nothing", async () => {
  const api = await startApi(await freshDatabase());
  const { id } = await api.create();
  const { body, status } = await api.call("POST", `/reminders/${id}/snooze`, { for: "1d" });
  expect(status).toBe(200);
  const reminder = body as Record<string, unknown>;
  expect(reminder).toMatchObject({ silent_by: "snooze", next_run_at: reminder.silent_until });
  expect(ms(reminder.silent_until) - ms(reminder.updated_at)).toBe(DAY_MS);

  const until = reminder.silent_until;
  expect((await api.call("POST", `/reminders/${id}/snooze`, { until })).body).toEqual(reminder);
  expect((await api.timeline(id)).map(({ type }) => type)).toEqual(["created", "snoozed"]);
});

test("a date is the morning of whoever it reminds; acknowledged, the morning after", async () => {
  const api = await startApi(await freshDatabase());
  const { id, entity_type: type, entity_id: entity } = await api.create({ time_zone: "UTC" });
  await api.putContact(type, entity, { time_zone: "America/New_York", email: null });
  const day = new Date(Date.now() + 20 * DAY_MS).toISOString().slice(0, 10);
  const hour = (iso: unknown) =>
    new Intl.DateTimeFormat("en-CA", {
      timeZone: "America/New_York",
      dateStyle: "short",
      timeStyle: "short",
      hourCycle: "h23",
    }).format(ms(iso));

  const snoozed = (await api.call("POST", `/reminders/${id}/snooze`, { until: day })).body as Record<string, unknown>;
  expect(hour(snoozed.silent_until)).toMatch(new RegExp(`^${day}, 0?9:00`));
  const promised = (await api.call("POST", `/reminders/${id}/acknowledge`, { until: day })).body as Record<
    string,
    unknown
  >;
  expect(promised.silent_by).toBe("acknowledgement");
  expect(ms(promised.silent_until) - ms(snoozed.silent_until)).toBeGreaterThan(22 * 3_600_000);
});

test("done sets the flag that it waits for, else completes it", async () => {
  const api = await startApi(await freshDatabase());
  const plain = await api.create();
  const flagged = await api.create({ stop_condition_type: "db_check", stop_condition_value: "paid" });
  const forced = await api.create({
    stop_condition_type: "db_check",
    stop_condition_value: "paid",
    done_means: "complete",
  });
  const done = async (id: number) => (await api.call("POST", `/reminders/${id}/done`, {})).body;
  expect(await done(forced.id)).toMatchObject({ status: "COMPLETED", completion_reason: "done" });
  expect((await api.call("GET", "/flags/paid")).status).toBe(404);
  // Nobody has to be named, so nothing has to be said.
  const url = `${api.url}/reminders/${plain.id}/done`;
  const said = await fetch(url, { method: "POST", headers: { "content-type": "application/json" } });
  expect([said.status, await said.json()]).toMatchObject([200, { status: "COMPLETED", completion_reason: "done" }]);
  expect((await fetch(url, { method: "POST", body: "null" })).status).toBe(415);
  expect(await done(plain.id)).toMatchObject({ status: "COMPLETED" });
  expect(await done(flagged.id)).toMatchObject({ status: "ACTIVE" });
  expect((await api.call("GET", "/flags/paid")).body).toMatchObject({ value: true });
});

test("explain and preview tell of it, and edits keep to it", async () => {
  const api = await startApi(await freshDatabase());
  const { id } = await api.create();
  const until = new Date(Date.now() + 3 * DAY_MS).toISOString();
  await api.call("POST", `/reminders/${id}/acknowledge`, { until });
  const explained = (await api.call("GET", `/reminders/${id}/explain`)).body as {
    present: { kind: string; sentence: string }[];
  };
  expect(explained.present.find(({ kind }) => kind === "acknowledged")?.sentence).toMatch(
    /Somebody has promised that it is done by/,
  );
  const preview = (await api.call("GET", `/reminders/${id}/preview`)).body as {
    occurrences: { at: string; sentence: string }[];
  };
  expect(preview.occurrences[0]).toMatchObject({
    sentence: expect.stringContaining("omebody has promised to do it by then"),
  });
  expect(await api.patch(id, { interval_minutes: 120 })).toMatchObject({ next_run_at: until, silent_until: until });
  expect(await api.act(id, "pause")).toMatchObject({ silent_until: until });
  expect(await api.act(id, "resume")).toMatchObject({ next_run_at: until });
  expect(await api.act(id, "trigger")).toMatchObject({ silent_until: null });
});

test("a promise outlives a pause over its end, and plain SQL that makes it due before", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { id } = await api.create({ interval_minutes: 10_080 });
  const { silent_until: until } = (
    await api.call("POST", `/reminders/${id}/acknowledge`, { until: new Date(Date.now() + DAY_MS).toISOString() })
  ).body as { silent_until: string };
  await api.act(id, "pause");
  await advance(database, { days: 3 });
  expect(await api.act(id, "resume")).toMatchObject({ next_run_at: until });
});

test.each([
  [{}, "until"],
  [{ for: "1d", until: "2027-01-01" }, "until"],
  [{ for: "1 day" }, "for"],
  [{ for: "0d" }, "for"],
  [{ for: "60w" }, "for"],
  [{ until: "soon" }, "until"],
  [{ until: "2020-01-01" }, "until"],
  [{ until: "2020-01-01T00:00:00Z" }, "until"],
  [{ until: "9999-01-01T00:00:00Z" }, "until"],
  [{ until: 5 }, "until"],
  [{ until: "2027-01-01", more: 1 }, "more"],
])("%j is refused", async (body, field) => {
  const api = await startApi(await freshDatabase());
  const { id } = await api.create();
  const { errors } = await api.refused(422, "POST", `/reminders/${id}/snooze`, body);
  expect(errors?.map((error) => error.field)).toContain(field);
  expect((await api.get(id)).silent_until).toBe(null);
});

test("what is paused, deleted or done can't be put off, and what isn't there isn't found", async () => {
  const api = await startApi(await freshDatabase());
  const [paused, deleted, done] = [await api.create(ONCE), await api.create(), await api.create()];
  await api.act(paused.id, "pause");
  await api.remove(deleted.id);
  await api.act(done.id, "complete");
  for (const { id } of [paused, deleted, done])
    await api.refused(409, "POST", `/reminders/${id}/snooze`, { for: "1d" });
  await api.refused(409, "POST", `/reminders/${deleted.id}/done`, {});
  await api.refused(404, "POST", "/reminders/4711/snooze", { for: "1d" });
  await api.refused(404, "POST", "/reminders/4711/done", {});
});

test("a flag can only be what done means where there is one", async () => {
  const api = await startApi(await freshDatabase());
  const wish = { entity_type: "a", entity_id: "b", event_type: "c", channel: "sink", ...ONCE, done_means: "flag" };
  const { errors } = await api.refused(422, "POST", "/reminders/", wish);
  expect(errors?.map(({ field }) => field)).toEqual(["done_means"]);
  const { id } = await api.create({ stop_condition_type: "db_check", stop_condition_value: "x", done_means: "flag" });
  await api.refused(422, "PATCH", `/reminders/${id}`, { stop_condition_type: null });
  expect(await api.patch(id, { stop_condition_type: null, done_means: null })).toMatchObject({ done_means: null });
});

test("who wants no more of what is listed, and can be sent to again", async () => {
  const here = await answering();
  const [one, two] = [await here.send(), await here.send()];
  await press(one.links.stop, PRESSES.stop);
  await press(two.links.stop, { choice: "event_type" });
  const found = await here.api.all("/opt-outs?limit=1&address=SOMEONE@example.org");
  expect(found).toMatchObject([
    { kind: "event_type", about: "payment" },
    { kind: "reminder", about: String(one.id), created_by: expect.stringMatching(/^answer link of/) },
  ]);
  const attention = async (id: number) => (await here.reminder(id)).needs_attention;
  expect(await attention(two.id)).toMatch(/wants no more of payment/);
  expect((await here.api.call("DELETE", "/opt-outs/sink/someone@example.org/event_type/payment")).status).toBe(204);
  // Who is sent to again needs nobody for that any more.
  expect([await attention(one.id), await attention(two.id)]).toEqual([
    expect.stringMatching(/wants no more of this/),
    null,
  ]);
  expect((await here.events(two.id)).at(-1)?.type).toBe("opted_in");
  expect(await here.api.all("/opt-outs")).toHaveLength(1);
  expect((await open(one.links.stop)).status).toBe(200);
});
