import { expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";

const NINE_TO_FIVE = [{ from: "09:00", to: "17:00" }];
const OFFICE = {
  time_zone: "Europe/Berlin",
  hours: {
    monday: NINE_TO_FIVE,
    tuesday: NINE_TO_FIVE,
    wednesday: NINE_TO_FIVE,
    thursday: NINE_TO_FIVE,
    friday: NINE_TO_FIVE,
  },
};

test("a calendar is created, listed, read, changed and deleted, each as often as you like", async () => {
  const api = await startApi(await freshDatabase());
  const created = await api.call("POST", "/calendars", { name: "office", ...OFFICE });
  expect(created).toMatchObject({ status: 201, body: { name: "office", ...OFFICE, dates: [], country: null } });
  expect(created.headers.get("location")).toBe("/calendars/office");
  expect(await api.call("POST", "/calendars", { name: "office", ...OFFICE })).toMatchObject({ status: 200 });
  await api.refused(409, "POST", "/calendars", { name: "office", ...OFFICE, time_zone: "UTC" });

  expect(await api.call("PUT", "/calendars/a b", OFFICE)).toMatchObject({ status: 201 });
  expect((await api.all("/calendars?limit=1")).map((calendar) => (calendar as { name: string }).name)).toEqual([
    "a b",
    "office",
  ]);
  const { body, headers } = await api.call("GET", "/calendars/office");
  expect(body).toEqual(created.body);
  const etag = headers.get("etag") as string;
  expect(await api.call("GET", "/calendars/office", undefined, { "if-none-match": etag })).toMatchObject({
    status: 304,
  });
  const utc = { ...OFFICE, time_zone: "UTC" };
  expect(await api.call("PUT", "/calendars/office", utc, { "if-match": etag })).toMatchObject({ status: 200 });
  expect(await api.call("PUT", "/calendars/office", OFFICE, { "if-match": etag })).toMatchObject({ status: 412 });
  expect(await api.call("DELETE", "/calendars/office", undefined, { "if-match": etag })).toMatchObject({ status: 412 });
  expect(await api.call("DELETE", "/calendars/office")).toMatchObject({ status: 204 });
  expect(await api.call("DELETE", "/calendars/office")).toMatchObject({ status: 204 });
  await api.refused(404, "GET", "/calendars/office");
});

test("holidays are those of the country and its region, and loading them holds up nobody", async () => {
  const api = await startApi(await freshDatabase());
  const asking = api.call("PUT", "/calendars/by", { ...OFFICE, country: "DE", region: "BY" });
  let answered = 0;
  const others = (async () => {
    for (; answered < 5; answered += 1) await api.call("GET", "/calendars");
  })();
  await others;
  const { body } = await asking;
  const { holidays } = body as { holidays: { date: string; name: string }[] };
  const year = new Date().getUTCFullYear() + 1;
  const dates = new Map(holidays.map(({ date, name }) => [date, name]));
  expect(dates.get(`${year}-12-25`)).toMatch(/Weihnacht/);
  expect(dates.get(`${year}-01-06`)).toMatch(/Drei Könige/);
  expect(Math.max(...holidays.map(({ date }) => Number(date.slice(0, 4))))).toBe(new Date().getUTCFullYear() + 10);
  const berlin = await api.call("PUT", "/calendars/be", { ...OFFICE, country: "DE", region: "BE" });
  expect(JSON.stringify(berlin.body)).not.toContain(`${year}-01-06`);
});

test.each([
  ["hours", { hours: {} }, /never would be/],
  ["hours", { hours: { monday: [{ from: "17:00", to: "09:00" }] } }, /end on the day they begin/],
  ["hours.monday.0.from", { hours: { monday: [{ from: "9:00", to: "17:00" }] } }, /like "09:00"/],
  ["hours.funday", { hours: { funday: [] } }, /known are: .*monday, /],
  ["dates", { dates: [{ date: "2026-02-30" }] }, /that there isn't, or not in the years/],
  [
    "dates.1.date",
    { dates: [{ date: "2026-12-24" }, { date: "2026-12-24", hours: NINE_TO_FIVE }] },
    /more than once: 2026-12-24/,
  ],
  ["country", { country: "XX" }, /must be one of AD, /],
  ["region", { country: "DE", region: "ZZ" }, /BW, /],
  ["country", { region: "BY" }, /must be given where region is/],
  ["time_zone", { time_zone: "Berlin" }, /Europe\/Berlin/],
])("a wrong %s is refused (%#)", async (field, rules, message) => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "PUT", "/calendars/x", { ...OFFICE, ...rules });
  expect(errors).toEqual([expect.objectContaining({ field, message: expect.stringMatching(message) })]);
});

