import { describe, expect, test } from "vitest";
import { type ReminderJson, startApi, type TestApi } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase, lockWaits } from "../support/database.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { worldOn } from "../support/world.ts";

interface Outcome {
  id: string | null;
  duplicate: boolean;
  done: { rule: string; reminders: number; reminder_ids: number[]; flag_key: string | null; skipped: string | null }[];
}

async function send(api: TestApi, event: Record<string, unknown>): Promise<Outcome> {
  const answer = await api.call("POST", "/events", event);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body as Outcome;
}

async function rule(api: TestApi, name: string, body: Record<string, unknown>): Promise<void> {
  const { status, body: told } = await api.call("PUT", `/event-rules/${name}`, body);
  if (status >= 300) throw new Error(JSON.stringify(told));
}

const INVOICE = { entity_type: "invoice", entity_id: "42" };
const PAID = { type: "invoice.paid", ...INVOICE };

describe("an event completes", () => {
  test("what it means, ACTIVE or PAUSED, and nothing else; the timeline says which event it was", async () => {
    const database = await freshDatabase();
    await createTenants(database, "acme");
    const api = await startApi(database);
    const acme = await startApi(database, { tenant: "acme" });
    const meant = await api.create({ ...INVOICE, event_type: "payment" });
    const paused = await api.create({ ...INVOICE, event_type: "payment_late" });
    await api.act(paused.id, "pause");
    const others = [
      await api.create({ ...INVOICE, entity_id: "43", event_type: "payment" }),
      await api.create({ ...INVOICE, entity_type: "order", event_type: "payment" }),
    ];
    const ofAcme = await acme.create({ ...INVOICE, event_type: "payment" });
    await rule(api, "paid", { event: "invoice.paid", action: "complete" });

    const outcome = await send(api, { ...PAID, id: "evt_1" });

    expect(outcome).toEqual({
      type: "invoice.paid",
      id: "evt_1",
      duplicate: false,
      done: [
        {
          rule: "paid",
          action: "complete",
          reminders: 2,
          reminder_ids: [meant.id, paused.id],
          flag_key: null,
          skipped: null,
        },
      ],
    });
    for (const { id } of [meant, paused]) {
      expect(await api.get(id)).toMatchObject({ status: "COMPLETED", completion_reason: "event", next_run_at: null });
      expect((await api.timeline(id)).at(-1)).toMatchObject({
        type: "completed",
        because: "the event invoice.paid (evt_1) completed it, by the rule paid",
        details: { reason: "event", rule: "paid", event: { type: "invoice.paid", id: "evt_1", source: null } },
      });
    }
    for (const { id } of others) expect((await api.get(id)).status).toBe("ACTIVE");
    expect((await acme.get(ofAcme.id)).status).toBe("ACTIVE");
    expect(await send(acme, PAID)).toMatchObject({ done: [] });
  });

  test("only the kind of reminder that its rule names, and by the words of the sender", async () => {
    const api = await startApi(await freshDatabase());
    const payment = await api.create({ ...INVOICE, event_type: "payment" });
    const survey = await api.create({ ...INVOICE, event_type: "survey" });
    await rule(api, "stripe", {
      event: "invoice.*",
      action: "complete",
      entity_type: "invoice",
      entity_id: "{data.object.number}",
      event_type: "payment",
    });
    const { done } = await send(api, { type: "invoice.payment_succeeded", data: { object: { number: 42 } } });
    expect(done).toMatchObject([{ reminders: 1, reminder_ids: [payment.id] }]);
    expect((await api.get(survey.id)).status).toBe("ACTIVE");
    expect((await send(api, { type: "invoice.payment_succeeded" })).done).toMatchObject([
      { reminders: 0, skipped: "the event has no data.object.number" },
    ]);
  });

  test("P3: a message that waits for its retry is held back from the commit on", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { insert, work, sink, deliveryBecomes } = worldOn(database);
    sink.behave = () => Promise.reject(new Error("mailbox busy"));
    const id = await insert({ ...INVOICE, run_at: new Date() });
    await rule(api, "paid", { event: "invoice.paid", action: "complete" });
    work();
    await deliveryBecomes(id, "retrying");
    await send(api, PAID);
    const tries = sink.received.length;
    await advance(database, { minutes: 10 });
    expect(await deliveryBecomes(id, "suppressed")).toMatchObject({ attempts: tries });
    expect(sink.received).toHaveLength(tries);
  });
});

