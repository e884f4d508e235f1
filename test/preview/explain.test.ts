import { expect, test } from "vitest";
import type { z } from "zod";
import { Explanation } from "../../src/api/schemas/explanation.ts";
import { Retryable } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startApi, type TestApi, wish } from "../support/api.ts";
import type { TestDatabase } from "../support/database.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

type ExplanationJson = z.output<typeof Explanation>;
type FactJson = ExplanationJson["present"][number];

async function explain(api: TestApi, id: number, query = ""): Promise<ExplanationJson> {
  const { status, body } = await api.call("GET", `/reminders/${id}/explain${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return Explanation.parse(body);
}

const kinds = (facts: readonly FactJson[]): string[] => facts.map(({ kind }) => kind);
const sentencesOf = (facts: readonly FactJson[], kind: string): string[] =>
  facts.filter((fact) => fact.kind === kind).map(({ sentence }) => sentence);

/** That the row is there, and says when as the sentence does. A flag that nobody has set is the row that isn't. */
async function holdsUp(database: TestDatabase, { at, sentence, evidence }: FactJson): Promise<void> {
  const { table, id, columns } = evidence;
  const [reminder, occurrence, recipient] = id.split("-").map(Number);
  const rows = await {
    reminder_jobs: () => database.query("select * from reminder_jobs where id = $1", [Number(id)]),
    reminder_events: () => database.query("select * from reminder_events where id = $1", [Number(id)]),
    reminder_done: () => database.query("select * from reminder_done where reminder_id = $1", [Number(id)]),
    status_flags: () => database.query("select * from status_flags where key = $1", [id]),
    contacts: () => database.query("select * from contacts where entity_type || '/' || entity_id = $1", [id]),
    opt_outs: () => database.query("select * from opt_outs where address = lower($1)", [id]),
    suppressions: () => database.query("select * from suppressions where address = lower($1)", [id]),
    tenants: () => database.query("select * from tenants where name = $1", [id]),
    deliveries: () =>
      database.query(
        "select * from deliveries where reminder_id = $1 and occurrence_at = to_timestamp($2::numeric / 1000) and recipient_no = $3",
        [reminder, occurrence, recipient],
      ),
  }[table]();
  if (rows.length === 0) {
    expect(sentence).toContain("nobody has set it");
    return;
  }
  const row = rows[0] as Record<string, unknown>;
  expect(Object.keys(row)).toEqual(expect.arrayContaining(columns));
  if (at !== null) expect(Object.values(row), sentence).toContain(Date.parse(at));
}

test("it tells what it waits for, when it is due and what would stop it, and each time why it sent or didn't; all of it is in a row", async () => {
  const { database, sink, work, advance, becomes } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create({
    ...{ channel: "sink", recipient: "room 12", interval_minutes: 60, max_occurrences: 4, time_zone: "Europe/Berlin" },
    ...{ stop_condition_type: "db_check", stop_condition_value: "paid" },
  });
  const seen: FactJson[] = [];
  const look = async (): Promise<ExplanationJson> => {
    const now = await explain(api, id);
    for (const fact of [...now.present, ...now.history]) await holdsUp(database, fact);
    seen.push(...now.present, ...now.history);
    return now;
  };

  let now = await look();
  expect(kinds(now.present)).toEqual(["active", "next", "would_stop", "would_stop", "would_stop"]);
  expect(now.present[1]?.sentence).toMatch(/^It is due next on .* \(Europe\/Berlin, UTC\+0[12]:00\)\.$/);
  expect(now.present[2]?.sentence).toBe('Its stop condition looks at the flag "paid": nobody has set it.');
  expect(now.present[4]?.sentence).toBe("It has fired 0 times of the 4 that max_occurrences lets it.");
  expect(kinds(now.history)).toEqual(["created"]);

  sink.behave = () => {
    throw new Retryable("mailbox busy");
  };
  const worker = work();
  await advance({ minutes: 60 });
  const isRetrying = async () => (await api.deliveries(id))[0]?.status === "retrying";
  await until(isRetrying, "its message waits for a retry");
  now = await look();
  expect(sentencesOf(now.present, "waits")[0]).toMatch(
    /^The message for .* is tried again after 1 delivery attempt from .*: mailbox busy\.$/,
  );
  expect(sentencesOf(now.history, "attempt_failed")).toEqual([
    expect.stringMatching(
      /^Delivery attempt 1 failed: mailbox busy\. Its stop condition, db_check, was not met as of .*: flag "paid" is not set\.$/,
    ),
  ]);

  sink.behave = () => DELIVERED;
  await advance({ minutes: 1 });
  await until(async () => (await api.deliveries(id))[0]?.status === "sent", "it is sent");
  await api.act(id, "pause");
  now = await look();
  expect(kinds(now.present)).toEqual(["paused", "would_stop", "would_stop", "would_stop"]);
  expect(sentencesOf(now.history, "sent")[0]).toMatch(
    / was sent to room 12 by sink\. Its stop condition, db_check, was not met as of .*: flag "paid" is not set\.$/,
  );
  await api.act(id, "resume");

  await worker.stop();
  await advance({ minutes: 180 });
  now = await look();
  expect(kinds(now.present)).toContain("due");
  work();
  await becomes(id, { occurrence_count: 2 });
  await api.setFlag("paid", true);
  await becomes(id, { status: "COMPLETED" });
  now = await look();
  expect(kinds(now.present)).toEqual(["completed"]);
  expect(now.present[0]?.sentence).toMatch(/^It was completed on .*: its stop condition was met\.$/);
  expect(sentencesOf(now.history, "completed")).toEqual(['It was completed: flag "paid" is set.']);
  expect(sentencesOf(now.history, "fired")[0]).toMatch(/ and fired, (2|3) hours? .* late\.$/);
  expect(sentencesOf(now.history, "missed")[0]).toMatch(/^No worker fired in time: /);

  const tables = new Set(seen.map(({ evidence }) => evidence.table));
  expect([...tables].sort()).toEqual(["deliveries", "reminder_events", "reminder_jobs", "status_flags"]);
});

test("of a message that something newer took the place of, it isn't foretold that it is tried again", async () => {
  const { database, sink, work, advance } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create({ channel: "sink", recipient: "room 12", interval_minutes: 60 });
  sink.behave = () => {
    throw new Retryable("mailbox busy");
  };
  const worker = work();
  await advance({ minutes: 60 });
  await until(async () => (await api.deliveries(id))[0]?.status === "retrying", "its message waits for a retry");
  await worker.stop();
  await database.query("update reminder_jobs set last_occurrence_at = last_occurrence_at + interval '1 hour'");

  const { present } = await explain(api, id);
  expect(sentencesOf(present, "waits")[0]).toMatch(/isn't sent as things are: a newer occurrence .* took its place; /);
  for (const fact of present) await holdsUp(database, fact);
});

test("the newest comes first, page by page the same as at once, and in the timeline's words backwards", async () => {
  const { database, sink, work, advance } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const { id } = await api.create({ channel: "sink", interval_minutes: 10 });
  work();
  for (let occurrence = 1; occurrence <= 4; occurrence += 1) {
    await advance({ minutes: 10 });
    const isSent = async () =>
      (await api.deliveries(id)).filter(({ status }) => status === "sent").length === occurrence;
    await until(isSent, `occurrence ${occurrence} is sent`);
  }
  await api.remove(id);
  const { present, history } = await explain(api, id);
  expect(kinds(present)).toEqual(["deleted"]);
  expect(kinds(history)).toEqual((await api.timeline(id)).map(({ type }) => type).reverse());
  const paged: FactJson[] = [];
  for (let next: string | undefined = `/reminders/${id}/explain?limit=3`; next !== undefined; ) {
    const answer = await api.call("GET", next);
    paged.push(...Explanation.parse(answer.body).history);
    next = /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  expect(paged).toEqual(history);
  await api.refused(404, "GET", "/reminders/4711/explain");
  await api.refused(422, "GET", `/reminders/${id}/explain?cursor=nonsense`);
});

test("of any reminder it is said what would end it, and of one that nothing ends that it is so", async () => {
  const { database, insert } = await world();
  const api = await startApi(database);
  const stops = async (id: number): Promise<string[]> => sentencesOf((await explain(api, id)).present, "would_stop");
  expect(await stops((await api.create()).id)).toEqual(["Nothing stops this recurring reminder but a person."]);
  const once = { schedule_type: "one_time", interval_minutes: null, run_at: "2099-01-01T00:00:00Z" };
  expect(await stops((await api.create(once)).id)).toEqual(["It is due once, and done with that."]);
  const rrule = { schedule_type: "rrule", interval_minutes: null, rrule: "FREQ=DAILY;COUNT=3" };
  expect(await stops((await api.create(rrule)).id)).toEqual(["Its rule ends: COUNT=3."]);
  const until = {
    stop_condition_type: "deadline",
    stop_condition_value: "2099-01-01T00:00:00Z",
    end_at: "2098-01-01T00:00:00Z",
  };
  expect(await stops((await api.create(until)).id)).toEqual([
    "Once its stop condition, deadline, is met, nothing more is sent. It is not met: its deadline is 2099-01-01T00:00:00.000Z.",
    "Nothing is due after Wednesday, 1 January 2098, 00:00 (UTC).",
  ]);
  const counted = { stop_condition_type: "max_attempts", stop_condition_value: "5" };
  expect((await stops((await api.create(counted)).id))[0]).toContain("0 of 5 messages were sent");

  const bad = await insert({ schedule_type: "rrule", rrule: "never", interval_minutes: null });
  const { present } = await explain(api, bad);
  expect(kinds(present)).toEqual(["active", "unplanned", "would_stop"]);
});

test("it says to which step a reminder was escalated and to whom, and who has done theirs", async () => {
  const there = await world();
  const api = await startApi(there.database, { channels: channelMap([there.sink]) });
  await api.call("PUT", "/policies/p", { steps: [{ after: { sends: 1 }, to: ["recipient", { address: "boss" }] }] });
  const asked = wish({
    channel: "sink",
    policy: "p",
    recipients: ["a", "b"],
    max_occurrences: 9,
    run_at: "2020-01-01T00:00:00Z",
  });
  const { body } = await api.call("POST", "/reminders/", asked);
  const { id } = body as { id: number };
  there.work();
  const sent = async (count: number): Promise<unknown> =>
    until(
      async () => (await there.deliveries(id)).filter(({ status }) => status === "sent").length >= count,
      `${count} were sent`,
    );
  await sent(2);
  await api.call("POST", `/reminders/${id}/done`, { person: "a" });
  await there.advance({ minutes: 61 });
  await sent(4);

  const { present, history } = await explain(api, id);
  expect(sentencesOf(present, "policy")).toEqual(["It goes by the policy p, and has come to step 1, after 1 send."]);
  expect(sentencesOf(present, "recipients")).toEqual([
    "It is for 2 recipients, of whom 1 has done theirs (a): it takes 2.",
  ]);
  expect(
    sentencesOf(history, "fired").some((said) => said.endsWith("for boss (escalation), by step 1 of its policy.")),
  ).toBe(true);
  expect(sentencesOf(history, "escalated")).toEqual(["Step 1 of the policy p, to b, boss: it was sent once before."]);
  for (const fact of [...present, ...history]) await holdsUp(there.database, fact);
});

test("with a policy it tells of the wishes of those whom the next step is for, whichever that is", async () => {
  const { database, sink, work, advance } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const people = { boss: "room 1", ann: "room 2", eve: "room 3" };
  for (const [name, room] of Object.entries(people))
    await api.putContact("person", name, { addresses: { sink: room }, preferences: { max_per_day: 3 } });
  const to = (name: string): object[] => [{ contact: { entity_type: "person", entity_id: name } }];
  const steps = [{ to: to("boss") }, { to: to("eve"), after: { sends: 1 } }];
  expect((await api.call("PUT", "/policies/upwards", { steps })).status).toBe(201);
  const { id } = await api.create({
    ...{ channel: "sink", entity_type: "person", entity_id: "ann", interval_minutes: 60 },
    ...{ policy: "upwards", stop_condition_type: "db_check", stop_condition_value: "done" },
  });
  const whose = async (): Promise<(string | undefined)[]> =>
    (await explain(api, id)).present.filter(({ kind }) => kind === "budget").map(({ evidence }) => evidence.id);
  expect(await whose()).toEqual(["person/boss"]);
  work();
  await advance({ minutes: 60 });
  await until(async () => (await api.deliveries(id))[0]?.status === "sent", "it is sent");
  expect(await whose()).toEqual(["person/eve"]);
});

test("it explains a reminder that goes by a policy and a calendar also while nobody can read that", async () => {
  const { database, sink } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  await database.query(
    `insert into calendars (name, time_zone, hours) values ('c', 'UTC', '{"monday": [{"from": "09:00", "to": "17:00"}]}')`,
  );
  expect((await api.call("PUT", "/policies/p", { steps: [{ to: ["recipient"] }] })).status).toBe(201);
  const { id } = await api.create({
    channel: "sink",
    interval_minutes: 60,
    calendar: "c",
    policy: "p",
    max_occurrences: 3,
  });
  // By plain SQL: a worker pauses it, once one is there.
  await database.query("update calendars set time_zone = 'Mars/Olympus'");
  expect(kinds((await explain(api, id)).present)).not.toContain("unwanted");
});

test("it tells what holds back or takes away the next message by its person's own wish: quiet, a budget, a digest, an opt-out", async () => {
  const { database, sink } = await world();
  const api = await startApi(database, { channels: channelMap([sink]) });
  const {
    id,
    event_type: eventType,
    next_run_at: dueAt,
  } = await api.create({
    ...{ channel: "sink", entity_type: "invoice", entity_id: "42", interval_minutes: 60 },
  });
  const said = async (): Promise<string[]> => {
    const { present } = await explain(api, id);
    const personal = present.filter(({ kind }) => ["unwanted", "quiet", "together", "budget"].includes(kind));
    for (const fact of personal) await holdsUp(database, fact);
    return personal.map(({ sentence }) => sentence);
  };
  const put = (fields: object) => api.putContact("invoice", "42", { addresses: { sink: "room 12" }, ...fields });
  await put({});
  expect(await said()).toEqual([]);

  const hour = new Date(dueAt as string).getUTCHours();
  const clock = (hours: number): string => `${String(hours % 24).padStart(2, "0")}:00`;
  await put({ quiet_hours: [{ from: clock(hour), to: clock(hour + 2) }], preferences: { max_per_day: 3 } });
  expect(await said()).toEqual([
    expect.stringMatching(
      new RegExp(`^It is quiet for invoice/42 then: the message waits until .* ${clock(hour + 2)} `),
    ),
    "invoice/42 wants at most 3 messages a day, over all reminders: what is over waits.",
  ]);

  await put({ preferences: { digest: { at: ["08:00"] } } });
  expect(await said()).toEqual([expect.stringMatching(/^What is for invoice\/42 waits to come together .* 08:01 /)]);

  await put({ preferences: { opt_out: ["*"] } });
  expect(await said()).toEqual([
    "As things are, nothing of it goes to invoice/42: the contact has opted out of all reminders.",
  ]);
  await api.putContact("team", "ops", { addresses: { sink: "room 13" } });
  const away = { delegate: { entity_type: "team", entity_id: "ops" }, delegate_until: "2999-01-01T00:00:00Z" };
  await put({ ...away, preferences: { opt_out: ["*"] } });
  expect(await said()).toEqual([
    "As things are, nothing of it goes to invoice/42: invoice/42, whom it is for, has opted out of all reminders.",
  ]);

  await put({});
  await database.query(
    `insert into opt_outs (tenant_id, channel, address, kind, about, created_by)
     values ('default', 'sink', 'room 12', 'event_type', $1, 'a link')`,
    [eventType],
  );
  expect(await said()).toEqual([
    expect.stringMatching(
      /^As things are, nothing of it goes to invoice\/42 \(room 12\): .* wants no more of .*; see \/opt-outs\.$/,
    ),
  ]);
  await database.query(
    "insert into suppressions (tenant_id, channel, address, reason, created_by) values ('default', 'sink', 'room 12', 'manual', 'x')",
  );
  expect(await said()).toEqual([expect.stringMatching(/nothing is sent to this address until somebody releases it/)]);
});
