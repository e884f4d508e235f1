import { expect, test } from "vitest";
import { startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

const start = async (): Promise<TestApi> => startApi(await freshDatabase());
const STEPS = [{ after: { sends: 3 }, to: ["recipient", "manager"], interval_minutes: 60, repeat: 5 }];
const ICS = (event: string): string =>
  [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//x//y//EN",
    "BEGIN:VEVENT",
    "UID:1",
    event,
    "END:VEVENT",
    "END:VCALENDAR",
  ].join("\r\n");
const WEEKLY =
  "SUMMARY:ops@example.org\r\nDTSTART;TZID=Europe/Berlin:20260105T090000\r\nDURATION:PT8H\r\nRRULE:FREQ=WEEKLY;BYDAY=MO";

test("a policy is created, read, listed, changed and deleted, and its version counts the changes", async () => {
  const api = await start();
  const created = await api.call("POST", "/policies", { name: "invoices", steps: STEPS });
  expect(created).toMatchObject({ status: 201, body: { name: "invoices", version: 1, tell_when_done: false } });
  expect(await api.call("POST", "/policies", { name: "invoices", steps: STEPS })).toMatchObject({ status: 200 });
  await api.refused(409, "POST", "/policies", { name: "invoices", steps: [{ to: ["manager"], repeat: 1 }] });
  const changed = await api.call("PUT", "/policies/invoices", { steps: STEPS, tell_when_done: true });
  expect(changed).toMatchObject({ status: 200, body: { version: 2, tell_when_done: true } });
  expect(await api.call("PUT", "/policies/invoices", { steps: STEPS, tell_when_done: true })).toMatchObject({
    body: { version: 2 },
  });
  expect((await api.call("GET", "/policies")).body).toEqual([changed.body]);
  expect(await api.call("DELETE", "/policies/invoices")).toMatchObject({ status: 204 });
  await api.refused(404, "GET", "/policies/invoices");
});

test("what may stand in a step is told where it holds something else, and that a rota is given as its calendar", async () => {
  const api = await start();
  const refusal = async (body: object) => (await api.refused(422, "PUT", "/policies/p", body)).detail;
  expect(await refusal({ steps: [{ to: ["boss"] }] })).toContain(
    'steps.0.to.0 must be "recipient", "manager", {"contact"',
  );
  expect(await refusal({ steps: [{ to: ["manager"], after: { send: 3 } }] })).toContain(
    'steps.0.after must be one of {"sends": 3}',
  );
  const rotas = { duty: { ics: ICS(WEEKLY) } };
  const put = await api.call("PUT", "/policies/p", { steps: [{ to: [{ rota: "duty" }], repeat: 1 }], rotas });
  const { steps, rotas: shown } = put.body as { steps: object[]; rotas: object };
  expect(await refusal({ steps, rotas: shown })).toContain('rotas.duty must be {"ics": "BEGIN:VCALENDAR..."}');
});

test.each([
  [{ steps: [] }, "steps"],
  [{ steps: [{ to: ["somebody"] }] }, "steps.0.to.0"],
  [{ steps: [{ to: ["manager"] }, { to: ["manager"] }] }, "steps.1.after"],
  [{ steps: [{ to: ["manager"], template: "*" }] }, "steps.0.template"],
  [
    {
      steps: [
        { to: ["manager"], repeat: 2 },
        { after: { sends: 3 }, to: ["manager"] },
      ],
    },
    "steps.1.after",
  ],
  [{ steps: [{ after: { elapsed: "soon" }, to: ["manager"] }] }, "steps.0.after.elapsed"],
  [{ steps: [{ after: { elapsed: "P1M" }, to: ["manager"] }] }, "steps.0.after.elapsed"],
  [{ steps: [{ after: { elapsed: "-PT1H" }, to: ["manager"] }] }, "steps.0.after.elapsed"],
  [{ steps: [{ to: ["manager"], channel: "pigeon" }] }, "steps.0.channel"],
  [{ steps: [{ to: [{ rota: "ops" }] }] }, "steps.0.to"],
  [
    { steps: [{ to: ["manager"], interval_minutes: 5, cadence: { shortest_minutes: 5, longest_minutes: 9 } }] },
    "steps.0.cadence",
  ],
  [
    { steps: [{ to: ["manager"], cadence: { shortest_minutes: 50, longest_minutes: 9 } }] },
    "steps.0.cadence.shortest_minutes",
  ],
  [{ steps: STEPS, rotas: { ops: { ics: "hello" } } }, "rotas.ops.ics"],
  [
    { steps: STEPS, rotas: { ops: { ics: ICS("SUMMARY:Alice\r\nDTSTART:20260101T000000Z\r\nDURATION:PT1H") } } },
    "rotas.ops.ics",
  ],
  [
    {
      steps: STEPS,
      rotas: { ops: { ics: ICS("SUMMARY:a@b.org\r\nDTSTART;TZID=Mars:20260101T000000\r\nDURATION:PT1H") } },
    },
    "rotas.ops.ics",
  ],
  [{ steps: STEPS, rotas: { ops: { ics: ICS(`${WEEKLY};BYSECOND=1`) } } }, "rotas.ops.ics"],
])("what is wrong with a policy is told by the step and its field (%#)", async (body, field) => {
  const api = await start();
  const { errors } = await api.refused(422, "PUT", "/policies/p", body);
  expect(errors?.[0]).toMatchObject({ field });
});

test.each([
  "DTSTART:garbage",
  "DTSTART:",
  "DTSTART:20260101\r\nDURATION:bogus",
  "DTSTART:20260101T000000Z\r\nDURATION:P",
  "DTSTART:20260101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;UNTIL=xx",
  "DTSTART:20260101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY\r\nEXDATE:bogus",
  "DTSTART:20260101T000000Z\r\nDURATION:PT1H\r\nRECURRENCE-ID:bogus",
  "DTSTART:20260101T000000Z\r\nDURATION:PT1H\r\nSTATUS;VALUE=UTC-OFFSET:zz",
  // What never comes, or comes for so long that each look at it goes through years.
  "DTSTART;TZID=America/New_York:19700101T000000\r\nDURATION:PT1S\r\nRRULE:FREQ=YEARLY;BYDAY=53SU;BYMONTH=1",
  "DTSTART:20260101T000000Z\r\nDURATION:P40D\r\nRRULE:FREQ=YEARLY",
])("a rota that can't be read, or never comes, is refused: %j", async (event) => {
  const api = await start();
  const rotas = { ops: { ics: ICS(`SUMMARY:a@b.org\r\n${event}`) } };
  const { errors } = await api.refused(422, "PUT", "/policies/p", { steps: STEPS, rotas });
  expect(errors?.[0]).toMatchObject({ field: "rotas.ops.ics" });
});

test("names that no address can say are refused, and a page has few of what may be large", async () => {
  const api = await start();
  for (const name of ["..", ".", "a/b"]) {
    const { errors } = await api.refused(422, "POST", "/policies", { name, steps: STEPS });
    expect(errors?.[0]).toMatchObject({ field: "name" });
  }
  await api.refused(422, "GET", "/policies?limit=21");
});

test("there can be 500, and those that there are can be changed all the same", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  await database.query(
    "insert into policies (name, steps) select 'p' || n, $1::jsonb from generate_series(1, 499) as n",
    [JSON.stringify(STEPS)],
  );
  expect((await api.call("PUT", "/policies/last", { steps: STEPS })).status).toBe(201);
  const { detail } = await api.refused(409, "POST", "/policies", { name: "one-more", steps: STEPS });
  expect(detail).toContain("500");
  await api.refused(409, "PUT", "/policies/one-more", { steps: STEPS });
  expect((await api.call("PUT", "/policies/last", { steps: STEPS, tell_when_done: true })).status).toBe(200);
});

