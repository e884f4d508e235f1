import { beforeAll, describe, expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, runProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";
import { world, worldOn } from "../support/world.ts";

beforeAll(buildProgram);

const OFFICE = {
  time_zone: "Europe/Berlin",
  hours: { monday: [{ from: "09:00", to: "17:00" }], friday: [{ from: "09:00", to: "13:00" }] },
  country: "DE",
  region: "BY",
};
const YEAR = new Date().getUTCFullYear() + 3;
const START = `${YEAR}-03-20T22:30:00Z`;
/** Each begins years ahead, so that what comes out doesn't depend on when it is asked. */
const WISHES: Record<string, unknown>[] = [
  { schedule_type: "one_time", run_at: START },
  {
    schedule_type: "recurring",
    interval_minutes: 1_440,
    start_at: START,
    calendar: "office",
    counts_in: "working_time",
  },
  {
    schedule_type: "recurring",
    interval_minutes: 2_880,
    start_at: START,
    calendar: "office",
    counts_in: "working_days",
  },
  { schedule_type: "cron", cron: "30 2 * * *", time_zone: "Europe/Berlin", start_at: START },
  { schedule_type: "cron", cron: "15 0 1 * *", start_at: START, calendar: "office", outside_working_time: "previous" },
  { schedule_type: "rrule", rrule: `DTSTART:${YEAR}0101T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR`, start_at: START },
  { schedule_type: "offsets", offsets: ["-P1D", "P1M"], anchor_at: `${YEAR}-12-31T23:59:00Z` },
  { schedule_type: "backoff", interval_minutes: 90, start_at: START },
];

/** When all of these are due, created by the API and by plain SQL, with this TZ of the process and this TimeZone of the database. */
async function dueIn(zone: string): Promise<unknown[]> {
  const database = await freshDatabase();
  await database.query(
    `do $$ begin execute format('alter database %I set timezone = %L', current_database(), '${zone}'); end $$`,
  );
  await database.query("update tenants set time_zone = 'America/New_York'");
  const program = runProgram(["start"], { DATABASE_URL: database.url, TZ: zone });
  await program.says("🟢 Scheduler started");
  const url = program.told("API");
  const send = async (method: string, path: string, body: unknown): Promise<Record<string, unknown>> => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(new URL(path, url), { method, headers, body: JSON.stringify(body) });
    expect(response.status).toBe(201);
    return (await response.json()) as Record<string, unknown>;
  };
  const calendar = await send("PUT", "/calendars/office", OFFICE);
  const { insert, reminder } = worldOn(database);
  const found: unknown[] = [(calendar.holidays as unknown[]).length];
  for (const [index, wish] of WISHES.entries()) {
    const key = { entity_type: "api", entity_id: `${index}`, event_type: "e", channel: "console" };
    const created = await send("POST", "/reminders/", { ...key, ...wish });
    const id = await insert({ interval_minutes: null, ...key, ...wish, entity_type: "sql" });
    await until(async () => (await reminder(id)).next_run_at !== null, `wish ${index} is worked out`);
    const bySql = new Date((await reminder(id)).next_run_at as number).toISOString();
    expect({ wish, due: bySql }).toEqual({ wish, due: created.next_run_at });
    found.push(bySql);
  }
  program.kill("SIGTERM");
  await program.ended;
  return found;
}

test("results are the same under any TZ of the process and any TimeZone of the database, by API and by SQL", async () => {
  const inUtc = await dueIn("UTC");
  for (const zone of ["Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]) {
    expect({ zone, due: await dueIn(zone) }).toEqual({ zone, due: inUtc });
  }
});

describe("what is created while somebody changes what it goes by is due by the change", () => {
  const hhmm = (at: unknown): string => new Date(at as number).toISOString().slice(11, 16);

  test.each([
    ["the contact's zone", "update contacts set time_zone = 'Asia/Tokyo'", "00:00"],
    ["the tenant's zone", "update tenants set time_zone = 'Asia/Tokyo'", "00:00"],
    ["a calendar", `update calendars set hours = '{"friday": [{"from": "12:00", "to": "13:00"}]}'`, "12:00"],
  ])("%s", async (what, change, expected) => {
    const { database, reminder, work } = await world();
    const isContact = what.startsWith("the contact");
    if (isContact) {
      await database.query(
        "insert into contacts (entity_type, entity_id, time_zone) values ('a', 'b', 'Asia/Kathmandu')",
      );
    }
    await database.query(
      `insert into calendars (name, time_zone, hours) values ('c', 'UTC', '{"friday": [{"from": "10:00", "to": "11:00"}]}')`,
    );
    const api = await startApi(database);
    const wish = {
      entity_type: "a",
      entity_id: "b",
      schedule_type: "cron",
      interval_minutes: undefined,
      cron: "0 9 * * *",
    };
    const other = what === "a calendar" ? { calendar: "c" } : {};
    // The change is made, and not yet committed, when the reminder is created by what was before.
    let created: Promise<{ id: number }> | null = null;
    await database.transaction(async (sql) => {
      await sql.query(change);
      created = api.create({ ...wish, ...other });
      await until(async () => {
        const [row] = await database.query<{ waits: boolean; is_there: boolean }>(
          `select exists (select from pg_locks where locktype = 'advisory' and not granted) as waits,
                  exists (select from reminder_jobs) as is_there`,
        );
        return row?.waits || row?.is_there;
      }, "it waits for the change, or is there");
    });
    const { id } = (await created) as unknown as { id: number };
    work();
    await until(async () => hhmm((await reminder(id)).next_run_at) === expected, `it is due at ${expected}`);
  });
});
