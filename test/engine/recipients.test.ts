import { expect, test } from "vitest";
import { recordDone } from "../../src/store/done.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

const people = (...addresses: string[]): string => JSON.stringify(addresses.map((address) => ({ address })));
const SAID = { recipient: null, recipients: people("a", "b", "c"), run_at: new Date(0) };

const sentTo = ({ sink }: World): (string | null)[] => sink.received.map(({ recipient }) => recipient).sort();
const done = ({ database }: World, id: number, person: string | null) =>
  apiDatabase(database)
    .forTenant("default")
    .transaction((sql) => recordDone(sql, id, person));

async function allSent(there: World, id: number, count: number): Promise<void> {
  await until(
    async () => (await there.deliveries(id)).filter(({ finished_at: at }) => at !== null).length >= count,
    `${count} deliveries of ${id} have ended`,
  );
}

test("each recipient is a delivery of its own, and whoever has done theirs gets no more", async () => {
  const there = await world();
  const id = await there.insert(SAID);
  there.work();
  await allSent(there, id, 3);
  expect(sentTo(there)).toEqual(["a", "b", "c"]);

  expect(await done(there, id, "b")).toMatchObject({ kind: "done", isNew: true, reminder: { status: "ACTIVE" } });
  expect(await done(there, id, "b")).toMatchObject({ kind: "done", isNew: false });
  expect(await done(there, id, "d")).toEqual({ kind: "nobody", persons: ["a", "b", "c"] });
  await there.advance({ minutes: 61 });
  await allSent(there, id, 5);
  expect(sentTo(there)).toEqual(["a", "a", "b", "c", "c"]);
  // Nor is anything made for them that would only be held back.
  expect(await there.deliveries(id)).toHaveLength(5);

  await done(there, id, "a");
  await done(there, id, "c");
  expect(await there.reminder(id)).toMatchObject({ status: "COMPLETED", completion_reason: "people_done" });
  const said = (await there.events(id)).map(({ type, because }) => `${type}: ${because}`);
  expect(said).toContain("done: b has done theirs (1 of 3)");
  expect(said).toContain("completed: 3 of 3 have done theirs, and it takes 3");
});

test("an address that plain SQL wrote twice, in other capitals, gets one message at a time, and all can be done", async () => {
  const there = await world();
  const [one, other, bob] = ["Ann@example.org", "ann@example.org", "bob@example.org"];
  const recipients = people(one, other, bob);
  const id = await there.insert({ ...SAID, recipients, completes_when: '"all"' });
  there.work();
  await allSent(there, id, 2);
  expect(sentTo(there)).toEqual([one, bob]);

  await done(there, id, one);
  await there.advance({ minutes: 61 });
  await allSent(there, id, 4);
  expect(sentTo(there)).toEqual([one, other, bob, bob]);
  await done(there, id, other);
  expect(await there.reminder(id)).toMatchObject({ status: "ACTIVE" });
  await done(there, id, bob);
  expect(await there.reminder(id)).toMatchObject({ status: "COMPLETED", completion_reason: "people_done" });
});

test("who has done theirs has done it, though their address is written otherwise since", async () => {
  const there = await world();
  const [ann, bob] = ["ann@example.org", "bob@example.org"];
  const id = await there.insert({ ...SAID, recipients: people(ann, bob), completes_when: '"all"' });
  there.work();
  await allSent(there, id, 2);
  await done(there, id, ann);
  const recipients = people("ANN@example.org", bob);
  await there.database.query("update reminder_jobs set recipients = $2 where id = $1", [id, recipients]);
  await there.advance({ minutes: 61 });
  await allSent(there, id, 3);
  expect(sentTo(there)).toEqual([ann, bob, bob]);
  expect(await there.deliveries(id)).toHaveLength(3);

  expect(await done(there, id, "ANN@example.org")).toMatchObject({ kind: "done", isNew: false });
  await done(there, id, bob);
  expect(await there.reminder(id)).toMatchObject({ status: "COMPLETED", completion_reason: "people_done" });
  expect((await there.events(id)).map(({ because }) => because)).toContain("2 of 2 have done theirs, and it takes 2");
});

