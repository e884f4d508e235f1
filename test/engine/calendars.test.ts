import { pino } from "pino";
import { describe, expect, onTestFinished, test } from "vitest";
import { renewCalendars } from "../../src/engine/renew-holidays.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { holding } from "../support/holding.ts";
import { openOracle, outsideOnLoopback, untilSaid } from "../support/oracle.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The database's instant, and where its days begin in UTC. */
async function clock(database: { query(text: string): Promise<Record<string, unknown>[]> }): Promise<number> {
  const [row] = await database.query("select reminder_now() as now");
  return row?.now as number;
}

const iso = (at: number): string => new Date(at).toISOString();
const hhmm = (at: number): string => iso(at).slice(11, 16);

describe("calendars", () => {
  /** Open all days from the given hour on for an hour. */
  const hours = (from: string, to: string): string =>
    JSON.stringify(
      Object.fromEntries(
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].map((day) => [
          day,
          [{ from, to }],
        ]),
      ),
    );

  test("what plain SQL inserts goes by its calendar, whatever its kind, and moves when the calendar is changed", async () => {
    const { database, insert, reminder, work } = await world();
    await database.query("insert into calendars (name, time_zone, hours) values ('noon', 'UTC', $1)", [
      hours("12:00", "13:00"),
    ]);
    work();
    const now = await clock(database);
    const tomorrow = Math.floor(now / DAY) * DAY + 2 * DAY;
    const once = await insert({
      schedule_type: "one_time",
      interval_minutes: null,
      run_at: iso(tomorrow),
      calendar: "noon",
    });
    const counted = await insert({
      ...{ interval_minutes: 90, start_at: iso(tomorrow + 12 * HOUR), calendar: "noon", counts_in: "working_time" },
    });
    const cron = await insert({ schedule_type: "cron", interval_minutes: null, cron: "0 3 * * *", calendar: "noon" });
    const due = async (id: number) => (await reminder(id)).next_run_at as number;
    await until(async () => (await due(once)) && (await due(counted)) && (await due(cron)), "all are worked out");
    expect(await due(once)).toBe(tomorrow + 12 * HOUR);
    expect(await due(counted)).toBe(tomorrow + 12 * HOUR);
    expect(hhmm(await due(cron))).toBe("12:00");

    await database.query("update calendars set hours = $1", [hours("15:00", "16:00")]);
    await until(async () => hhmm(await due(cron)) === "15:00" && hhmm(await due(once)) === "15:00", "all have moved");
  });

  test("one whose holidays can't be written now keeps those of no other from being renewed", async () => {
    const { database } = await world();
    const impatient = openDatabase({ url: `${database.url}?options=-c%20lock_timeout%3D100` });
    onTestFinished(() => impatient.close());
    for (const name of ["first", "second"]) {
      await database.query("insert into calendars (name, time_zone, country) values ($1, 'UTC', 'DE')", [name]);
    }
    const release = await holding(database, "select reminder_lock_plans('default', 'calendar first', true)");
    await renewCalendars(workerDatabase(impatient), pino({ level: "silent" }));
    await release();

    const rows = await database.query("select name, holidays <> '[]' as has_any from calendars order by name");
    expect(rows).toEqual([
      { name: "first", has_any: false },
      { name: "second", has_any: true },
    ]);
  });

  test("a calendar that nobody can read pauses its reminder alone, and the timeline says why", async () => {
    const { database, insert, becomes, events, work, sink } = await world();
    await database.query(`insert into calendars (name, time_zone, hours) values ('bad', 'Mars/Olympus', '{}')`);
    work();
    const bad = await insert({ calendar: "bad" });
    const good = await insert({ run_at: new Date() });
    await becomes(bad, { status: "PAUSED" });
    expect((await events(bad)).at(-1)?.because).toMatch(/time zone/);
    await until(async () => sink.received.length === 1, "the other one is sent");
    await becomes(good, { status: "ACTIVE" });
  });
});

