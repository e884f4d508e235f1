import ICAL from "ical.js";
import { expect, test } from "vitest";
import { Preview } from "../../src/api/schemas/preview.ts";
import { startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

/** Reads a calendar with a parser that others wrote, after a look at what parsers forgive. */
function read(text: string): { uid: string; start: string; stamp: string; summary: string; description: string }[] {
  expect(text).toMatch(/^BEGIN:VCALENDAR\r\n[\s\S]*\r\nEND:VCALENDAR\r\n$/);
  expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  expect(text).not.toContain("\r\n\r\n");
  for (const line of text.split("\r\n")) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
  const calendar = new ICAL.Component(ICAL.parse(text));
  expect(calendar.getFirstPropertyValue("version")).toBe("2.0");
  expect(calendar.getFirstPropertyValue("prodid")).toBeTruthy();
  return calendar.getAllSubcomponents("vevent").map((component) => {
    const { uid, startDate, summary, description } = new ICAL.Event(component);
    const stamp = component.getFirstPropertyValue("dtstamp") as ICAL.Time;
    expect(startDate.zone.tzid).toBe("UTC");
    return {
      uid,
      summary,
      description,
      start: startDate.toJSDate().toISOString(),
      stamp: stamp.toJSDate().toISOString(),
    };
  });
}

const toSecond = (instant: string): string => instant.replace(/\.\d{3}Z$/, ".000Z");
const TEXT = { accept: "text/calendar" };

test("the calendar holds the messages of the preview, each under a UID that stays, before it is created and after", async () => {
  const api = await startApi(await freshDatabase());
  const asked = wish({
    entity_type: "Rechnung; alt, neu\\",
    entity_id: `"Ünï🙂,;:\\n${"🙂é".repeat(60)}`,
    ...{ schedule_type: "cron", interval_minutes: null, cron: "30 2 * * *", time_zone: "Europe/Berlin" },
    ...{ start_at: "2027-03-26T12:00:00Z", max_occurrences: 3 },
  });
  const post = async (path: string, headers = {}): Promise<string> => {
    const json = { "content-type": "application/json", ...headers };
    const response = await fetch(`${api.url}${path}`, { method: "POST", body: JSON.stringify(asked), headers: json });
    expect(response.headers.get("content-type")).toBe("text/calendar; charset=utf-8");
    return response.text();
  };
  const { occurrences, as_of: asOf } = Preview.parse((await api.call("POST", "/reminders/preview", asked)).body);
  const events = read(await post("/reminders/preview.ics"));
  expect(events.map(({ start, description }) => [start, description])).toEqual(
    occurrences.map(({ at, sentence }) => [toSecond(at), sentence]),
  );
  for (const { summary, stamp } of events) {
    expect(summary).toBe(`Feedback form (${asked.entity_type} ${asked.entity_id})`);
    expect(stamp >= toSecond(asOf)).toBe(true);
  }
  const uids = events.map(({ uid }) => uid);
  expect(new Set(uids).size).toBe(3);
  expect(read(await post("/reminders/preview", TEXT)).map(({ uid }) => uid)).toEqual(uids);

  const { id } = await api.create(asked);
  for (const [path, headers] of [
    [`/reminders/${id}/preview.ics`, {}],
    [`/reminders/${id}/preview`, TEXT],
  ] as const) {
    const known = await (await fetch(`${api.url}${path}`, { headers })).text();
    expect(read(known).map(({ uid }) => uid)).toEqual(uids);
  }
});

test("who would rather have JSON gets it; where nothing is sent, it is a calendar all the same", async () => {
  const api = await startApi(await freshDatabase());
  const { id } = await api.create();
  const typeFor = async (accept: string): Promise<string | null> =>
    (await fetch(`${api.url}/reminders/${id}/preview`, { headers: { accept } })).headers.get("content-type");
  expect(await typeFor("text/calendar;q=0.5, application/json")).toMatch(/^application\/json/);
  expect(await typeFor("*/*")).toMatch(/^application\/json/);
  expect(await typeFor("text/calendar;q=0")).toMatch(/^application\/json/);
  expect(await typeFor("application/json;q=0.5, TEXT/Calendar")).toMatch(/^text\/calendar/);

  await api.act(id, "complete");
  const nothing = await fetch(`${api.url}/reminders/${id}/preview.ics`);
  expect(nothing.headers.get("content-type")).toBe("text/calendar; charset=utf-8");
  const text = await nothing.text();
  expect(read(text)).toEqual([]);
  // RFC 5545 §3.6: at least one component.
  expect(text).toMatch(/\r\nBEGIN:VTIMEZONE\r\n.*\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n$/s);
});
