import { describe, expect, test } from "vitest";
import { startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

const MINUTE = 60_000;
const ms = (iso: unknown): number => Date.parse(String(iso));

/** As the description of the service has it, word for word. */
const SPEC_REQUEST = {
  entity_type: "interviewer",
  entity_id: "INT_100",
  event_type: "feedback_form",
  channel: "email",
  schedule_type: "recurring",
  interval_minutes: 60,
  stop_condition_type: "db_check",
  stop_condition_value: "feedback_submitted",
};

test("the first reminder is answered as SPEC.md shows it, its fields first and in that order", async () => {
  const api = await startApi(await freshDatabase());

  const { status, headers, body } = await api.call("POST", "/reminders/", SPEC_REQUEST);

  expect(status).toBe(201);
  expect(headers.get("location")).toBe("/reminders/1");
  expect(body).toMatchObject({ id: 1, ...SPEC_REQUEST, status: "ACTIVE", created_at: expect.stringMatching(/Z$/) });
  expect(Object.keys(body as object).slice(0, 11)).toEqual([
    "id",
    ...Object.keys(SPEC_REQUEST),
    "status",
    "created_at",
  ]);
  expect((await api.call("GET", headers.get("location") as string)).body).toEqual(body);
});

test("with and without the trailing slash it is the same", async () => {
  const api = await startApi(await freshDatabase());
  const { body } = await api.call("POST", "/reminders", SPEC_REQUEST);
  expect((await api.call("POST", "/reminders/", SPEC_REQUEST)).body).toEqual(body);
  expect((await api.call("GET", "/reminders")).body).toEqual([body]);
  expect((await api.call("GET", "/reminders/")).body).toEqual([body]);
});

test("everything optional comes back as it was given", async () => {
  const api = await startApi(await freshDatabase());
  const given = {
    recipient: "someone@example.com",
    run_at: "2031-05-01T10:00:00.250Z",
    time_zone: "Europe/Berlin",
    subject: "Ihr Urteil fehlt noch — 締め切り 🙂",
    message: "First line\nSecond line\ttabbed",
    data: { nested: { list: [1, 2.5, null, true, "ü"], constructor: "x", "": 0 } },
  };
  expect(await api.create(given)).toMatchObject({ ...given, next_run_at: given.run_at, deleted_at: null });
});

describe("the first run", () => {
  test("of a recurring reminder is one interval after its creation", async () => {
    const api = await startApi(await freshDatabase());
    const reminder = await api.create({ interval_minutes: 90 });
    expect(ms(reminder.next_run_at) - ms(reminder.created_at)).toBe(90 * MINUTE);
  });

  test("of a one-time reminder is now", async () => {
    const api = await startApi(await freshDatabase());
    const reminder = await api.create({ schedule_type: "one_time", interval_minutes: undefined });
    expect(reminder.next_run_at).toBe(reminder.created_at);
    expect(reminder.interval_minutes).toBeNull();
  });

  test.each([
    ["2030-01-31T09:00:00+02:00", "2030-01-31T07:00:00.000Z"],
    ["2030-01-31T09:00:00.123456-05:30", "2030-01-31T14:30:00.123Z"],
    ["1999-12-31T23:59:59Z", "1999-12-31T23:59:59.000Z"],
  ])("asked for as %s is %s", async (runAt, utc) => {
    const api = await startApi(await freshDatabase());
    expect(await api.create({ run_at: runAt })).toMatchObject({ run_at: utc, next_run_at: utc });
  });
});

describe("creating what is ACTIVE already", () => {
  test("answers 200 with the reminder as it is, whatever else the request says", async () => {
    const api = await startApi(await freshDatabase());
    const first = await api.call("POST", "/reminders/", SPEC_REQUEST);
    const second = await api.call("POST", "/reminders/", { ...SPEC_REQUEST, interval_minutes: 5, subject: "Other" });
    expect(second).toMatchObject({ status: 200, body: first.body as object });
    expect(second.headers.get("location")).toBeNull();
  });

  test("two hundred times at once makes one row, and everyone is told its id", async () => {
    const database = await freshDatabase({ poolSize: 20 });
    const api = await startApi(database);

    const answers = await Promise.all(Array.from({ length: 200 }, () => api.call("POST", "/reminders/", SPEC_REQUEST)));

    const [row, ...others] = await database.query("select id from reminder_jobs");
    expect(others).toEqual([]);
    expect(new Set(answers.map(({ body }) => (body as { id: number }).id))).toEqual(new Set([row?.id]));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(199);
  });

  test("a key whose reminder is PAUSED, COMPLETED or deleted is free again", async () => {
    const api = await startApi(await freshDatabase());
    const same = wish();
    const [paused, completed, deleted] = [
      await api.create(same),
      await api.create({ ...same, entity_id: "other" }),
      await api.create({ ...same, event_type: "other" }),
    ];
    await api.act(paused.id, "pause");
    await api.act(completed.id, "complete");
    await api.remove(deleted.id);
    for (const fields of [same, { ...same, entity_id: "other" }, { ...same, event_type: "other" }]) {
      expect(await api.call("POST", "/reminders", fields)).toMatchObject({ status: 201 });
    }
  });

  test("while others complete it all the time, every answer is a reminder that was ACTIVE", async () => {
    const api = await startApi(await freshDatabase());
    const create = async (): Promise<void> => {
      const { id, status } = await api.create(SPEC_REQUEST);
      expect(status).toBe("ACTIVE");
      await api.act(id, "complete");
    };
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 10 }, create));
  });
});

