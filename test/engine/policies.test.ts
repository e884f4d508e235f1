import { expect, test } from "vitest";
import type { StepText } from "../../src/core/policy.ts";
import { startApi } from "../support/api.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const OWNER = { entity_type: "invoice", entity_id: "1" };
const SAID = { ...OWNER, event_type: "payment", recipient: null, interval_minutes: 60 };

async function contact({ database }: World, columns: Record<string, unknown>): Promise<void> {
  const names = Object.keys(columns);
  await database.query(
    `insert into contacts (${names.join(", ")}) values (${names.map((_, n) => `$${n + 1}`).join(", ")})`,
    Object.values(columns),
  );
}

async function policy(
  { database }: World,
  steps: StepText[],
  columns: { rotas?: object; tell?: boolean } = {},
): Promise<void> {
  await database.query(
    `insert into policies (name, steps, rotas, tell_when_done) values ('p', $1, $2, $3)
     on conflict (tenant_id, name) do update set steps = excluded.steps`,
    [JSON.stringify(steps), JSON.stringify(columns.rotas ?? {}), columns.tell ?? false],
  );
}

/** An invoice's contact and her manager. */
async function office(there: World): Promise<void> {
  await contact(there, { ...OWNER, email: "clerk@example.org", manager_type: "person", manager_id: "boss" });
  await contact(there, { entity_type: "person", entity_id: "boss", email: "boss@example.org" });
}

/** Quiet hours, as kept, from in half an hour until so many minutes from now. */
async function soonQuiet({ database }: World, { until = 150 } = {}): Promise<string> {
  const [row] = await database.query<{ from: string; to: string }>(
    `select to_char(reminder_now() at time zone 'UTC' + interval '30 minutes', 'HH24:MI') as from,
            to_char(reminder_now() at time zone 'UTC' + $1 * interval '1 minute', 'HH24:MI') as to`,
    [until],
  );
  return JSON.stringify([row]);
}

const sentTo = ({ sink }: World): (string | null)[] => sink.received.map(({ recipient }) => recipient);

/** Lets so many hours pass, one at a time, and waits until what is due then has been sent. */
async function hours(there: World, id: number, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await there.advance({ minutes: 60 });
    await settled(there, id);
  }
}

async function settled({ database }: World, id: number): Promise<void> {
  await until(async () => {
    const [row] = await database.query<{ busy: boolean }>(
      `select exists (select from reminder_jobs where id = $1 and status = 'ACTIVE' and next_run_at <= reminder_now())
           or exists (select from deliveries where reminder_id = $1 and finished_at is null
                        and next_attempt_at <= reminder_now() + interval '1 minute') as busy`,
      [id],
    );
    return row?.busy === false;
  }, "all that is due is done");
}

test("a reminder goes to the manager as well once it was sent as often as its policy says, and the timeline says why", async () => {
  const there = await world();
  await office(there);
  await policy(there, [{ after: { sends: 2 }, to: ["recipient", "manager"], template: "urgent" }]);
  const id = await there.insert({ ...SAID, policy: "p" });
  there.work();

  await hours(there, id, 3);

  expect(sentTo(there)).toEqual(["clerk@example.org", "clerk@example.org", "clerk@example.org", "boss@example.org"]);
  expect(there.sink.received[3]?.addressed).toMatchObject({ step: 1, person: "person/boss", template: "urgent" });
  expect((await there.deliveries(id)).map(({ recipient_no }) => recipient_no)).toEqual([0, 0, 0, 1]);
  const escalated = (await there.events(id)).filter(({ type }) => type === "escalated");
  expect(escalated.map(({ because }) => because)).toEqual([
    "step 1 of the policy p, to clerk@example.org, boss@example.org: it was sent 2 times before",
  ]);
});