test("events set flags, trigger and pause; rules go by their names, and those that are off do nothing", async () => {
  const api = await startApi(await freshDatabase());
  const id = (await api.create({ ...INVOICE, interval_minutes: 1_000 })).id;
  await rule(api, "a-flag", { event: "*", action: "set_flag", flag_key: "seen:{entity_id}" });
  await rule(api, "b-flag", { event: "*", action: "set_flag", flag_key: "seen:{entity_id}", flag_value: false });
  await rule(api, "c-trigger", { event: "invoice.chased", action: "trigger" });
  await rule(api, "d-off", { event: "invoice.chased", action: "complete", enabled: false });
  await rule(api, "e-pause", { event: "invoice.disputed", action: "pause" });

  const { done } = await send(api, { ...PAID, type: "invoice.chased" });
  expect(done.map(({ rule, reminders, flag_key }) => [rule, reminders, flag_key])).toEqual([
    ["a-flag", 0, "seen:42"],
    ["b-flag", 0, "seen:42"],
    ["c-trigger", 1, null],
  ]);
  expect((await api.call("GET", "/flags/seen:42")).body).toMatchObject({ value: false });
  expect((await api.timeline(id)).at(-1)).toMatchObject({ type: "triggered" });

  await send(api, { ...PAID, type: "invoice.disputed" });
  expect((await api.get(id)).status).toBe("PAUSED");
});

test.each(["complete", "pause", "trigger"] as const)(
  "%s by an event leaves a reminder as the route of that name does",
  async (action) => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await rule(api, "does", { event: "x", action, entity_type: "{kind}", entity_id: "1" });
    const cron = { schedule_type: "cron", cron: "0 9 * * *", time_zone: "Europe/Berlin", interval_minutes: null };
    for (const schedule of [
      {},
      { schedule_type: "one_time", interval_minutes: null, run_at: "2999-01-01T00:00:00Z" },
      cron,
    ]) {
      const kinds = ["route", "event"].map((kind) => `${kind} ${JSON.stringify(schedule).length}`);
      const [byRoute, byEvent] = await Promise.all(
        kinds.map((kind) => api.create({ entity_type: kind, entity_id: "1", ...schedule })),
      );
      await api.act((byRoute as ReminderJson).id, action);
      expect((await send(api, { type: "x", kind: kinds[1] })).done).toMatchObject([{ reminders: 1 }]);
      const essence = async ({ id }: ReminderJson) => {
        const [row] = await database.query<Record<string, unknown>>(
          `select status, needs_attention, next_run_at is null as is_over, next_run_at <= reminder_now() as is_due, next_wall_at,
                  case when next_run_at is not null then zone_rules end as zone_rules,
                  completed_at is null as is_open, run_at, anchor_at is null as has_no_anchor, occurrence_count
             from reminder_jobs where id = $1`,
          [id],
        );
        return { ...row, events: (await api.timeline(id)).map(({ type }) => type) };
      };
      const expected = await essence(byRoute as ReminderJson);
      expect(await essence(byEvent as ReminderJson)).toEqual(expected);
    }
  },
);

