import { describe, expect, test } from "vitest";
import { channelMap } from "../../src/channels/registry.ts";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { sinkChannel } from "../support/sink.ts";
import { world } from "../support/world.ts";

const byRule = { interval_minutes: undefined, schedule_type: "cron", cron: "0 9 * * MON-FRI" };
const wallIn = (zone: string, instant: unknown): string =>
  new Date(String(instant)).toLocaleTimeString("en-GB", { timeZone: zone });

describe("each kind is created, shown as it was said, and due at an occurrence of its own", () => {
  const soon = new Date(Date.now() + 3 * 86_400_000).toISOString();
  test.each<[string, Record<string, unknown>]>([
    ["cron", { cron: "*/5 9-17 * * MON-FRI", time_zone: "Europe/Berlin" }],
    ["rrule", { rrule: "DTSTART;TZID=Europe/Berlin:20260101T090000\nRRULE:FREQ=DAILY" }],
    ["offsets", { offsets: ["-P1D", "PT0S", "P3D"], anchor_at: soon }],
    ["backoff", { interval_minutes: 60, interval_factor: 1.5, max_interval_minutes: 1_440 }],
    ["recurring", { interval_minutes: 60, start_at: soon, jitter_seconds: 600, misfire_policy: "all" }],
  ])("%s", async (type, fields) => {
    const api = await startApi(await freshDatabase());
    const wish = { interval_minutes: undefined, schedule_type: type, end_at: "2099-01-01T00:00:00.000Z", ...fields };
    const created = await api.create({ ...wish, max_occurrences: 5 });
    expect(created).toMatchObject({ ...JSON.parse(JSON.stringify(wish)), max_occurrences: 5 });
    expect(Date.parse(String(created.next_run_at))).toBeGreaterThan(Date.parse(created.created_at));
    expect(await api.get(created.id)).toEqual(created);
  });
});

test("a calendar's event is taken as it is, and a bare rule gets the start that it began with", async () => {
  const api = await startApi(await freshDatabase());
  const event = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "SUMMARY:Pay", "DTSTART;TZID=America/New_York:20260101T090000"];
  const lines = [...event, "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1", "END:VEVENT", "END:VCALENDAR"].join("\r\n");
  const uploaded = await api.create({ ...byRule, schedule_type: "rrule", cron: undefined, rrule: lines });
  expect(wallIn("America/New_York", uploaded.next_run_at)).toBe("09:00:00");

  const bare = await api.create({ ...byRule, schedule_type: "rrule", cron: undefined, rrule: "FREQ=WEEKLY;BYDAY=MO" });
  expect(bare.rrule).toMatch(/^DTSTART:\d{8}T\d{6}\nRRULE:FREQ=WEEKLY;BYDAY=MO$/);
  const todo = [
    "BEGIN:VCALENDAR",
    "BEGIN:VTODO",
    "UID:1",
    "DUE:20300101T090000Z",
    "RRULE:FREQ=DAILY;COUNT=4",
    "END:VTODO",
  ];
  const rrule = [...todo, "END:VCALENDAR"].join("\r\n");
  const begun = await api.create({ ...byRule, event_type: "todo", schedule_type: "rrule", cron: undefined, rrule });
  expect(begun.rrule).toMatch(/\nBEGIN:VTODO\r\nDTSTART:\d{8}T\d{6}\nUID:1\r\n/);
});

describe("whose clocks a rule goes by", () => {
  test("the reminder's own, else its contact's, else UTC", async () => {
    const api = await startApi(await freshDatabase());
    await api.putContact("patient", "1", { time_zone: "Asia/Tokyo" });
    const own = await api.create({ ...byRule, entity_type: "patient", entity_id: "1", time_zone: "America/New_York" });
    const theirs = await api.create({ ...byRule, entity_type: "patient", entity_id: "1", event_type: "other" });
    const none = await api.create(byRule);
    expect(wallIn("America/New_York", own.next_run_at)).toBe("09:00:00");
    expect(wallIn("Asia/Tokyo", theirs.next_run_at)).toBe("09:00:00");
    expect(wallIn("UTC", none.next_run_at)).toBe("09:00:00");
  });

  test("a contact that moves takes its reminders along", async () => {
    const { database, work } = await world();
    const api = await startApi(database, { channels: channelMap([sinkChannel()]) });
    const { id } = await api.create({ ...byRule, channel: "sink", entity_type: "patient", entity_id: "1" });
    work();
    await api.putContact("patient", "1", { time_zone: "Asia/Tokyo" });
    await expect.poll(async () => wallIn("Asia/Tokyo", (await api.get(id)).next_run_at)).toBe("09:00:00");
  });
});