test("a step's messages are in the words of the template that it names, whatever the reminder says; while there is none, as usual", async () => {
  const there = await world();
  const api = await startApi(there.database);
  await office(there);
  await policy(there, [
    { to: ["recipient"] },
    { after: { sends: 1 }, to: ["manager"], template: "urgent" },
    { after: { sends: 2 }, to: ["manager"], template: "not_there_yet" },
  ]);
  const text = "{{ addressee.email }}: {{ entity_id }} is late. They were told: {{ message }}";
  await api.call("PUT", "/templates/urgent/*/*", { subject: "Urgent: {{ entity_id }}", text });
  await api.call("PUT", "/templates/urgent/email/*", { text: "by another channel" });
  const id = await there.insert({ ...SAID, policy: "p", subject: "Hello", message: "please pay" });
  there.work({ cage: { limits: { timeMs: 30_000 } } });

  await hours(there, id, 3);

  expect(there.sink.received.map(({ recipient, written }) => [recipient, written?.subject, written?.body])).toEqual([
    ["clerk@example.org", undefined, undefined],
    ["boss@example.org", "Urgent: 1", "boss@example.org: 1 is late. They were told: please pay"],
    ["boss@example.org", undefined, undefined],
  ]);
});

test("a step that a pause took back is given when the reminder is resumed, and only then the next one", async () => {
  const there = await world();
  await office(there);
  await policy(there, [
    { to: ["recipient"] },
    { after: { sends: 1 }, to: ["manager"] },
    { after: { sends: 2 }, to: [{ address: "ceo@example.org" }] },
  ]);
  const id = await there.insert({ ...SAID, policy: "p", quiet_hours: JSON.stringify([]) });
  there.work();
  await hours(there, id, 1);

  // The manager's message waits for the end of the quiet hours, and a pause takes it back.
  const now = new Date((await there.database.query<{ now: number }>("select reminder_now() as now"))[0]?.now as number);
  const hour = (n: number): string => `${String((now.getUTCHours() + n) % 24).padStart(2, "0")}:00`;
  await there.database.query("update contacts set quiet_hours = $1 where entity_id = 'boss'", [
    JSON.stringify([{ from: hour(0), to: hour(5) }]),
  ]);
  await there.advance({ minutes: 60 });
  await there.deliveryBecomes(id, "pending");
  await there.database.query("update reminder_jobs set status = 'PAUSED' where id = $1", [id]);
  await there.database.query("update contacts set quiet_hours = null where entity_id = 'boss'");
  await there.advance({ minutes: 24 * 60 });
  await there.deliveryBecomes(id, "suppressed");
  await there.database.query("update reminder_jobs set status = 'ACTIVE' where id = $1", [id]);
  await settled(there, id);
  await hours(there, id, 2);

  const told = sentTo(there);
  expect(told.slice(0, 2)).toEqual(["clerk@example.org", "boss@example.org"]);
  expect(told.at(-1)).toBe("ceo@example.org");
});

/** By days and weeks from then, nothing is due in the hours to come, whatever time it is. */
function longAgo(): Date {
  return new Date(Date.now() - 10.5 * 24 * 3_600_000);
}

test("steps that quiet hours have held back follow each other when these end, and not once a week", async () => {
  const there = await world();
  await office(there);
  await policy(there, [
    { to: ["recipient"], repeat: 1 },
    { after: { elapsed: "PT2H" }, to: ["manager"], repeat: 1 },
    { after: { elapsed: "PT4H" }, to: [{ address: "ceo@example.org" }], repeat: 1 },
  ]);
  const id = await there.insert({
    ...SAID,
    interval_minutes: 10_080,
    max_occurrences: 4,
    run_at: longAgo(),
    policy: "p",
  });
  await there.database.query("update contacts set quiet_hours = $1 where entity_id = 'boss'", [
    await soonQuiet(there, { until: 9 * 60 }),
  ]);
  there.work();
  await settled(there, id);
  await hours(there, id, 14);

  expect(sentTo(there)).toEqual(["clerk@example.org", "boss@example.org", "ceo@example.org"]);
  await there.becomes(id, { status: "COMPLETED", completion_reason: "policy_ended" });
  // The step that waited was not given again and again meanwhile.
  expect(await there.deliveries(id)).toHaveLength(3);
});

