import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { Retryable } from "../../src/channels/channel.ts";
import { Maintainer } from "../../src/engine/maintain.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { ZONE_RULES } from "../../src/store/zone-rules.ts";
import { startApi } from "../support/api.ts";
import { DELIVERED } from "../support/sink.ts";
import { world } from "../support/world.ts";

const DAY = 86_400_000;
const daily = { schedule_type: "cron", cron: "0 9 * * *", interval_minutes: null };

describe("plain SQL", () => {
  test("a rule that was inserted by hand is worked out by a worker, and fires", async () => {
    const { insert, reminder, work, advance, deliveryBecomes, sink } = await world();
    work();
    const id = await insert(daily);
    await expect.poll(async () => (await reminder(id)).next_run_at).not.toBeNull();
    const { next_run_at: next } = await reminder(id);
    expect((next as number) % DAY).toBe(9 * 3_600_000);
    await advance({ days: 1 });
    await deliveryBecomes(id, "sent");
    expect(sink.received).toHaveLength(1);
    expect((await reminder(id)).next_run_at).toBe((next as number) + DAY);
  });

  test("jitter makes no second occurrence of the one that run_at asked for", async () => {
    const { insert, reminder, work, deliveryBecomes } = await world();
    work();
    const runAt = new Date(Math.floor(Date.now() / 1_000) * 1_000);
    // Each has jitter of its own: of some of them it would have led to a little later.
    const ids = await Promise.all(
      Array.from({ length: 5 }, () => insert({ run_at: runAt, interval_minutes: 60, jitter_seconds: 3_000 })),
    );
    for (const id of ids) {
      await deliveryBecomes(id, "sent");
      const { next_run_at: next, occurrence_count: count } = await reminder(id);
      expect(count).toBe(1);
      expect(next as number).toBeGreaterThanOrEqual(runAt.getTime() + 3_600_000);
    }
  });

  test("one that nobody can read is paused, and the timeline says why", async () => {
    const { insert, work, becomes, events } = await world();
    const id = await insert({ ...daily, cron: "never" });
    const due = await insert({ ...daily, cron: "never", run_at: new Date(0) });
    work();
    for (const bad of [id, due]) {
      await becomes(bad, { status: "PAUSED" });
      expect((await events(bad)).at(-1)).toMatchObject({
        type: "paused",
        because: expect.stringContaining("five fields"),
      });
    }
  });

  test("one in a time zone that nobody knows is paused, and not sent by UTC, until somebody corrects it", async () => {
    const { database, insert, work, becomes, events, reminder } = await world();
    const fresh = await insert({ ...daily, time_zone: "Mars/X" });
    const changed = await insert({ ...daily, time_zone: "Europe/Berlin" });
    work();
    await expect.poll(async () => (await reminder(changed)).next_run_at).not.toBeNull();
    await database.query("update reminder_jobs set time_zone = 'Mars/X' where id = $1", [changed]);
    for (const id of [fresh, changed]) {
      await becomes(id, { status: "PAUSED" });
      expect((await events(id)).at(-1)?.because).toContain('goes by a time zone that isn\'t known here: "Mars/X"');
    }

    const api = await startApi(database);
    expect((await api.refused(409, "POST", `/reminders/${fresh}/resume`)).detail).toContain("Mars/X");
    await api.patch(fresh, { time_zone: "UTC" });
    await api.act(fresh, "resume");
    expect(((await reminder(fresh)).next_run_at as number) % DAY).toBe(9 * 3_600_000);
  });

  test("where the rule doesn't go by the clock, or has a zone of its own, an unknown zone keeps nothing from being sent", async () => {
    const { insert, work, reminder, deliveryBecomes } = await world();
    work();
    const once = await insert({
      schedule_type: "one_time",
      interval_minutes: null,
      time_zone: "Mars/X",
      run_at: new Date(0),
    });
    const rrule = "DTSTART;TZID=Europe/Berlin:20260101T090000\nRRULE:FREQ=DAILY";
    const own = await insert({ schedule_type: "rrule", rrule, interval_minutes: null, time_zone: "Mars/X" });
    await deliveryBecomes(once, "sent");
    await expect.poll(async () => (await reminder(own)).next_run_at).not.toBeNull();
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["holds what is no duration", { offsets: [null], anchor_at: new Date("2090-01-01") }, { status: "PAUSED" }],
    [
      "lies beyond the last year",
      { offsets: ["P7D"], anchor_at: new Date("9999-12-31") },
      { completion_reason: "schedule_ended" },
    ],
  ])("one that %s keeps no other from being worked out", async (_, columns, end) => {
    const { insert, reminder, work, becomes } = await world();
    const bad = await insert({ schedule_type: "offsets", interval_minutes: null, ...columns });
    const good = await insert(daily);
    work();
    await expect.poll(async () => (await reminder(good)).next_run_at, { timeout: 60_000 }).not.toBeNull();
    await becomes(bad, end);
  });

  test.each<[string, string]>([
    ["a rule without another occurrence", "max_occurrences = null, end_at = reminder_now()"],
    ["another zone, where it has fired as often as it may", "time_zone = 'Asia/Tokyo'"],
  ])("%s, given while its last message waits for its retry, lets that be sent, and nothing more", async (_, change) => {
    const { database, insert, reminder, work, advance, becomes, deliveries, deliveryBecomes, sink } = await world();
    sink.behave = () => {
      throw new Retryable("busy");
    };
    work();
    const id = await insert({ ...daily, run_at: new Date(0), max_occurrences: 1 });
    await deliveryBecomes(id, "retrying");
    await database.query(`update reminder_jobs set ${change} where id = $1`, [id]);
    await expect.poll(async () => (await reminder(id)).zone_rules, { timeout: 60_000 }).toBe(ZONE_RULES);
    expect(await reminder(id)).toMatchObject({ status: "ACTIVE", next_run_at: null });

    sink.behave = () => DELIVERED;
    await advance({ days: 2 });
    await becomes(id, { status: "COMPLETED" });
    expect(await deliveries(id)).toMatchObject([{ status: "sent", attempts: 2 }]);
  });

  test("a backoff begins with its first wait, and the waits grow", async () => {
    const { insert, reminder, work, advance, deliveryBecomes } = await world();
    const id = await insert({ schedule_type: "backoff", interval_minutes: 60 });
    const first = (await reminder(id)).next_run_at as number;
    work();
    await advance({ minutes: 61 });
    await deliveryBecomes(id, "sent");
    expect((await reminder(id)).next_run_at).toBe(first + 2 * 3_600_000);
  });
});