describe("quiet hours", () => {
  /** Quiet from an hour ago until in two hours, on UTC's clock; and when that ends. */
  function around(now: number): { hours: string; end: number } {
    const end = Math.ceil(now / HOUR) * HOUR + 2 * HOUR;
    return { hours: JSON.stringify([{ from: hhmm(end - 4 * HOUR), to: hhmm(end) }]), end };
  }

  test.each(["contact", "reminder", "tenant"])("of the %s delay the delivery, not the schedule", async (whose) => {
    const { database, insert, deliveries, events, reminder, becomes, deliveryBecomes, advance, work, sink } =
      await world();
    const now = await clock(database);
    const { hours, end } = around(now);
    if (whose === "tenant") await database.query("update tenants set quiet_hours = $1", [hours]);
    if (whose === "contact") {
      await database.query(
        "insert into contacts (entity_type, entity_id, quiet_hours) values ('invoice', 'QUIET', $1)",
        [hours],
      );
    }
    const own = whose === "reminder" ? { quiet_hours: hours } : {};
    const id = await insert({ entity_id: "QUIET", run_at: iso(now), interval_minutes: 1_440, ...own });
    work();
    await becomes(id, { occurrence_count: 1 });
    expect(await deliveries(id)).toMatchObject([{ status: "pending", next_attempt_at: end, attempts: 0 }]);
    expect((await reminder(id)).next_run_at).toBe(now + DAY);
    expect((await events(id)).map(({ type, because }) => [type, because])).toEqual([
      ["quiet", `waits for the end of the quiet hours (UTC) at ${iso(end)}`],
    ]);
    expect(sink.received).toHaveLength(0);

    await advance({ seconds: (end - now) / 1_000 });
    await deliveryBecomes(id, "sent");
    expect(sink.received).toHaveLength(1);
  });

  test("when they end, the stop condition is asked again, and a newer occurrence has taken the place of older ones", async () => {
    const { database, insert, deliveries, becomes, deliveryBecomes, advance, work, sink } = await world();
    const now = await clock(database);
    const { hours, end } = around(now);
    const flagged = { stop_condition_type: "db_check", stop_condition_value: "paid:{entity_id}" };
    // Twice before they end, and not a third time.
    const common = { run_at: iso(now), interval_minutes: 95, quiet_hours: hours };
    const stopped = await insert({ ...common, entity_id: "STOPPED", ...flagged });
    const goesOn = await insert({ ...common, entity_id: "GOES_ON" });
    work();
    await becomes(stopped, { occurrence_count: 1 });
    await becomes(goesOn, { occurrence_count: 1 });
    await advance({ minutes: 95 });
    await becomes(goesOn, { occurrence_count: 2 });
    await becomes(stopped, { occurrence_count: 2 });
    // By hand, so that only the gate can find it: no worker settles what isn't set.
    await database.query("insert into status_flags (key, value) values ('paid:STOPPED', true)");
    await database.query("update status_flags set unsettled = false");
    await advance({ seconds: (end - now) / 1_000 - 95 * 60 });
    await until(async () => sink.received.length > 0, "one is sent");
    await deliveryBecomes(stopped, "suppressed");
    await until(
      async () => (await deliveries(goesOn)).every(({ status }) => status === "sent" || status === "suppressed"),
      "all have ended",
    );
    const ended = await deliveries(goesOn);
    expect(ended.filter(({ status }) => status === "sent")).toHaveLength(1);
    expect(ended.find(({ status }) => status === "suppressed")?.reason).toMatch(/newer occurrence/);
    expect(sink.received).toHaveLength(1);
    await becomes(stopped, { status: "COMPLETED", completion_reason: "stop_condition" });
  });

  test("when they end, somebody outside is asked again, however long the answer of before may be used", async () => {
    const oracle = await openOracle();
    const { database, insert, deliveryBecomes, advance, work, sink } = await world();
    const now = await clock(database);
    const { hours, end } = around(now);
    await advance({ seconds: (end - now) / 1_000 - 1_800 });
    const common = { run_at: iso(end - 1_800_000), ...untilSaid(oracle.url, { cache_seconds: 3_600 }) };
    const id = await insert({ ...common, quiet_hours: hours });
    work({}, outsideOnLoopback());
    await deliveryBecomes(id, "pending");
    const before = oracle.asked.length;
    expect(before).toBeGreaterThan(0);
    // What has no quiet hours goes by the answer that is there.
    const other = await insert(common);
    await deliveryBecomes(other, "sent");
    expect(oracle.asked).toHaveLength(before);

    oracle.says = "done";
    await advance({ seconds: 1_800 });
    await deliveryBecomes(id, "suppressed");
    expect(oracle.asked).toHaveLength(before + 1);
    expect(sink.received).toHaveLength(1);
  });

  test("a retry that comes into them waits too, and what ignores them leaves at once", async () => {
    const { database, insert, deliveries, events, deliveryBecomes, advance, work, sink } = await world();
    const now = await clock(database);
    const begin = Math.ceil(now / HOUR) * HOUR + HOUR;
    const hours = JSON.stringify([{ from: hhmm(begin), to: hhmm(begin + 2 * HOUR) }]);
    const { behave } = sink;
    sink.behave = () => Promise.reject(new Error("mailbox busy"));
    const id = await insert({ run_at: iso(now), interval_minutes: 5 * 1_440, quiet_hours: hours });
    work({ retry: { maxAttempts: 5, baseSeconds: (begin - now) / 1_000 + 3_600, factor: 1, capSeconds: 14_400 } });
    await deliveryBecomes(id, "retrying");
    sink.behave = behave;
    // However it is spread, the retry comes within them.
    await advance({ seconds: (begin - now) / 1_000 + 6_600 });
    await until(async () => (await events(id)).some(({ type }) => type === "quiet"), "it is held back");
    expect(await deliveries(id)).toMatchObject([
      { status: "retrying", attempts: 1, next_attempt_at: begin + 2 * HOUR },
    ]);
    const loud = await insert({ run_at: iso(now), quiet_hours: hours, ignore_quiet_hours: true });
    await deliveryBecomes(loud, "sent");
    await advance({ seconds: 600 });
    expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 2 });
  });
});