test("nor is a step given again and again while quiet hours hold it back that has an interval of its own", async () => {
  const there = await world();
  await office(there);
  await policy(there, [
    { to: ["recipient"], interval_minutes: 1_440 },
    { after: { elapsed: "PT1M" }, to: ["manager"], repeat: 1 },
  ]);
  const [row] = await there.database.query<{ hours: string }>(
    `select json_build_array(json_build_object('from', to_char(reminder_now() at time zone 'UTC' - interval '1 hour', 'HH24:MI'),
              'to', to_char(reminder_now() at time zone 'UTC' + interval '150 minutes', 'HH24:MI')))::text as hours`,
  );
  await there.database.query("update contacts set quiet_hours = $1 where entity_id = '1'", [row?.hours]);
  const id = await there.insert({ ...SAID, interval_minutes: 10_080, run_at: longAgo(), policy: "p" });
  there.work();
  await there.deliveryBecomes(id, "pending");
  await hours(there, id, 2);
  await there.advance({ minutes: 30 });
  await settled(there, id);
  await hours(there, id, 1);

  await there.becomes(id, { status: "COMPLETED", completion_reason: "policy_ended" });
  expect(sentTo(there)).toEqual(["clerk@example.org", "boss@example.org"]);
  expect(await there.deliveries(id)).toHaveLength(2);
});

test("a step whose message still waits to be sent when the next one begins is not lost: the next one waits for it", async () => {
  const there = await world({ concurrency: 1 });
  await office(there);
  await policy(there, [
    { to: ["recipient"], repeat: 1 },
    { after: { elapsed: "PT1M" }, to: ["manager"], repeat: 1 },
  ]);
  let letGo = (): void => {};
  const hung = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  there.sink.behave = async ({ recipient }) => {
    if (recipient === "other@example.org") await hung;
    return DELIVERED;
  };
  await there.insert({ entity_id: "2", recipient: "other@example.org", interval_minutes: 60 });
  const id = await there.insert({ ...SAID, policy: "p", interval_minutes: 61 });
  there.work();
  await there.advance({ minutes: 60 });
  await until(() => there.sink.received.length === 1, "the only place is taken");
  await there.advance({ minutes: 1 });
  await there.deliveryBecomes(id, "sending");
  const { next_run_at: begin } = await there.reminder(id);

  await there.advance({ minutes: 1 });
  await until(async () => (await there.reminder(id)).next_run_at !== begin, "the second step's instant was dealt with");
  letGo();
  await there.becomes(id, { status: "COMPLETED", completion_reason: "policy_ended" });

  expect(sentTo(there)).toEqual(["other@example.org", "clerk@example.org", "boss@example.org"]);
});

test("a policy that was given as often as it says ends the reminder, once its last message has ended", async () => {
  const there = await world();
  await office(there);
  await policy(there, [
    { to: ["recipient"], interval_minutes: 10, repeat: 2 },
    { to: ["manager"], repeat: 1 },
  ]);
  const id = await there.insert({ ...SAID, policy: "p" });
  there.work();
  await there.advance({ minutes: 60 });
  await settled(there, id);
  await there.advance({ minutes: 10 });
  await settled(there, id);
  await there.advance({ minutes: 10 });

  await there.becomes(id, { status: "COMPLETED", completion_reason: "policy_ended" });
  expect(sentTo(there)).toEqual(["clerk@example.org", "clerk@example.org", "boss@example.org"]);
});

test("a changed policy holds from the next occurrence on, and one that can't be read pauses the reminder", async () => {
  const there = await world();
  await office(there);
  await policy(there, [{ after: { sends: 50 }, to: ["manager"] }]);
  const id = await there.insert({ ...SAID, policy: "p" });
  there.work();
  await hours(there, id, 2);
  await policy(there, [{ after: { sends: 1 }, to: ["manager"] }]);
  await hours(there, id, 1);
  expect(sentTo(there)).toEqual(["clerk@example.org", "clerk@example.org", "boss@example.org"]);

  await there.database.query(`update policies set steps = '[{"to": ["nobody"], "after": {"elapsed": "soon"}}]'`);
  await there.advance({ minutes: 60 });
  await there.becomes(id, { status: "PAUSED" });
  expect((await there.reminder(id)).needs_attention).toMatch(/policy has a step 1 whose after.elapsed must be/);
});