test("a rota is read from a calendar: single shifts, weekly ones by the clocks of their zone, and those that were swapped", async () => {
  const api = await start();
  const swapped =
    "UID:1\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260112T090000\r\nSUMMARY:team/b\r\nDTSTART;TZID=Europe/Berlin:20260112T090000\r\nDURATION:PT8H";
  const ics = ICS(WEEKLY).replace("END:VCALENDAR", `BEGIN:VEVENT\r\n${swapped}\r\nEND:VEVENT\r\nEND:VCALENDAR`);
  const steps = [{ to: [{ rota: "ops" }], repeat: 1 }];
  const { body } = await api.call("PUT", "/policies/p", { steps, rotas: { ops: { ics } } });
  const { ops } = (body as { rotas: Record<string, Record<string, unknown>[]> }).rotas;
  expect(ops).toEqual([
    {
      ...{ who: "ops@example.org", from: null, until: null, lasts_minutes: 480 },
      rrule:
        "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE;TZID=Europe/Berlin:20260112T090000",
    },
    {
      who: "team/b",
      from: "2026-01-12T08:00:00.000Z",
      until: "2026-01-12T16:00:00.000Z",
      rrule: null,
      lasts_minutes: null,
    },
  ]);
});

const reminder = (fields: Record<string, unknown>): Record<string, unknown> =>
  wish({
    channel: "email",
    schedule_type: "recurring",
    interval_minutes: 60,
    stop_condition_type: null,
    stop_condition_value: null,
    ...fields,
  });