describe("changing it", () => {
  test("another rule, another zone and other bounds count from now on; the same again changes nothing", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    const edits = [
      { schedule_type: "cron", cron: "30 7 * * *", interval_minutes: null },
      { time_zone: "Asia/Kolkata" },
      { start_at: "2030-01-01T00:00:00.000Z", max_occurrences: 3 },
      { schedule_type: "backoff", cron: null, interval_minutes: 1_440 },
      { schedule_type: "recurring", interval_minutes: 1_440, start_at: null },
      { schedule_type: "one_time", max_occurrences: null },
    ];
    for (const edit of edits) {
      const once = await api.patch(id, edit);
      expect(once).toMatchObject({ ...edit, interval_minutes: once.interval_minutes });
      expect(once.next_run_at).not.toBeNull();
      expect(await api.patch(id, edit)).toEqual(once);
    }
    expect((await api.timeline(id)).filter(({ type }) => type === "updated")).toHaveLength(edits.length);
  });

  test("resumed, it goes on at its next occurrence; ended meanwhile, it is done", async () => {
    const { database, advance } = await world();
    const api = await startApi(database);
    const goesOn = await api.create({ ...byRule, cron: "0 9 * * *" });
    const ends = await api.create({ ...byRule, end_at: new Date(Date.now() + 8 * 86_400_000).toISOString() });
    await api.act(goesOn.id, "pause");
    await api.act(ends.id, "pause");
    await advance({ days: 10 });
    const resumed = await api.act(goesOn.id, "resume");
    expect(Date.parse(String(resumed.next_run_at)) - Date.parse(String(goesOn.next_run_at))).toBeGreaterThan(
      8 * 86_400_000,
    );
    expect(await api.act(ends.id, "resume")).toMatchObject({
      status: "COMPLETED",
      completion_reason: "schedule_ended",
    });
  });
});

describe("what can't be is refused when it is written, naming the field", () => {
  const rrule = (text: string) => ({ schedule_type: "rrule", cron: undefined, rrule: text });
  const offsets = (...list: string[]) => ({
    schedule_type: "offsets",
    cron: undefined,
    offsets: list,
    anchor_at: "2099-01-01T00:00:00Z",
  });
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["cron", { cron: "0 0 30 2 *" }, /never/],
    ["cron", { cron: "0 0 31 2,4,6,9,11 *" }, /never/],
    ["cron", { cron: "0 0 * * 1#6" }, /#1 to #5/],
    ["cron", { cron: "60 * * * *" }, /from 0 to 59/],
    ["cron", { cron: "* * * * * *" }, /five fields/],
    ["cron", { cron: "constructor" }, /five fields/],
    ["cron", { cron: "__proto__" }, /five fields/],
    ["cron", { cron: "5/15 * * * *" }, /5-59\/15/],
    ["cron", { cron: undefined }, /is required/],
    ["cron", { schedule_type: "recurring", interval_minutes: 5 }, /left out/],
    ["rrule", rrule("FREQ=SECONDLY"), /SECONDLY/],
    ["rrule", rrule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), /never/],
    ["rrule", rrule("FREQ=MINUTELY;BYSECOND=0,1"), /the least is 60 s/],
    ["rrule", rrule("DTSTART;TZID=Mars/Base:20260101T090000\nRRULE:FREQ=DAILY"), /time zone/],
    ["rrule", rrule("FREQ=DAILY;BYHOUR=25"), /BYHOUR/],
    ["rrule", rrule("FREQ=DAILY;COUNT=3;UNTIL=20990101"), /both/],
    ["rrule", rrule("DTSTART:20200101T000000Z\nRRULE:FREQ=DAILY;COUNT=3"), /never/],
    ["offsets", offsets("P1X"), /ISO 8601/],
    ["offsets", offsets("P20Y"), /ten years/],
    ["offsets", offsets("PT0S", "PT30S"), /the least is 60 s/],
    ["offsets", { ...offsets("PT0S"), anchor_at: "2020-01-01T00:00:00Z" }, /passed/],
    ["offsets", { ...offsets("P7D"), anchor_at: "9999-12-31T00:00:00Z" }, /never fire/],
    ["cron", { cron: "0 23 31 12 *", start_at: "9999-12-31T00:00:00Z", time_zone: "America/New_York" }, /never fire/],
    ["offsets", { ...offsets("PT0S"), anchor_at: "9999-12-31T23:00:00Z", time_zone: "Asia/Tokyo" }, /never fire/],
    ["end_at", { end_at: "2020-01-01T00:00:00Z" }, /later than/],
    ["run_at", { run_at: "2099-01-01T00:00:00Z" }, /start_at/],
    ["jitter_seconds", { cron: "* * * * *", jitter_seconds: 61 }, /at most 60/],
    ["max_occurrences", { max_occurrences: 0 }, /whole number/],
    ["misfire_policy", { misfire_policy: "sometimes" }, /catch_up_once/],
  ])("%s (%#)", async (field, fields, message) => {
    const api = await startApi(await freshDatabase());
    const { errors } = await api.refused(422, "POST", "/reminders/", {
      ...{ entity_type: "a", entity_id: "b", event_type: "c", channel: "email", ...byRule },
      ...fields,
    });
    expect(errors).toEqual([expect.objectContaining({ field, message: expect.stringMatching(message) })]);
  });

  test("more often than the operator's minimum", async () => {
    const api = await startApi(await freshDatabase(), { minIntervalSeconds: 900 });
    for (const fields of [{ interval_minutes: 5 }, { ...byRule, cron: "*/5 * * * *" }]) {
      const { errors } = await api.refused(422, "POST", "/reminders/", {
        ...{ entity_type: "a", entity_id: "b", event_type: "c", channel: "email", schedule_type: "recurring" },
        ...fields,
      });
      expect(errors?.[0]?.message).toMatch(/the least/);
    }
    const { id } = await api.create({ interval_minutes: 15 });
    await api.refused(422, "PATCH", `/reminders/${id}`, { interval_minutes: 14 });
  });
});