test("a reminder that has fired as often as it may is done when its last message is sent", async () => {
  const { insert, work, becomes, advance, deliveries } = await world();
  const id = await insert({ interval_minutes: 60, max_occurrences: 2, run_at: new Date(0) });
  work();
  await becomes(id, { occurrence_count: 1 });
  await expect
    .poll(async () => (await deliveries(id)).map(({ status }) => status), { timeout: 60_000 })
    .toEqual(["sent"]);
  await advance({ minutes: 61 });
  await becomes(id, { status: "COMPLETED", completion_reason: "max_occurrences", occurrence_count: 2 });
  expect((await deliveries(id)).map(({ status }) => status)).toEqual(["sent", "sent"]);
});

test("with the policy `all` every missed occurrence has its message, however late", async () => {
  const { insert, work, advance, deliveries, sink } = await world();
  const id = await insert({ interval_minutes: 60, misfire_policy: "all" });
  await advance({ minutes: 5 * 60 + 30 });
  work();
  await expect.poll(() => sink.received.length, { timeout: 60_000 }).toBe(5);
  await expect.poll(async () => (await deliveries(id)).map(({ status }) => status)).toEqual(Array(5).fill("sent"));
});

test("with the policy `all` a message that waits for its retry is sent, although the last one was sent before it", async () => {
  const { database, insert, work, advance, becomes, deliveries, events, reminder, sink } = await world();
  const id = await insert({ interval_minutes: 60, misfire_policy: "all", max_occurrences: 2 });
  const first = (await reminder(id)).next_run_at;
  sink.behave = ({ occurrenceAt }) => {
    if (occurrenceAt === first) throw new Retryable("busy", 600_000);
    return DELIVERED;
  };
  await advance({ minutes: 150 });
  work();
  const statuses = async (): Promise<unknown[]> => (await deliveries(id)).map(({ status }) => status);
  await expect.poll(statuses, { timeout: 60_000 }).toEqual(["retrying", "sent"]);
  await new Maintainer(workerDatabase(database), 90, pino({ level: "silent" })).maintain();
  const api = await startApi(database);
  await api.act(id, "pause");
  expect(await api.act(id, "resume")).toMatchObject({ status: "ACTIVE", next_run_at: null, occurrence_count: 2 });

  sink.behave = () => DELIVERED;
  await advance({ minutes: 60 });
  await becomes(id, { status: "COMPLETED", completion_reason: "max_occurrences" });
  expect(await statuses()).toEqual(["sent", "sent"]);
  expect((await events(id)).filter(({ type }) => type === "completed")).toHaveLength(1);
});