describe("what is not right is refused with 422, naming the field and what would be right", () => {
  const wrong: [field: string, fields: Record<string, unknown>, message: RegExp][] = [
    ["entity_type", { entity_type: undefined }, /is required: a string/],
    ["entity_type", { entity_type: "" }, /must not be empty/],
    ["entity_id", { entity_id: 100 }, /must be a string/],
    ["entity_id", { entity_id: "x".repeat(201) }, /at most 200 characters/],
    ["event_type", { event_type: "a\0b" }, /U\+0000/],
    ["event_type", { event_type: "\ud800" }, /surrogate/],
    ["event_type", { event_type: "two\nlines" }, /single line/],
    ["channel", { channel: "pigeon" }, /email, sink/],
    ["recipient", { recipient: "not an address" }, /one plain e-mail address/],
    ["schedule_type", { schedule_type: "hourly" }, /one of "one_time", "recurring"/],
    ["interval_minutes", { interval_minutes: undefined }, /is required for a recurring reminder/],
    ["interval_minutes", { interval_minutes: 0 }, /^must be a whole number from 1 to 5270400$/],
    ["interval_minutes", { interval_minutes: 5_270_401 }, /^must be a whole number from 1 to 5270400$/],
    ["interval_minutes", { interval_minutes: 1.5 }, /^must be a whole number from 1 to 5270400$/],
    ["interval_minutes", { interval_minutes: "60" }, /^must be a whole number from 1 to 5270400$/],
    ["interval_minutes", { interval_minutes: 1e20 }, /^must be a whole number from 1 to 5270400$/],
    ["interval_minutes", { schedule_type: "one_time" }, /must be left out/],
    ["stop_condition_type", { stop_condition_type: "moon_phase", stop_condition_value: "full" }, /"db_check"/],
    ["stop_condition_type", { stop_condition_value: "done" }, /is required/],
    ["stop_condition_value", { stop_condition_type: "db_check" }, /is required/],
    [
      "stop_condition_value",
      { stop_condition_type: "db_check", stop_condition_value: "{entity_id}".repeat(45), entity_id: "i".repeat(200) },
      /at most 500/,
    ],
    ["run_at", { run_at: "2026-01-31T09:00:00" }, /Z or an offset/],
    ["run_at", { run_at: "2026-02-30T09:00:00Z" }, /ISO 8601/],
    ["run_at", { run_at: "1970-01-01T00:00:00+02:00" }, /1970 to 9999/],
    ["run_at", { run_at: 1_800_000_000 }, /ISO 8601/],
    ["time_zone", { time_zone: "Mars/Olympus" }, /Europe\/Berlin/],
    ["time_zone", { time_zone: "+02:00" }, /IANA/],
    ["subject", { subject: "a\r\nBcc: b" }, /single line/],
    ["subject", { subject: "x".repeat(501) }, /at most 500/],
    ["message", { message: "x".repeat(20_001) }, /at most 20000/],
    ["subject", { subject: "{% include 'secrets' %}" }, /must be a Liquid template/],
    ["data", { data: [] }, /JSON object/],
    ["data", { data: "text" }, /JSON object/],
    ["data", { data: { text: "x".repeat(65_536) } }, /at most 65536 bytes/],
    ["data", { data: { numbers: Array(1_000).fill(1e300) } }, /at most 65536 bytes/],
    ["data.a.1.b", { data: { a: [0, { b: "\0" }] } }, /U\+0000/],
    ["data.a.\ud800", { data: { a: { "\ud800": 1 } } }, /surrogate/],
    ["repeat", { repeat: true }, /is not known here; known are: entity_type/],
  ];

  test.each(wrong)("%s (%#)", async (field, fields, message) => {
    const api = await startApi(await freshDatabase());
    const problem = await api.refused(422, "POST", "/reminders/", wish(fields));
    expect(problem.errors).toEqual([
      { in: "body", field, pointer: `/${field.replaceAll(".", "/")}`, message: expect.stringMatching(message) },
    ]);
    expect(await api.list()).toEqual([]);
  });

  test("all that is wrong is said at once", async () => {
    const api = await startApi(await freshDatabase());
    const problem = await api.refused(422, "POST", "/reminders/", {});
    expect(problem.errors?.map(({ field }) => field)).toEqual([
      "entity_type",
      "entity_id",
      "event_type",
      "channel",
      "schedule_type",
    ]);
  });

  test("data nested too deep", async () => {
    const api = await startApi(await freshDatabase());
    let data: object = {};
    for (let depth = 0; depth < 40; depth += 1) data = { a: data };
    const { errors } = await api.refused(422, "POST", "/reminders/", wish({ data }));
    expect(errors).toMatchObject([{ message: "must be nested at most 32 deep" }]);
  });
});

test("lengths count characters, as the database does", async () => {
  const api = await startApi(await freshDatabase());
  const longest = "🙂".repeat(200);
  expect(await api.create({ entity_type: longest, entity_id: longest, event_type: longest })).toMatchObject({
    entity_id: longest,
  });
  await api.refused(422, "POST", "/reminders", wish({ entity_type: `${longest}🙂` }));
});

test("the recipient is kept in its channel's normal form, and left out where there is none", async () => {
  const api = await startApi(await freshDatabase());
  expect(await api.create({ recipient: "someone@Example.COM" })).toMatchObject({ recipient: "someone@example.com" });
  expect(await api.create({ recipient: null })).toMatchObject({ recipient: null });
});

test.each([
  ["subject", "Hello {{ data.name "],
  ["message", "{% if data.late %}too late"],
])("P10: a %s that is no Liquid template is refused with the reason", async (field, template) => {
  const api = await startApi(await freshDatabase());

  const { status, body } = await api.call("POST", "/reminders/", { ...SPEC_REQUEST, [field]: template });

  expect(status).toBe(422);
  expect(body).toMatchObject({ errors: [{ field, message: expect.stringContaining("Liquid template") }] });
});