test("whoever stands in for somebody gets their messages until then, and circles of delegates hold up nobody", async () => {
  const there = await world();
  await contact(there, {
    ...OWNER,
    email: "clerk@example.org",
    delegate_type: "person",
    delegate_id: "a",
    delegate_until: "2999-01-01Z",
  });
  await contact(there, {
    entity_type: "person",
    entity_id: "a",
    email: "a@example.org",
    delegate_type: "person",
    delegate_id: "b",
    delegate_until: "2999-01-01Z",
  });
  await contact(there, { entity_type: "person", entity_id: "b", email: "b@example.org" });
  const id = await there.insert(SAID);
  there.work();
  await hours(there, id, 1);
  expect(sentTo(there)).toEqual(["b@example.org"]);

  // Now all three stand for each other: it goes to whom it is for.
  await there.database.query(
    "update contacts set delegate_type = 'invoice', delegate_id = '1', delegate_until = '2999-01-01Z' where entity_id = 'b'",
  );
  await hours(there, id, 1);
  expect(sentTo(there)).toEqual(["b@example.org", "clerk@example.org"]);
});

test("who has opted out gets nothing of that kind: the delivery says so, and the escalation goes on past them", async () => {
  const there = await world();
  await office(there);
  await there.database.query(`update contacts set preferences = '{"opt_out": ["payment"]}' where entity_id = 'boss'`);
  await policy(there, [
    { to: ["recipient"] },
    { after: { sends: 1 }, to: ["manager"] },
    { after: { sends: 2 }, to: [{ address: "ceo@example.org" }] },
  ]);
  const id = await there.insert({ ...SAID, policy: "p" });
  there.work();
  await hours(there, id, 3);

  expect(sentTo(there)).toEqual(["clerk@example.org", "ceo@example.org"]);
  const [, boss] = await there.deliveries(id);
  expect(boss).toMatchObject({
    status: "suppressed",
    reason: "the contact has opted out of payment",
    recipient: "boss@example.org",
  });
  expect(boss?.finished_at).not.toBeNull();
});

test("what somebody has opted out of, or does while it waits, goes to nobody in their stead; what is the stand-in's own does", async () => {
  const there = await world();
  const away = { delegate_type: "person", delegate_id: "b", delegate_until: "2999-01-01Z" };
  await contact(there, { ...OWNER, email: "clerk@example.org", ...away, preferences: '{"opt_out": ["payment"]}' });
  await contact(there, { entity_type: "person", entity_id: "a", email: "a@example.org", ...away });
  await contact(there, { entity_type: "person", entity_id: "b", email: "b@example.org" });
  const both = [{ contact: OWNER }, { contact: { entity_type: "person", entity_id: "b" } }];
  const alone = await there.insert(SAID);
  const together = await there.insert({ ...SAID, entity_id: "2", recipients: JSON.stringify(both) });
  const other = await there.insert({
    ...SAID,
    entity_type: "person",
    entity_id: "a",
    schedule_type: "one_time",
    interval_minutes: null,
    run_at: new Date(Date.now() + 3_600_000),
    quiet_hours: await soonQuiet(there),
  });
  there.work();
  await hours(there, alone, 1);
  await settled(there, together);

  expect(sentTo(there)).toEqual(["b@example.org"]);
  expect(await there.deliveries(alone)).toMatchObject([
    { status: "suppressed", reason: "invoice/1, whom it is for, has opted out of payment" },
  ]);
  expect(await there.deliveries(together)).toMatchObject([{ status: "sent", addressed: { person: "person/b" } }]);

  // It waited for the end of the quiet hours when they changed their mind.
  await there.deliveryBecomes(other, "pending");
  await there.database.query(`update contacts set preferences = '{"opt_out": ["*"]}' where entity_id = 'a'`);
  await there.advance({ minutes: 3 * 60 });
  await until(
    async () => (await there.deliveries(other))[0]?.status === "suppressed",
    "the message that waited is held back",
  );
  expect((await there.deliveries(other))[0]?.reason).toBe("person/a, whom it is for, has opted out of all reminders");
});