test("a tenant's time zone holds where neither reminder nor contact has one, and a change of it replans", async () => {
  const { database, insert, reminder, work } = await world();
  await database.query("update tenants set time_zone = 'Asia/Kathmandu' where name = 'default'");
  await database.query(
    "insert into contacts (entity_type, entity_id, time_zone) values ('invoice', 'THERE', 'Europe/Berlin')",
  );
  work();
  const nine = { schedule_type: "cron", interval_minutes: null, cron: "0 9 * * *" };
  const tenants = await insert({ ...nine, entity_id: "HERE" });
  const contacts = await insert({ ...nine, entity_id: "THERE" });
  const own = await insert({ ...nine, entity_id: "OWN", time_zone: "America/St_Johns" });
  const due = async (id: number) => (await reminder(id)).next_run_at as number | null;
  await until(async () => (await due(tenants)) && (await due(contacts)) && (await due(own)), "all are worked out");
  expect(hhmm((await due(tenants)) as number)).toBe("03:15");
  const others = [await due(contacts), await due(own)];
  await database.query("update tenants set time_zone = 'Asia/Tokyo' where name = 'default'");
  await until(async () => hhmm((await due(tenants)) as number) === "00:00", "it has moved");
  expect([await due(contacts), await due(own)]).toEqual(others);
});

test("start_at in the past gives by SQL what the same wish gives by the API", async () => {
  const { startApi } = await import("../support/api.ts");
  const { database, insert, reminder, work } = await world();
  const api = await startApi(database);
  work();
  const now = await clock(database);
  const start = iso(now - 10 * DAY - 17 * 60_000);
  const wishes = [
    { schedule_type: "recurring", interval_minutes: 60, start_at: start },
    { schedule_type: "recurring", interval_minutes: 60, start_at: start, jitter_seconds: 1_800 },
    { schedule_type: "backoff", interval_minutes: 60, start_at: start },
  ];
  for (const wish of wishes) {
    const same = { entity_type: "a", entity_id: `S${wishes.indexOf(wish)}`, event_type: "e", channel: "sink", ...wish };
    const byApi = await api.create(same);
    await api.remove(byApi.id);
    const id = await insert(same);
    await until(async () => (await reminder(id)).next_run_at !== null, "it is worked out");
    expect(iso((await reminder(id)).next_run_at as number)).toBe(byApi.next_run_at);
  }
});