test.each([
  ["whoever hasn't is taken off", { recipients: people("ann@example.org") }],
  ["it takes fewer", { completes_when: '"any"' }],
])("where those who have done theirs are enough by now, it is done when it is due next: %s", async (_why, changed) => {
  const there = await world();
  const id = await there.insert({ ...SAID, recipients: people("ann@example.org", "bob@example.org") });
  there.work();
  await allSent(there, id, 2);
  await done(there, id, "ann@example.org");
  const [[name, value] = []] = Object.entries(changed);
  await there.database.query(`update reminder_jobs set ${name} = $2 where id = $1`, [id, value]);

  await there.advance({ minutes: 61 });

  await there.becomes(id, { status: "COMPLETED", completion_reason: "people_done" });
  expect(sentTo(there)).toEqual(["ann@example.org", "bob@example.org"]);
  expect((await there.events(id)).at(-1)?.because).toMatch(/^1 of \d have done theirs, and it takes 1$/);
});

test("a message that waits isn't sent to who has done theirs, though their address is written otherwise since", async () => {
  const there = await world();
  const recipients = people("ANN@example.org", "bob@example.org");
  const addressed = { person: "ann@example.org", step: null, template: null, as: "recipient" };
  const id = await there.insert({ ...SAID, recipients, run_at: new Date("2999-01-01") });
  await done(there, id, "ANN@example.org");
  await there.database.query("update reminder_jobs set last_occurrence_at = reminder_now() where id = $1", [id]);
  await there.database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, recipient_no, channel, recipient, status, next_attempt_at, addressed)
     select tenant_id, bucket, id, last_occurrence_at, 0, 'sink', 'ann@example.org', 'pending', reminder_now(), $2
       from reminder_jobs where id = $1`,
    [id, JSON.stringify(addressed)],
  );
  there.work();
  expect(await there.deliveryBecomes(id, "suppressed")).toMatchObject({ reason: "this person has done theirs" });
});

test.each([
  ['"any"', 1],
  ['{"quorum": 2}', 2],
  ['"all"', 3],
])("with completes_when %s it takes %d", async (completesWhen, needed) => {
  const there = await world();
  const id = await there.insert({ ...SAID, completes_when: completesWhen, run_at: new Date("2999-01-01") });
  const statuses: string[] = [];
  for (const person of ["a", "b", "c"]) {
    await done(there, id, person);
    statuses.push((await there.reminder(id)).status as string);
  }
  expect(statuses.indexOf("COMPLETED") + 1).toBe(needed);
});

test("at once from all sides, each done counts once, and the reminder completes once", async () => {
  const there = await world();
  const id = await there.insert({ ...SAID, run_at: new Date("2999-01-01") });
  const outcomes = await Promise.all(["a", "b", "c", "a", "b", "c"].map((person) => done(there, id, person)));
  expect(outcomes.filter((outcome) => outcome.kind === "done" && outcome.isNew)).toHaveLength(3);
  expect(await there.reminder(id)).toMatchObject({ status: "COMPLETED" });
  expect((await there.events(id)).filter(({ type }) => type === "completed")).toHaveLength(1);
});

test("whoever has done theirs after the only message gets no more where another one puts it off and it begins again", async () => {
  const there = await world();
  const id = await there.insert({ ...SAID, schedule_type: "one_time", interval_minutes: null });
  there.work();
  await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect(await done(there, id, "a")).toMatchObject({ kind: "done", isNew: true });
  expect(await there.reminder(id)).toMatchObject({ completion_reason: "one_time_sent" });

  await there.database.query(
    `update reminder_jobs
        set status = 'ACTIVE', completion_reason = null, completed_at = null, next_run_at = reminder_now()
      where id = $1`,
    [id],
  );
  await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect(sentTo(there)).toEqual(["a", "b", "b", "c", "c"]);

  const { completed_at: before } = await there.reminder(id);
  await done(there, id, "b");
  await done(there, id, "c");
  expect(await there.reminder(id)).toMatchObject({ completion_reason: "people_done", completed_at: before });
});

test("a message that waits is not sent to whoever has done theirs meanwhile, and the others get theirs", async () => {
  const there = await world();
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  there.sink.connect = () => held;
  const id = await there.insert(SAID);
  there.work();
  await until(async () => (await there.deliveries(id)).length === 3, "all three are on their way");
  await done(there, id, "b");
  // What was read before that is used for a moment yet, as with every stop.
  await new Promise((resolve) => setTimeout(resolve, 300));
  goOn();
  await allSent(there, id, 3);
  expect(sentTo(there)).toEqual(["a", "c"]);
  const [, b] = await there.deliveries(id);
  expect(b).toMatchObject({ status: "suppressed", reason: "this person has done theirs" });
});

test("a reminder that is sent once is done when the last of its messages has ended, whatever became of each", async () => {
  const there = await world();
  there.sink.behave = ({ recipient }) => {
    if (recipient === "b") throw new Error("no such mailbox");
    return { providerId: null, demo: false };
  };
  const id = await there.insert({ ...SAID, schedule_type: "one_time", interval_minutes: null });
  there.work({ retry: { maxAttempts: 1, baseSeconds: 1, factor: 2, capSeconds: 10 } });
  await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect((await there.deliveries(id)).map(({ status }) => status).sort()).toEqual(["failed", "sent", "sent"]);
});

test("an attempt is an occurrence, however many people it goes to", async () => {
  const there = await world();
  const id = await there.insert({ ...SAID, stop_condition_type: "max_attempts", stop_condition_value: "2" });
  there.work();
  await allSent(there, id, 3);
  expect(await there.reminder(id)).toMatchObject({ status: "ACTIVE" });
  await there.advance({ minutes: 61 });
  await there.becomes(id, { status: "COMPLETED", completion_reason: "max_attempts" });
  expect(sentTo(there)).toEqual(["a", "a", "b", "b", "c", "c"]);
});

const FLAG = { stop_condition_type: "db_check", stop_condition_value: "paid" };

test("those whom it was escalated to are told once that it is done, if the policy says so, and nobody else", async () => {
  const there = await world();
  await there.database.query(
    `insert into policies (name, steps, tell_when_done)
     values ('p', '[{"after": {"sends": 1}, "to": ["recipient", {"address": "boss"}]}]', true)`,
  );
  const id = await there.insert({ ...FLAG, recipient: "clerk", policy: "p", run_at: new Date(0) });
  there.work();
  await allSent(there, id, 1);
  await there.advance({ minutes: 61 });
  await allSent(there, id, 3);
  await there.setFlag("paid", true);
  await there.becomes(id, { status: "COMPLETED" });
  await allSent(there, id, 4);

  const last = there.sink.received.at(-1);
  expect(last).toMatchObject({ recipient: "boss", addressed: { tells: true } });
  expect(sentTo(there)).toEqual(["boss", "boss", "clerk", "clerk"]);
  expect((await there.events(id)).map(({ type }) => type)).toContain("told");
  await until(
    async () => (await there.database.query("select from errands")).length === 0,
    "nothing is left to be done",
  );
});

test("who has opted out since it was escalated to them isn't told either that it is done", async () => {
  const there = await world();
  await there.database.query(
    "insert into contacts (entity_type, entity_id, email) values ('person', 'boss', 'boss@example.org')",
  );
  await there.database.query(
    `insert into policies (name, steps, tell_when_done)
     values ('p', '[{"to": [{"contact": {"entity_type": "person", "entity_id": "boss"}}]}]', true)`,
  );
  const id = await there.insert({ ...FLAG, recipient: "clerk", policy: "p", run_at: new Date(0) });
  there.work();
  await allSent(there, id, 1);
  await there.database.query(`update contacts set preferences = '{"opt_out": ["payment"]}'`);
  await there.setFlag("paid", true);
  await allSent(there, id, 2);

  expect((await there.deliveries(id)).at(-1)).toMatchObject({
    ...{ recipient: "boss@example.org", status: "suppressed", addressed: { tells: true } },
    reason: "the contact has opted out of payment",
  });
  expect(sentTo(there)).toEqual(["boss@example.org"]);
});

test("that a policy has come to its end is told to nobody as if it were done", async () => {
  const there = await world();
  await there.database.query(
    `insert into policies (name, steps, tell_when_done) values ('p', '[{"to": [{"address": "boss"}], "repeat": 1}]', true)`,
  );
  const id = await there.insert({ ...FLAG, recipient: "clerk", policy: "p", run_at: new Date(0) });
  there.work();
  await there.becomes(id, { status: "COMPLETED", completion_reason: "policy_ended" });
  await until(
    async () => (await there.database.query("select from errands")).length === 0,
    "nothing is left to be done",
  );

  expect(sentTo(there)).toEqual(["boss"]);
  expect((await there.events(id)).map(({ type }) => type)).not.toContain("told");
});

test("a flag that is set back begins the same reminder anew, if it says so, and nobody has done theirs then", async () => {
  const there = await world();
  const id = await there.insert({ ...SAID, ...FLAG, reopens: true });
  const stays = await there.insert({ ...FLAG, recipient: "x", entity_id: "other", run_at: new Date(0) });
  there.work();
  await allSent(there, id, 3);
  await done(there, id, "a");
  await there.setFlag("paid", true);
  await there.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
  await there.becomes(stays, { status: "COMPLETED" });

  await there.setFlag("paid", false);
  await there.becomes(id, { status: "ACTIVE", completion_reason: null, occurrence_count: 1 });
  expect(await there.reminder(stays)).toMatchObject({ status: "COMPLETED" });
  await there.advance({ minutes: 61 });
  await allSent(there, id, 6);
  expect(sentTo(there).filter((to) => to !== "x")).toEqual(["a", "a", "b", "b", "c", "c"]);
  expect((await there.events(id)).map(({ type }) => type)).toContain("reopened");

  // Forgetting it makes it false as well.
  await there.setFlag("paid", true);
  await there.becomes(id, { status: "COMPLETED" });
  await there.database.query("delete from status_flags where key = 'paid'");
  await there.becomes(id, { status: "ACTIVE" });
});

test("a reminder isn't reopened beside another ACTIVE one for the same thing, and says why", async () => {
  const there = await world();
  const key = { entity_type: "invoice", entity_id: "42", event_type: "payment" };
  const id = await there.insert({ ...key, ...FLAG, reopens: true, run_at: new Date("2999-01-01") });
  there.work();
  await there.setFlag("paid", true);
  await there.becomes(id, { status: "COMPLETED" });
  await there.insert({ ...key, run_at: new Date("2999-01-01") });
  await there.setFlag("paid", false);
  await until(async () => (await there.events(id)).some(({ type }) => type === "not_reopened"), "it says why not");
  expect(await there.reminder(id)).toMatchObject({ status: "COMPLETED" });
});

test("a flag that is set back while its reminder is just being completed reopens it all the same", async () => {
  const there = await world();
  const id = await there.insert({ ...FLAG, reopens: true, run_at: new Date("2999-01-01") });
  await there.setFlag("paid", true);
  let commit = (): void => {};
  const mayCommit = new Promise<void>((resolve) => {
    commit = resolve;
  });
  let isHeld = false;
  const completing = there.database.transaction(async (sql) => {
    await sql.query(
      "update reminder_jobs set status = 'COMPLETED', completion_reason = 'stop_condition', completed_at = now(), next_run_at = null where id = $1",
      [id],
    );
    isHeld = true;
    await mayCommit;
  });
  await until(async () => isHeld, "it is being completed");
  await there.setFlag("paid", false);
  there.work();
  await until(
    async () =>
      (
        await there.database.query(
          "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        )
      ).length > 0,
    "a worker waits for whoever completes it",
  );
  commit();
  await completing;
  await there.becomes(id, { status: "ACTIVE" });
});