describe("the same event again", () => {
  test("does nothing, and tells what was done; another sender's of the same id is another event", async () => {
    const api = await startApi(await freshDatabase());
    await rule(api, "paid", { event: "invoice.paid", action: "complete" });
    const first = await api.create(INVOICE);
    const told = await send(api, { ...PAID, id: 7 });
    const second = await api.create(INVOICE);

    expect(await send(api, { ...PAID, id: "7" })).toEqual({ ...told, duplicate: true });
    expect((await api.get(second.id)).status).toBe("ACTIVE");
    expect(told.done[0]?.reminder_ids).toEqual([first.id]);

    const cloudEvent = {
      ...PAID,
      id: "7",
      specversion: "1.0",
      source: "/billing",
      datacontenttype: "application/json",
    };
    const answer = await api.call("POST", "/events", cloudEvent, { "content-type": "application/cloudevents+json" });
    expect(answer.body).toMatchObject({ duplicate: false, done: [{ reminder_ids: [second.id] }] });
  });

  test("is done once by all who send it at the same moment", async () => {
    const api = await startApi(await freshDatabase());
    await rule(api, "a", { event: "invoice.paid", action: "complete" });
    await rule(api, "b", { event: "invoice.paid", action: "set_flag", flag_key: "paid" });
    const { id } = await api.create(INVOICE);
    const answers = await Promise.all(Array.from({ length: 12 }, () => send(api, { ...PAID, id: "evt" })));
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    for (const { done } of answers) expect(done).toMatchObject([{ reminder_ids: [id] }, { flag_key: "paid" }]);
    expect((await api.timeline(id)).filter(({ type }) => type === "completed")).toHaveLength(1);
  });

  test("is known for seven days, and forgotten then", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await rule(api, "paid", { event: "invoice.paid", action: "complete" });
    await send(api, { ...PAID, id: "evt" });
    await send(api, { ...PAID, id: "other" });
    await advance(database, { days: 6 });
    expect((await send(api, { ...PAID, id: "evt" })).duplicate).toBe(true);
    await advance(database, { days: 1 });
    expect((await send(api, { ...PAID, id: "evt" })).duplicate).toBe(false);
    worldOn(database).work();
    await until(
      async () => (await database.query("select from inbound_events")).length === 1,
      "the old one is forgotten and the new one kept",
    );
  });
});

describe("all or nothing", () => {
  const many = (count: number) => `
    insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes)
    select 'invoice', '42', 'e' || n, 'sink', 'recurring', 60 from generate_series(1, ${count}) as n`;

  test("thousands are completed at once, each with its line", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await database.query(many(4_100));
    await rule(api, "paid", { event: "invoice.paid", action: "complete" });
    const { done } = await send(api, PAID);
    expect(done[0]).toMatchObject({ reminders: 4_100 });
    expect(done[0]?.reminder_ids).toHaveLength(100);
    expect(await database.query("select from reminder_jobs where status = 'COMPLETED'")).toHaveLength(4_100);
    expect(await database.query("select from reminder_events where type = 'completed'")).toHaveLength(4_100);
  });

  test("while somebody holds the last of them, none is completed, no flag is set, and the next try does it all", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await database.query(many(2_100));
    await rule(api, "a", { event: "invoice.paid", action: "set_flag", flag_key: "paid" });
    await rule(api, "b", { event: "invoice.paid", action: "complete" });
    await database.transaction(async (sql) => {
      await sql.query("select from reminder_jobs where id = (select max(id) from reminder_jobs) for update");
      expect(await api.refused(503, "POST", "/events", { ...PAID, id: "evt" })).toMatchObject({
        detail: expect.stringContaining("try again"),
      });
    });
    expect(await database.query("select from reminder_jobs where status <> 'ACTIVE'")).toEqual([]);
    expect(await database.query("select from status_flags")).toEqual([]);
    expect(await send(api, { ...PAID, id: "evt" })).toMatchObject({
      duplicate: false,
      done: [{}, { reminders: 2_100 }],
    });
  });

  test("what is fired meanwhile is waited for, and completed as it is then", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { id } = await api.create(INVOICE);
    await rule(api, "paid", { event: "invoice.paid", action: "complete" });
    let sent: Promise<Outcome> | null = null;
    await database.transaction(async (sql) => {
      await sql.query("update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual' where id = $1", [
        id,
      ]);
      sent = send(api, PAID);
      await until(async () => (await lockWaits(database)) > 0, "the event waits for the row");
    });
    expect(await sent).toMatchObject({ done: [{ reminders: 0 }] });
    expect((await api.get(id)).completion_reason).toBe("manual");
  });

  test("too many for one transaction are refused, and left as they are", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await database.query(many(20_001));
    await rule(api, "paid", { event: "invoice.paid", action: "complete" });
    const { detail } = await api.refused(409, "POST", "/events", { ...PAID, id: "evt" });
    expect(detail).toContain("more than 20000 reminders");
    expect(await database.query("select from reminder_jobs where status <> 'ACTIVE' limit 1")).toEqual([]);
    expect(await database.query("select from inbound_events")).toEqual([]);
  });
});