test("a reminder that is sent once is done where whom it is for has opted out", async () => {
  const there = await world();
  await contact(there, { ...OWNER, email: "clerk@example.org", preferences: JSON.stringify({ opt_out: ["*"] }) });
  const id = await there.insert({ ...SAID, schedule_type: "one_time", interval_minutes: null });
  there.work();
  await there.becomes(id, { status: "COMPLETED", completion_reason: "opted_out" });
  expect(there.sink.received).toEqual([]);
});

test("whoever is on call at that instant gets it; while nobody is, it goes to whom it is for", async () => {
  const there = await world();
  await office(there);
  const now = (await there.database.query<{ now: number }>("select reminder_now() as now"))[0]?.now as number;
  const HOUR = 3_600_000;
  const rota = [{ who: { address: "night@example.org" }, from: now, until: now + 1.5 * HOUR }];
  await policy(there, [{ to: [{ rota: "ops" }] }], { rotas: { ops: rota } });
  const id = await there.insert({ ...SAID, policy: "p" });
  there.work();
  await hours(there, id, 2);
  expect(sentTo(there)).toEqual(["night@example.org", "clerk@example.org"]);
});

test("what was promised comes back after the last step of its policy as well, once", async () => {
  const there = await world();
  await office(there);
  await policy(there, [{ to: ["recipient"], repeat: 1 }]);
  const id = await there.insert({ ...SAID, policy: "p" });
  there.work();
  await hours(there, id, 1);
  await there.becomes(id, { status: "COMPLETED", completion_reason: "policy_ended" });

  // As an answer to its message does.
  await there.database.query(
    `update reminder_jobs
        set status = 'ACTIVE', completion_reason = null, completed_at = null, silent_by = 'acknowledgement',
            silent_until = reminder_now() + interval '1 day', next_run_at = reminder_now() + interval '1 day'
      where id = $1`,
    [id],
  );
  await there.advance({ days: 1 });

  await there.becomes(id, { status: "COMPLETED", completion_reason: "policy_ended", occurrence_count: 2 });
  expect(sentTo(there)).toEqual(["clerk@example.org", "clerk@example.org"]);
  expect((await there.events(id)).map(({ type }) => type)).toEqual([
    "escalated",
    "completed",
    "promise_ended",
    "completed",
  ]);
});

test("a step for somebody who has done theirs as one of the recipients holds up no other", async () => {
  const there = await world();
  await contact(there, { entity_type: "person", entity_id: "a", email: "a@example.org" });
  await contact(there, { entity_type: "person", entity_id: "b", email: "b@example.org" });
  const [a, b] = ["a", "b"].map((entity_id) => ({ contact: { entity_type: "person", entity_id } }));
  await policy(there, [
    { to: ["recipient"], repeat: 1 },
    { to: [b as { contact: typeof OWNER }], repeat: 1 },
    { to: [{ address: "boss@example.org" }], repeat: 1 },
  ]);
  const id = await there.insert({ ...SAID, policy: "p", recipients: JSON.stringify([a, b]) });
  await there.database.query(
    "insert into reminder_done (tenant_id, reminder_id, person) values ('default', $1, 'person/b')",
    [id],
  );
  there.work();

  await hours(there, id, 3);

  expect(sentTo(there)).toEqual(["a@example.org", "boss@example.org"]);
  expect((await there.deliveries(id)).map(({ status, reason }) => [status, reason])).toEqual([
    ["sent", null],
    ["suppressed", "this person has done theirs"],
    ["sent", null],
  ]);
});