test("with the policy `skip` none has, the timeline says so, and it goes on", async () => {
  const { insert, work, advance, events, reminder, sink } = await world();
  const id = await insert({ interval_minutes: 60, misfire_policy: "skip" });
  await advance({ minutes: 5 * 60 + 30 });
  work();
  await expect.poll(async () => (await events(id)).map(({ type }) => type)).toEqual(["missed"]);
  expect(await reminder(id)).toMatchObject({ occurrence_count: 0, status: "ACTIVE" });
  expect(sink.received).toHaveLength(0);
  await advance({ minutes: 30 });
  await expect.poll(() => sink.received.length).toBe(1);
});

describe("the time zone rules of the runtime change", () => {
  /** As an older program would have left it: worked out by rules that were `hours` off. */
  const outdated = (hours: number) =>
    `update reminder_jobs set zone_rules = '2000a', next_run_at = next_run_at - interval '${hours} hours'`;

  test("what waits is worked out anew, each once, by however many workers at once", async () => {
    const { database, insert, reminder, work } = await world();
    const first = work();
    const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => insert({ ...daily, cron: `${n} 9 * * *` })));
    await expect
      .poll(async () => (await database.query("select from reminder_jobs where next_run_at is null")).length)
      .toBe(0);
    await first.stop();
    const right = await Promise.all(ids.map(async (id) => (await reminder(id)).next_run_at));
    await database.query(`${outdated(-2)}`);

    work({ batchSize: 7 });
    work({ batchSize: 7 });
    await expect
      .poll(async () => (await database.query("select from reminder_jobs where zone_rules <> $1", [ZONE_RULES])).length)
      .toBe(0);
    expect(await Promise.all(ids.map(async (id) => (await reminder(id)).next_run_at))).toEqual(right);
  });

  test("what would be due by the old rules, and isn't by the new ones, isn't sent, and later it is, once", async () => {
    const { database, insert, reminder, work, advance, deliveries, sink } = await world();
    const first = work();
    const id = await insert(daily);
    await expect.poll(async () => (await reminder(id)).next_run_at).not.toBeNull();
    await first.stop();
    const right = (await reminder(id)).next_run_at as number;
    // Due for an hour already, as far as the row says.
    const [clock] = await database.query("select reminder_now() as now");
    await advance({ seconds: (right - (clock?.now as number)) / 1_000 - 3_600 });
    await database.query(outdated(2));

    work();
    await expect.poll(async () => (await reminder(id)).next_run_at).toBe(right);
    expect(sink.received).toHaveLength(0);
    await advance({ minutes: 61 });
    await expect.poll(() => sink.received.length).toBe(1);
    expect(await deliveries(id)).toMatchObject([{ occurrence_at: right }]);
    expect((await reminder(id)).next_run_at).toBe(right + DAY);
  });
});