describe("rules", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ action: "complete" }, "event"],
    [{ event: "a*b", action: "complete" }, "event"],
    [{ event: "a", action: "delete" }, "action"],
    [{ event: "a", action: "complete", flag_key: "x" }, "flag_key"],
    [{ event: "a", action: "set_flag" }, "flag_key"],
    [{ event: "a", action: "set_flag", flag_key: "x", entity_id: "1" }, "entity_id"],
    [{ event: "a", action: "set_flag", flag_key: "{x" }, "flag_key"],
    [{ event: "a", action: "complete", entity_id: "{a..b}" }, "entity_id"],
    [{ event: "a", action: "complete", source: "No Name" }, "source"],
    [{ event: "a", action: "complete", script: "1" }, "script"],
  ];
  test("that can't be right are refused for the field that is wrong", async () => {
    const api = await startApi(await freshDatabase());
    for (const [body, field] of wrong) {
      const { errors } = await api.refused(422, "PUT", "/event-rules/x", body);
      expect(
        errors?.map((error) => error.field),
        JSON.stringify(body),
      ).toContain(field);
    }
  });

  test("are made, read, listed, replaced and forgotten, and an edit doesn't overwrite another", async () => {
    const api = await startApi(await freshDatabase());
    const body = { event: "a", action: "complete" };
    const made = await api.call("PUT", "/event-rules/x", body);
    expect(made.status).toBe(201);
    expect((await api.call("PUT", "/event-rules/x", body)).status).toBe(200);
    const etag = made.headers.get("etag") ?? "";
    expect((await api.call("PUT", "/event-rules/x", { ...body, enabled: false }, { "if-match": etag })).status).toBe(
      200,
    );
    expect((await api.call("PUT", "/event-rules/x", { ...body, event: "b" }, { "if-match": etag })).status).toBe(412);
    await rule(api, "w", { event: "w", action: "pause" });
    expect(await api.all("/event-rules?limit=1")).toMatchObject([
      { rule: "w" },
      { rule: "x", enabled: false, event: "a" },
    ]);
    expect((await api.call("DELETE", "/event-rules/x")).status).toBe(204);
    await api.refused(404, "GET", "/event-rules/x");
  });

  test("there are no more than each event can be held against", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await database.query(
      `insert into event_rules (name, event, action, entity_type, entity_id)
       select 'r' || n, 'a', 'complete', 'x', 'y' from generate_series(1, 500) as n`,
    );
    await api.refused(409, "PUT", "/event-rules/one-more", { event: "a", action: "complete" });
    expect((await api.call("PUT", "/event-rules/r1", { event: "b", action: "complete" })).status).toBe(200);
  });
});

test("two events whose rules mean the same in opposite order wait for each other, and don't deadlock", async () => {
  const api = await startApi(await freshDatabase());
  const pause = (event: string, entity_id: string) => ({ event, action: "pause", entity_type: "invoice", entity_id });
  const flag = (event: string, flag_key: string) => ({ event, action: "set_flag", flag_key });
  await rule(api, "a1", pause("forth", "{data.first}"));
  await rule(api, "a2", pause("forth", "{data.second}"));
  await rule(api, "a3", flag("forth", "x"));
  await rule(api, "a4", flag("forth", "y"));
  await rule(api, "b1", flag("back", "y"));
  await rule(api, "b2", pause("back", "{data.second}"));
  await rule(api, "b3", pause("back", "{data.first}"));
  await rule(api, "b4", flag("back", "x"));

  const done: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    const data = { first: `first-${round}`, second: `second-${round}` };
    const ids = await Promise.all(Object.values(data).map((entity_id) => api.create({ ...INVOICE, entity_id })));
    const types = ["forth", "back", "forth", "back"];
    const outcomes = await Promise.all(types.map((type) => send(api, { type, data })));
    done.push(...outcomes.map((outcome) => outcome.done.map((one) => one.rule).join()));
    for (const { id } of ids) expect((await api.get(id)).status).toBe("PAUSED");
  }

  expect(new Set(done)).toEqual(new Set(["a1,a2,a3,a4", "b1,b2,b3,b4"]));
});