test("a reminder names its policy: one that there is, that ends, and with what it counts by", async () => {
  const api = await start();
  const field = async (fields: Record<string, unknown>): Promise<unknown> =>
    (await api.refused(422, "POST", "/reminders/", reminder(fields))).errors?.[0]?.field;
  await api.call("PUT", "/policies/endless", { steps: [{ after: { sends: 2 }, to: ["manager"] }] });
  await api.call("PUT", "/policies/by-deadline", {
    steps: [{ after: { deadline: "-P1D" }, to: ["manager"], repeat: 1 }],
  });
  await api.call("PUT", "/policies/by-work", {
    steps: [{ after: { working_time: "PT8H" }, to: ["manager"], repeat: 1 }],
  });

  expect(await field({ policy: "nope" })).toBe("policy");
  expect(await field({ policy: "endless" })).toBe("policy");
  expect(await field({ policy: "by-deadline" })).toBe("deadline_at");
  expect(await field({ policy: "by-work" })).toBe("calendar");
  expect(
    await field({
      policy: "by-deadline",
      deadline_at: "2030-01-01T00:00:00Z",
      schedule_type: "one_time",
      interval_minutes: null,
    }),
  ).toBe("policy");

  for (const more of [
    { force: true },
    { max_occurrences: 5 },
    { end_at: "2030-01-01T00:00:00Z" },
    { stop_condition_type: "db_check", stop_condition_value: "x" },
  ]) {
    const created = await api.call(
      "POST",
      "/reminders/",
      reminder({ policy: "endless", entity_id: JSON.stringify(more), ...more }),
    );
    expect(created).toMatchObject({ status: 201, body: { policy: "endless", policy_step: 0 } });
  }
  await api.refused(409, "DELETE", "/policies/endless");
});

test("who changes a reminder's schedule, its end or its deadline leaves its policy's next step when it is due", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const HOUR = 3_600_000;
  const steps = [
    { to: ["recipient"], repeat: 1 },
    { after: { elapsed: "PT4H" }, to: ["manager"] },
  ];
  await api.call("PUT", "/policies/p", { steps });
  const { body } = await api.call(
    "POST",
    "/reminders/",
    reminder({ policy: "p", interval_minutes: 10_080, max_occurrences: 9 }),
  );
  const { id } = body as { id: number };
  const [now] = await database.query<{ at: number }>("select date_trunc('second', reminder_now()) as at");
  const firstAt = now?.at as number;
  const begin = new Date(firstAt + 4 * HOUR);
  // As if it had fired just now.
  await database.query(
    `update reminder_jobs
        set last_occurrence_at = $2, last_run_at = $2, occurrence_count = 1, next_run_at = $3, escalation = $4
      where id = $1`,
    [
      id,
      new Date(firstAt),
      begin,
      JSON.stringify({ step: 1, given: 0, sends: 0, firstAt, isVoid: false, isOver: false }),
    ],
  );
  for (const change of [{ end_at: new Date(firstAt + 900 * HOUR).toISOString() }, { interval_minutes: 1_440 }])
    expect((await api.call("PATCH", `/reminders/${id}`, change)).body).toMatchObject({
      next_run_at: begin.toISOString(),
    });
});

