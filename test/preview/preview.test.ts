import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { Preview } from "../../src/api/schemas/preview.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { client, type ProblemJson, startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

type PreviewJson = z.output<typeof Preview>;

async function preview(api: TestApi, fields: Record<string, unknown>, query = ""): Promise<PreviewJson> {
  const { status, body } = await api.call("POST", `/reminders/preview${query}`, wish(fields));
  expect(status, JSON.stringify(body)).toBe(200);
  return Preview.parse(body);
}

async function previewOf(api: TestApi, id: number, query = ""): Promise<PreviewJson> {
  const { status, body } = await api.call("GET", `/reminders/${id}/preview${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return Preview.parse(body);
}

const CRON = { schedule_type: "cron", interval_minutes: null, cron: "30 2 * * *", time_zone: "Europe/Berlin" };

describe("before it is created", () => {
  test("it tells when, where the clocks change, and which is the last and why; and nothing is created", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const seen = await preview(api, { ...CRON, start_at: "2027-03-26T12:00:00Z", max_occurrences: 3 });
    expect(seen.occurrences.map(({ local, utc_offset: offset }) => `${local}${offset}`)).toEqual([
      "2027-03-27T02:30:00+01:00",
      "2027-03-28T03:00:00+02:00",
      "2027-03-29T02:30:00+02:00",
    ]);
    expect(seen.occurrences.map(({ moved }) => moved.map(({ by, from_local: from }) => [by, from]))).toEqual([
      [],
      [["clocks_skip", "2027-03-28T02:30:00"]],
      [],
    ]);
    expect(seen.occurrences.map(({ is_last: isLast }) => isLast)).toEqual([false, false, true]);
    expect(seen).toMatchObject({ stopped_by: "end", end: { reason: "max_occurrences", at: seen.occurrences[2]?.at } });
    expect(await database.query("select from reminder_jobs")).toEqual([]);
  });

  test.each<[string, Record<string, unknown>]>([
    ["a rule that never fires", { ...CRON, cron: "0 0 31 2 *" }],
    ["a rule that can't be read", { ...CRON, cron: "now" }],
    ["too often", { schedule_type: "rrule", interval_minutes: null, rrule: "FREQ=MINUTELY;BYSECOND=0,10" }],
    ["a bound that means nothing", { schedule_type: "one_time", interval_minutes: null, max_occurrences: 2 }],
    ["an unknown channel", { channel: "pigeon" }],
    ["no recipient that the channel takes", { recipient: "nowhere" }],
    ["an unknown field", { colour: "red" }],
    ["half a stop condition", { stop_condition_type: "db_check" }],
    ["a flag that can't be", { stop_condition_type: "db_check", stop_condition_value: "{entity_id}".repeat(45) }],
  ])("%s is refused as creating it would be", async (_, fields) => {
    const api = await startApi(await freshDatabase());
    const asked = wish({ entity_id: "x".repeat(20), ...fields });
    const refused: ProblemJson = await api.refused(422, "POST", "/reminders/preview", asked);
    expect(refused).toEqual(await api.refused(422, "POST", "/reminders/", asked));
  });

  test("what is told of occurrences none of which is sent claims nothing of those after them", async () => {
    const api = await startApi(await freshDatabase());
    const often = { interval_minutes: 10, quiet_hours: [{ from: "00:00", to: "23:59" }] };
    const seen = await preview(api, { ...often, start_at: "2030-01-01T00:00:00Z" }, "?limit=3");
    expect(seen.occurrences.map(({ outcome }) => outcome)).toEqual(["suppressed", "suppressed", "suppressed"]);
    expect(seen).toMatchObject({ stopped_by: "limit", end: null });
    expect(seen.summary).toBe(
      "Nothing is sent for the first 3 occurrences; it goes on after that, and more are told with a larger limit.",
    );
    const further = await preview(api, { ...often, start_at: "2030-01-01T00:00:00Z" }, "?limit=200");
    expect(further.occurrences.map(({ outcome }) => outcome)).toContain("sent");
  });

  test("whoever wants several in one message gets it with the others; programs, and who is addressed by hand, don't", async () => {
    const api = await startApi(await freshDatabase());
    await api.putContact("person", "ann", {
      ...{ email: "ann@example.com", time_zone: "Europe/Berlin", quiet_hours: [{ from: "22:00", to: "07:00" }] },
      preferences: { digest: { at: ["06:30", "18:00"], except: ["sla"] } },
    });
    const ann = { entity_type: "person", entity_id: "ann", recipient: null, time_zone: null };
    const once = { schedule_type: "one_time", interval_minutes: null, run_at: "2030-03-01T20:00:00Z" };
    const { occurrences } = await preview(api, { ...ann, ...once, event_type: "payment" });
    expect(occurrences).toMatchObject([
      { at: "2030-03-02T06:00:00.000Z", held_until: "2030-03-02T06:00:00.000Z", outcome: "sent" },
    ]);
    expect(occurrences[0]?.moved.map(({ by, from }) => [by, from])).toEqual([
      ["digest", "2030-03-01T20:00:00.000Z"],
      ["quiet_hours", "2030-03-02T05:31:00.000Z"],
    ]);
    for (const other of [{ event_type: "sla" }, { recipient: "bob@example.com" }]) {
      const [alone] = (await preview(api, { ...ann, ...once, event_type: "payment", ...other })).occurrences;
      expect(alone).toMatchObject({ at: "2030-03-01T20:00:00.000Z", moved: [] });
    }
  });

  test("it looks as far as it is told, and no further than five years", async () => {
    const api = await startApi(await freshDatabase());
    const daily = { interval_minutes: 1_440 };
    expect((await preview(api, daily)).occurrences).toHaveLength(10);
    const far = await preview(api, daily, "?limit=500");
    expect(far).toMatchObject({ stopped_by: "limit", end: null });
    expect(far.occurrences).toHaveLength(500);
    const soon = new Date(Date.parse(far.as_of) + 3.5 * 86_400_000).toISOString();
    const near = await preview(api, daily, `?until=${soon}`);
    expect(near.occurrences).toHaveLength(3);
    expect(near).toMatchObject({ stopped_by: "until", end: null });

    const tooFar = new Date(Date.parse(far.as_of) + 6 * 366 * 86_400_000).toISOString();
    const passed = new Date(Date.parse(far.as_of) - 1_000).toISOString();
    for (const query of ["limit=0", "limit=501", `until=${tooFar}`, `until=${passed}`, "until=soon", "n=3"]) {
      const { errors } = await api.refused(422, "POST", `/reminders/preview?${query}`, wish());
      expect(errors, query).toMatchObject([{ in: "query", field: query.split("=")[0] }]);
    }
  });

  test("a run_at in the past is due at once; the flag as it is now, and who is there already, are told", async () => {
    const api = await startApi(await freshDatabase());
    const asked = { run_at: "2020-01-01T00:00:00Z", stop_condition_type: "db_check", stop_condition_value: "paid" };
    const seen = await preview(api, asked, "?limit=2");
    expect(seen.occurrences[0]).toMatchObject({
      occurrence_at: "2020-01-01T00:00:00.000Z",
      at: seen.as_of,
      stands_for: 0,
    });
    expect(seen.occurrences[0]?.moved).toMatchObject([{ by: "misfire" }]);
    expect(seen.assumptions.at(-1)).toContain('flag "paid" is not set');

    await api.setFlag("paid", true);
    const done = await preview(api, asked);
    expect(done.occurrences).toMatchObject([{ outcome: "completed", number: null }]);
    expect(done).toMatchObject({ end: { reason: "stop_condition", because: 'flag "paid" is set' }, stopped_by: "end" });

    const { id, entity_id } = await api.create();
    expect((await preview(api, { entity_id })).assumptions[0]).toContain(`Reminder ${id} is ACTIVE`);
  });

  test("what can't be worked out whoever is asked holds it, as it will, unless it is to be sent all the same", async () => {
    const made = await world();
    const api = await startApi(made.database, { channels: channelMap([made.sink]) });
    const lacking = { channel: "sink", stop_condition_type: "expression", stop_condition_value: "data.paid" };
    const asked = { ...lacking, interval_minutes: 60, run_at: "2020-01-01T00:00:00Z" };
    const seen = await preview(api, asked);
    expect(seen.occurrences).toMatchObject([{ outcome: "held", at: seen.as_of, number: null, is_last: false }]);
    expect(seen).toMatchObject({ stopped_by: "held", end: null });
    expect(seen.summary).toMatch(/^Nothing is sent: it is held until somebody can say .*: .* there is no paid/);
    expect(seen.assumptions.at(-1)).toMatch(/^Nobody can say .*, and nothing is sent: /);
    const sent = await preview(api, { ...asked, on_unknown: "send" }, "?limit=2");
    expect(sent.occurrences.map(({ outcome }) => outcome)).toEqual(["sent", "sent"]);
    // Another condition in it that is to be asked outside may still settle it.
    const http = { type: "http_check", value: "https://billing.example.com/" };
    const either = { conditions: [{ type: "expression", value: "data.paid" }, http] };
    const open = { stop_condition_type: "any_of", stop_condition_value: null, stop_condition_settings: either };
    expect((await preview(api, { ...asked, ...open }, "?limit=1")).occurrences).toMatchObject([{ outcome: "sent" }]);

    const [held, loud] = await Promise.all([api.create(asked), api.create({ ...asked, on_unknown: "send" })]);
    made.work();
    await made.deliveryBecomes(loud.id, "sent");
    await made.becomes(held.id, { unknown_count: 1 });
    expect(made.sink.received).toHaveLength(1);
    expect(await previewOf(api, held.id)).toMatchObject({ stopped_by: "held", occurrences: [{ outcome: "held" }] });
    // What may come of asking again comes when it is asked again.
    const [{ ask_at: askAt } = {}] = await made.database.query(
      `update reminder_jobs set ask_at = reminder_now() + interval '1 hour' where id = $1 returning ask_at`,
      [held.id],
    );
    const [next] = (await previewOf(api, held.id)).occurrences;
    expect(next).toMatchObject({ outcome: "held", at: new Date(askAt as number).toISOString() });
    // Who asks for it to fire doesn't wait so long.
    await api.act(held.id, "trigger");
    await made.becomes(held.id, { unknown_count: 2 });
    const { body } = await api.call("GET", `/reminders/${held.id}/explain`);
    const said = (body as { present: { kind: string }[] }).present.map(({ kind }) => kind);
    expect(said).toEqual(expect.arrayContaining(["unanswered", "held"]));
    expect(said).not.toContain("due");
  });

  test("who may create may ask what would come of it, who may only read may not; and the audit, which is of changes, says nothing of it", async () => {
    const database = await freshDatabase();
    const { url } = await startApi(database);
    const reader = client(url, (await giveKey(database, { scopes: ["reminders:read"] })).text);
    const writer = client(url, (await giveKey(database, { scopes: ["reminders:write"] })).text);
    // By a condition of one's own choice, a preview would tell of flags and contacts.
    expect((await reader.call("POST", "/reminders/preview", wish())).status).toBe(403);
    expect((await writer.call("POST", "/reminders/preview", wish())).status).toBe(200);
    await writer.create();
    expect(await database.query("select operation from audit_log")).toEqual([{ operation: "createReminder" }]);
  });
});

describe("of one that there is", () => {
  test("it tells in every state what comes, or why nothing does", async () => {
    const { database, sink, work, advance } = await world();
    const api = await startApi(database, { channels: channelMap([sink]) });
    const { id, next_run_at: next } = await api.create({ channel: "sink", interval_minutes: 60, max_occurrences: 2 });
    const seen = await previewOf(api, id);
    expect(seen.occurrences.map(({ occurrence_at: at }) => at)).toHaveLength(2);
    expect(seen.occurrences[0]?.occurrence_at).toBe(next);

    await api.act(id, "pause");
    expect(await previewOf(api, id)).toMatchObject({
      status: "PAUSED",
      stopped_by: "state",
      occurrences: [],
      end: null,
    });
    expect((await previewOf(api, id)).summary).toMatch(
      /^Nothing is sent: it is PAUSED; resumed now, it would be due on /,
    );
    await api.act(id, "resume");
    await api.remove(id);
    expect((await previewOf(api, id)).summary).toMatch(
      /^Nothing is sent: it was deleted on .*; restored now, it would be due/,
    );
    await api.act(id, "restore");

    work();
    await advance({ minutes: 60 });
    await until(() => sink.received.length === 1, "the first is sent");
    expect((await previewOf(api, id)).occurrences).toMatchObject([{ number: 2, is_last: true }]);
    let answer: (() => void) | undefined;
    sink.behave = () =>
      new Promise((resolve) => {
        answer = () => resolve(DELIVERED);
      });
    await advance({ minutes: 60 });
    await until(() => answer, "the second is under way");
    expect((await previewOf(api, id)).summary).toContain("waits for that message to end");
    answer?.();
    await until(async () => (await api.get(id)).status === "COMPLETED", "it is done");
    expect((await previewOf(api, id)).summary).toMatch(
      /^Nothing is sent: it was COMPLETED on .* \(max_occurrences\)\.$/,
    );
    await api.refused(404, "GET", "/reminders/4711/preview");
  });

  test("its contact's zone counts, also where that was changed and no worker has looked yet; and plain SQL's", async () => {
    const { database, insert } = await world();
    const api = await startApi(database);
    const { time_zone: _, ...cron } = CRON;
    const { id, entity_id } = await api.create(cron);
    expect(await previewOf(api, id)).toMatchObject({ time_zone: "UTC" });
    await api.putContact("interviewer", entity_id, { time_zone: "Asia/Tokyo" });
    const seen = await previewOf(api, id, "?limit=1");
    expect(seen.occurrences).toMatchObject([
      { local: expect.stringContaining("T02:30:00"), utc_offset: "+09:00", moved: [] },
    ]);

    const plain = await insert({ schedule_type: "cron", cron: "0 9 * * *", interval_minutes: null });
    expect((await previewOf(api, plain)).occurrences[0]?.local).toMatch(/T09:00:00$/);
    const bad = await insert({ schedule_type: "cron", cron: "never", interval_minutes: null });
    expect((await previewOf(api, bad)).summary).toContain("its cron must have five fields");
  });

  test("what is due because somebody asked for it is told apart from what its rule names", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create(CRON);
    await api.act(id, "trigger");
    const { occurrences } = await previewOf(api, id, "?limit=2");
    expect(occurrences.map(({ moved }) => moved.map(({ by }) => by))).toMatchObject([
      expect.arrayContaining(["asked_for"]),
      [],
    ]);
  });
});
