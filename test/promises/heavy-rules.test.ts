import { describe, expect, test } from "vitest";
import { replanBatch } from "../../src/engine/replan.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { watchLoop } from "../support/loop.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

/** There is no 30th of February: to find that out takes all the steps that a rule may take, some hundredths of a second. */
const NEVER = "RRULE:FREQ=HOURLY;INTERVAL=7;BYMONTHDAY=30;BYMONTH=2";
const HEAVY = `DTSTART:20260101T000000Z\n${NEVER}\nRDATE:20991231T000000Z`;

/** So many that are due now, and take their time to be worked out again. */
async function insertHeavy({ database }: World, count: number, condition: object, from = 1): Promise<void> {
  const names = Object.keys(condition).map((name) => `, ${name}`);
  const values = Object.values(condition).map((value) => `, '${value}'`);
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, rrule, next_run_at${names.join("")})
     select 'heavy', n::text, 'payment', 'sink', 'heavy@example.org', 'rrule', $1, reminder_now() - interval '1 second'${values.join("")}
       from generate_series($3::int, $3::int + $2::int - 1) n`,
    [HEAVY, count, from],
  );
}

describe("P7: rules that take long to be worked out delay nobody but themselves", () => {
  test.each([
    ["", {}],
    [", asked about before", { stop_condition_type: "expression", stop_condition_value: "false" }],
  ])("what is due beside many of them is sent before these%s", async (_how, condition) => {
    const there = await world();
    const { sink, insert, work, database } = there;
    await insertHeavy(there, 250, condition);
    const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date(), ...condition });
    work();
    await until(() => sink.received.some(({ reminder }) => reminder.id === id), "it is sent");
    expect(sink.received.length).toBeLessThan(200);
    // Nor is any of them lost.
    await until(() => sink.received.length === 251, "all are sent");
    const open = () => database.query("select from deliveries where status = 'sending'");
    await until(async () => (await open()).length === 0, "what became of them is stored");
    expect(await database.query("select from deliveries where attempts > 1 or status <> 'sent'")).toEqual([]);
  });

  test.each([
    ["", {}],
    [", asked about before", { stop_condition_type: "expression", stop_condition_value: "false" }],
  ])(
    "so is what is due to another tenant, however old theirs are, and wherever its id lies%s",
    async (_how, condition) => {
      const there = await world();
      const { sink, work, database } = there;
      await createTenants(database, "acme");
      await insertHeavy(there, 120, condition);
      const names = Object.keys(condition).map((name) => `, ${name}`);
      const values = Object.values(condition).map((value) => `, '${value}'`);
      await database.query(
        `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at${names.join("")})
       values ('acme', 'invoice', '1', 'payment', 'sink', 'ann@example.org', 'one_time', reminder_now() - interval '1 second'${values.join("")})`,
      );
      await insertHeavy(there, 120, condition, 1_000);
      work();
      await until(() => sink.received.some(({ reminder }) => reminder.tenantId === "acme"), "it is sent");
      expect(sink.received.length).toBeLessThan(100);
    },
  );

  test("of many that plain SQL has written, some are worked out at a time, and in the end all", async () => {
    const { database, insert } = await world();
    for (let n = 0; n < 60; n += 1)
      await insert({ schedule_type: "rrule", rrule: HEAVY, interval_minutes: null, time_zone: "UTC" });
    const left = async () =>
      (await database.query("select from reminder_jobs where next_run_at is null and status = 'ACTIVE'")).length;
    expect(await replanBatch(workerDatabase(database), 300)).toBe(true);
    const leftAtFirst = await left();
    expect(leftAtFirst).toBeGreaterThan(0);
    expect(leftAtFirst).toBeLessThan(60);
    while (await replanBatch(workerDatabase(database), 300));
    expect(await left()).toBe(0);
  });

  test("many by one request hold no other request up, and each is refused for what it is", async () => {
    const api = await startApi(await freshDatabase());
    const reminders = Array.from({ length: 100 }, () =>
      wish({ schedule_type: "rrule", rrule: NEVER.replace("RRULE:", ""), interval_minutes: undefined }),
    );
    const loop = watchLoop();

    const { status, body } = await api.call("POST", "/reminders/bulk", { reminders });

    const { longestMs, allMs } = loop.stop();
    expect(status).toBe(200);
    const { results } = body as { results: { status: number }[] };
    expect(new Set(results.map((result) => result.status))).toEqual(new Set([422]));
    // Of all the work, and however quick the machine is: one rule of a hundred takes a hundredth.
    expect(longestMs / allMs).toBeLessThan(1 / 5);
  });
});