test("a policy isn't changed into one that reminders under way can't go by, unless forced", async () => {
  const api = await start();
  await api.call("PUT", "/policies/p", { steps: STEPS });
  const { body } = await api.call("POST", "/reminders/", reminder({ policy: "p" }));
  expect(body).toMatchObject({ policy: "p" });
  const endless = { steps: [{ after: { sends: 2 }, to: ["manager"] }] };
  await api.refused(409, "PUT", "/policies/p", endless);
  await api.refused(409, "PUT", "/policies/p", { steps: [{ after: { deadline: "P1D" }, to: ["manager"], repeat: 1 }] });
  expect(await api.call("PUT", "/policies/p", { ...endless, force: true })).toMatchObject({ status: 200 });
});

test("recipients that are there twice hinder nobody who changes something else; they can't be named so", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { body } = await api.call("POST", "/reminders/", reminder({ recipients: ["a@example.org", "b@example.org"] }));
  const { id } = body as { id: number };
  const twice = ["a@example.org", "A@example.org"];
  await database.query("update reminder_jobs set recipients = $2 where id = $1", [
    id,
    JSON.stringify(twice.map((address) => ({ address }))),
  ]);
  expect(await api.call("PATCH", `/reminders/${id}`, { max_occurrences: 7 })).toMatchObject({
    ...{ status: 200, body: { recipients: twice, max_occurrences: 7 } },
  });
  const same = { recipients: twice, completes_when: "any" };
  expect(await api.call("PATCH", `/reminders/${id}`, same)).toMatchObject({ status: 200 });
  const { errors } = await api.refused(422, "PATCH", `/reminders/${id}`, { recipients: [...twice].reverse() });
  expect(errors).toMatchObject([{ field: "recipients" }]);
});

test("several recipients are named once each, in the channel's own form, and done by name", async () => {
  const api = await start();
  const field = async (fields: Record<string, unknown>): Promise<unknown> =>
    (await api.refused(422, "POST", "/reminders/", reminder(fields))).errors?.[0]?.field;
  expect(await field({ recipients: ["not an address"] })).toBe("recipients.0");
  const { errors } = await api.refused(422, "POST", "/reminders/", { ...wish(), recipients: ["not an address"] });
  expect(errors).toMatchObject([{ pointer: "/recipients/0" }]);
  const unknown = await api.refused(422, "POST", "/reminders/", { ...wish(), recipients: [5], completes_when: "some" });
  expect(unknown.errors).toMatchObject([
    { field: "recipients.0", message: "must be an address, or a contact's entity_type and entity_id" },
    { field: "completes_when", message: 'must be "any", "all", or {"quorum": n} with a whole number from 1 to 50' },
  ]);
  expect(await field({ recipients: ["a@example.org", "a@example.org"] })).toBe("recipients");
  expect(await field({ recipients: ["a@example.org", "A@example.org"] })).toBe("recipients");
  expect(await field({ recipients: ["a@example.org"], recipient: "b@example.org" })).toBe("recipient");
  expect(await field({ completes_when: "any" })).toBe("completes_when");
  expect(await field({ recipients: ["a@example.org"], completes_when: { quorum: 2 } })).toBe("completes_when");
  expect(await field({ reopen: true })).toBe("reopen");

  const recipients = ["a@example.org", { entity_type: "team", entity_id: "b" }];
  const { body } = await api.call("POST", "/reminders/", reminder({ recipients }));
  const { id } = body as { id: number };
  expect(body).toMatchObject({ recipients, completes_when: "all", recipient: null });
  const wrong = await api.refused(422, "POST", `/reminders/${id}/done`, { person: "nobody" });
  expect(wrong.errors?.[0]).toMatchObject({ field: "person", message: expect.stringContaining("team/b") });
  expect(await api.call("POST", `/reminders/${id}/done`, { person: "team/b" })).toMatchObject({
    body: { status: "ACTIVE" },
  });
  const patched = await api.call("PATCH", `/reminders/${id}`, {
    completes_when: "any",
    recipients: ["a@example.org", "c@example.org"],
  });
  expect(patched).toMatchObject({ body: { completes_when: "any" } });
  expect(await api.call("POST", `/reminders/${id}/done`, { person: "C@Example.org" })).toMatchObject({
    body: { status: "COMPLETED", completion_reason: "people_done" },
  });
  expect((await api.call("GET", `/reminders/${id}/done`)).body).toMatchObject([
    { person: "team/b" },
    { person: "c@example.org" },
  ]);
});