test("a reminder goes by a calendar: what it says comes back, what can't be is refused, and it keeps its calendar", async () => {
  const api = await startApi(await freshDatabase());
  await api.call("PUT", "/calendars/office", OFFICE);
  const sunday = "2031-03-02T10:00:00Z";
  const moved = await api.create({
    schedule_type: "one_time",
    interval_minutes: undefined,
    run_at: sunday,
    calendar: "office",
  });
  expect(moved).toMatchObject({ calendar: "office", counts_in: "all_time", outside_working_time: "next" });
  expect(moved.next_run_at).toBe("2031-03-03T08:00:00.000Z");
  const before = await api.patch(moved.id, { outside_working_time: "previous" });
  expect(before.next_run_at).toBe("2031-02-28T15:59:00.000Z");
  expect(await api.patch(moved.id, { calendar: null })).toMatchObject({
    calendar: null,
    next_run_at: "2031-03-02T10:00:00.000Z",
  });
  const series = await api.create({ run_at: sunday, calendar: "office", interval_minutes: 60 });
  expect(series.next_run_at).toBe("2031-03-03T08:00:00.000Z");
  expect((await api.patch(series.id, { calendar: null })).next_run_at).toBe("2031-03-02T10:00:00.000Z");
  await api.patch(series.id, { calendar: "office" });
  const other = await api.patch(series.id, { calendar: null, interval_minutes: 90 });
  expect(other.next_run_at).toBe("2031-03-02T10:00:00.000Z");

  const anchor = { schedule_type: "offsets", interval_minutes: undefined, anchor_at: "2031-02-28T15:00:00+01:00" };
  const counted = await api.create({ ...anchor, offsets: ["PT4H"], calendar: "office", counts_in: "working_time" });
  expect(counted.next_run_at).toBe("2031-03-03T10:00:00.000Z");
  const days = await api.patch(counted.id, { counts_in: "working_days", offsets: ["P1DT30M"] });
  expect(days.next_run_at).toBe("2031-03-03T14:30:00.000Z");

  const refused = async (fields: object): Promise<string | undefined> =>
    (await api.refused(422, "POST", "/reminders/", { ...(await bare()), ...fields })).errors?.[0]?.field;
  expect(await refused({ calendar: "nowhere" })).toBe("calendar");
  expect(await refused({ counts_in: "working_time" })).toBe("counts_in");
  expect(await refused({ calendar: "office", counts_in: "working_days" })).toBe("interval_minutes");
  expect(await refused({ calendar: "office", ...anchor, offsets: ["P1W"], counts_in: "working_days" })).toBe("offsets");
  const cron = { schedule_type: "cron", interval_minutes: undefined, cron: "0 9 * * *" };
  expect(await refused({ calendar: "office", ...cron, counts_in: "working_time" })).toBe("counts_in");

  await api.refused(409, "DELETE", "/calendars/office");
  await api.act(counted.id, "complete");
  expect(await api.call("DELETE", "/calendars/office")).toMatchObject({ status: 204 });
});

async function bare(): Promise<Record<string, unknown>> {
  const { wish } = await import("../support/api.ts");
  return wish();
}

test("what is asked for at the very end of the year 9999 stays there, though its calendar is closed", async () => {
  const api = await startApi(await freshDatabase());
  await api.call("PUT", "/calendars/office", OFFICE);
  const once = { schedule_type: "one_time", interval_minutes: null, calendar: "office" };
  const run_at = "9999-12-31T23:59:59.999Z";
  const reminder = await api.create({ ...once, run_at });
  expect(reminder).toMatchObject({ next_run_at: run_at });
  const other = await api.create({ ...once, run_at: "2031-05-01T10:00:00Z" });
  expect(await api.patch(other.id, { run_at })).toMatchObject({ next_run_at: run_at });
});

test("quiet hours are kept as they were said, and what leaves no time is refused", async () => {
  const api = await startApi(await freshDatabase());
  const night = [{ from: "22:00", to: "07:00" }];
  const reminder = await api.create({ quiet_hours: night, ignore_quiet_hours: true });
  expect(reminder).toMatchObject({ quiet_hours: night, ignore_quiet_hours: true });
  expect(await api.patch(reminder.id, { quiet_hours: null, ignore_quiet_hours: false })).toMatchObject({
    quiet_hours: null,
    ignore_quiet_hours: false,
  });
  const weekend = [{ days: ["saturday", "sunday"], from: "00:00", to: "24:00" }];
  expect(await api.putContact("a", "b", { quiet_hours: weekend })).toMatchObject({ quiet_hours: weekend });
  const always = [...night, { from: "07:00", to: "22:00" }];
  await api.refused(422, "PUT", "/contacts/a/b", { quiet_hours: always });
  await api.refused(422, "PATCH", `/reminders/${reminder.id}`, { quiet_hours: always });
  await api.refused(422, "PATCH", `/reminders/${reminder.id}`, { quiet_hours: [{ from: "24:00", to: "07:00" }] });
});

test("a change under a condition and a reminder that is just being created for it don't wait for each other", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { headers } = await api.call("POST", "/calendars", { name: "office", ...OFFICE });
  const etag = headers.get("etag") as string;

  await database
    .transaction(async (sql) => {
      await sql.query("select reminder_lock_plans('default', 'calendar office', true)");
      const change = api.call("PUT", "/calendars/office", { ...OFFICE, time_zone: "UTC" }, { "if-match": etag });
      await until(
        async () =>
          (
            await database.query(
              "select from pg_locks where locktype = 'advisory' and not granted and database = " +
                "(select oid from pg_database where datname = current_database())",
            )
          ).length > 0,
        "the change waits for what is being created",
      );
      await sql.query(
        `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, cron, calendar)
       values ('invoice', 'INV_1', 'payment', 'console', 'cron', '0 3 * * *', 'office')`,
      );
      return { change };
    })
    .then(async ({ change }) => expect(await change).toMatchObject({ status: 200, body: { time_zone: "UTC" } }));
});

test.each([".", "..", "a/b", "a\\b"])(
  "a name that would be lost as a part of an address is refused: %s",
  async (name) => {
    const api = await startApi(await freshDatabase());
    const rules = { time_zone: "UTC", hours: { monday: [{ from: "09:00", to: "17:00" }] } };
    const { errors } = await api.refused(422, "POST", "/calendars/", { name, ...rules });
    expect(errors?.[0]?.field).toBe("name");
    if (!name.startsWith(".")) await api.refused(422, "PUT", `/calendars/${encodeURIComponent(name)}`, rules);
  },
);
