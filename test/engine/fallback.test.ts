import { expect, test } from "vitest";
import { BadAddress, NotYet, OutcomeUnknown, Permanent, Retryable } from "../../src/channels/channel.ts";
import { recordDone } from "../../src/store/done.ts";
import { suppress } from "../../src/store/suppressions.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { once, PATIENT, severalChannels } from "../support/several-channels.ts";
import { createTenants } from "../support/tenants.ts";
import { outlast, until } from "../support/wait.ts";

const ANN = { first: "ann-1", second: "ann-2", third: "ann-3" };

const failing = (error: Error) => (): never => {
  throw error;
};
const never = failing(new Permanent("nobody is there"));

/** What is under way has a lease that ran out a moment ago. */
const ABANDONED =
  "status = 'sending', lease_token = gen_random_uuid(), next_attempt_at = reminder_now() - interval '1 second'";

test("what a channel can't deliver for good goes over its fallback to the same person, and the reminder ends by that", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = never;
  const id = await there.insert(once("ann"));
  there.workWith("first:second");
  await there.goes(id, ["first ann-1 failed", "second ann-2 sent"]);
  await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });

  const [failed, sent] = await there.deliveries(id);
  expect(sent).toMatchObject({
    ...{ occurrence_at: failed?.occurrence_at, recipient_no: 1_000, attempts: 1 },
    addressed: { tried: ["first"] },
  });
  expect(await there.told(id)).toEqual([
    "failed: nobody is there",
    "fell_back: it goes over second to ann-2, as first could not deliver it",
    expect.stringContaining("completed: "),
  ]);
  expect(there.second.received.map(({ recipient, contact }) => [recipient, contact?.name])).toEqual([["ann-2", null]]);
});

test("a chain is followed to its end, past a channel that doesn't reach the person", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  await there.contact("bob", { first: "bob-1", third: "bob-3" });
  for (const sink of [there.first, there.second, there.third]) sink.behave = never;
  const [ann, bob] = [await there.insert(once("ann")), await there.insert(once("bob"))];
  there.workWith("first:second,second:third");
  await there.goes(ann, ["first ann-1 failed", "second ann-2 failed", "third ann-3 failed"]);
  await there.goes(bob, ["first bob-1 failed", "third bob-3 failed"]);
  for (const id of [ann, bob]) await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
});

test.each([
  ["bob", { first: "bob-1" }, "person/bob has no address for second or third"],
  ["eve", null, "there is no contact person/eve"],
])("where no channel reaches them it stays failed, and the timeline says why: %s", async (who, addresses, why) => {
  const there = await severalChannels();
  if (addresses) await there.contact(who, addresses);
  there.first.behave = never;
  const id = await there.insert(once(who));
  there.workWith("first:second,second:third");
  await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await there.told(id)).toContain(`no_fallback: it does not go over second or third instead: ${why}`);
  expect(await there.deliveries(id)).toHaveLength(1);
});

test("an address alone goes over where it is the contact's, and nowhere where it is somebody else's", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = never;
  there.second.behave = never;
  const mine = await there.insert(once("ann", { recipient: "ANN-1", event_type: "mine" }));
  const other = await there.insert(once("ann", { recipient: "bob-1", event_type: "other" }));
  there.workWith("first:second,second:third");
  await there.goes(mine, ["first ANN-1 failed", "second ann-2 failed", "third ann-3 sent"]);
  await there.becomes(other, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await there.told(other)).toContain(
    "no_fallback: it does not go over second or third instead: only bob-1 is known of whoever it is for, which isn't the address of person/ann for first",
  );
});

test("what the contact of an address has opted out of doesn't reach them over another channel", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN, { preferences: { opt_out: ["payment"] } });
  there.first.behave = never;
  const id = await there.insert(once("ann", { recipient: "ann-1" }));
  there.workWith("first:second");
  await there.goes(id, ["first ann-1 failed", "second ann-2 suppressed"]);
  expect(there.second.received).toEqual([]);
});

test("whoever stands in for them by then gets it", async () => {
  const there = await severalChannels();
  await there.contact("bob", { second: "bob-2" });
  await there.contact("ann", ANN);
  let hasFailed = (): void => {};
  const mayFail = new Promise<void>((resolve) => {
    hasFailed = resolve;
  });
  there.first.behave = async () => {
    await mayFail;
    return never();
  };
  const id = await there.insert(once("ann"));
  there.workWith("first:second");
  await until(() => there.first.received.length === 1, "it is on its way");
  await there.database.query(
    `update contacts set delegate_type = 'person', delegate_id = 'bob', delegate_until = reminder_now() + interval '1 day'
      where entity_id = 'ann'`,
  );
  hasFailed();
  await there.goes(id, ["first ann-1 failed", "second bob-2 sent"]);
});

test("failing in ways that may pass, it goes over when the time named has passed by the database's clock, and not before", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = failing(new Retryable("the server can't be reached"));
  const id = await there.insert(once("ann"));
  // By itself it would be tried again an hour later.
  there.workWith("first:second:10m", { retry: PATIENT });
  const { first_failed_at: since, next_attempt_at: next } = await there.deliveryBecomes(id, "retrying");
  expect((next as number) - (since as number)).toBe(600_000);

  await there.advance({ minutes: 9 });
  await until(
    async () =>
      (await there.database.query("select from deliveries where next_attempt_at > reminder_now()")).length > 0,
    "it still waits",
  );
  expect(await there.ways(id)).toEqual(["first ann-1 retrying"]);
  await there.advance({ minutes: 1 });
  await there.goes(id, ["first ann-1 failed", "second ann-2 sent"]);
  const [failed, over] = await there.deliveries(id);
  expect((over?.created_at as number) - (since as number)).toBeGreaterThanOrEqual(600_000);
  expect(failed).toMatchObject({
    attempts: 2,
    reason: expect.stringMatching(/^first has only failed for 10 minutes.*: the server can't be reached$/),
  });
  await there.becomes(id, { completion_reason: "one_time_sent" });
});

test("without a time it goes over once its attempts are used up", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = failing(new Retryable("the server can't be reached"));
  const id = await there.insert(once("ann"));
  there.workWith("first:second", { retry: { ...PATIENT, maxAttempts: 2 } });
  await there.deliveryBecomes(id, "retrying");
  await there.advance({ minutes: 30 });
  expect(await there.ways(id)).toEqual(["first ann-1 retrying"]);
  await there.advance({ minutes: 60 });
  await there.goes(id, ["first ann-1 failed", "second ann-2 sent"]);
});

test("while nobody is reached by another channel it goes on being tried", async () => {
  const there = await severalChannels();
  await there.contact("ann", { first: "ann-1" });
  there.first.behave = failing(new Retryable("the server can't be reached"));
  const id = await there.insert(once("ann"));
  there.workWith("first:second:10m", { retry: PATIENT });
  await there.deliveryBecomes(id, "retrying");
  await there.advance({ minutes: 11 });
  await until(() => there.first.received.length === 2, "it was tried again");
  await until(
    async () => (await there.deliveries(id)).some(({ attempts, status }) => attempts === 2 && status === "retrying"),
    "it waits for its next try",
  );
  expect((await there.told(id)).filter((line) => !line.startsWith("attempt_failed"))).toEqual([]);
});

test("what waits for its turn is not down, however long that takes", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = failing(new NotYet("waits for its turn", 60_000));
  const id = await there.insert(once("ann"));
  there.workWith("first:second:1m", { retry: PATIENT });
  for (let n = 1; n <= 4; n += 1) {
    await until(() => there.first.received.length === n, `it was asked for the ${n}. time`);
    await until(async () => (await there.deliveries(id))[0]?.status !== "sending", "it is put back");
    await there.advance({ minutes: 2 });
  }
  there.first.behave = () => ({ providerId: null, demo: false });
  await there.goes(id, ["first ann-1 sent"]);
});

test.each([
  ["nobody knows whether it has arrived", new OutcomeUnknown("it hung up"), "unknown"],
  ["the receiver may have it, and would know it again", new Retryable("no answer", 0, true), "failed"],
  ["nobody knows what the error means", new Error("undefined is not a function"), "failed"],
])("it doesn't go over where %s", async (_, error, status) => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = failing(error);
  const id = await there.insert(once("ann"));
  there.workWith("first:second:1m", { retry: { ...PATIENT, maxAttempts: 1 } });
  await there.becomes(id, { status: "COMPLETED" });
  expect(await there.ways(id)).toEqual([`first ann-1 ${status}`]);
  const told = (await there.told(id)).filter((line) => line.startsWith("no_fallback"));
  const why = "no_fallback: it does not go over second instead: an attempt may have arrived all the same";
  expect(told).toEqual(status === "failed" ? [why] : []);
});

test("an attempt that may have arrived is remembered when later ones certainly have not", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = failing(new Retryable("no answer", 0, true));
  const id = await there.insert(once("ann"));
  there.workWith("first:second", { retry: PATIENT });
  await there.deliveryBecomes(id, "retrying");
  there.first.behave = never;
  await there.advance({ minutes: 90 });
  await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await there.ways(id)).toEqual(["first ann-1 failed"]);
});

test("it doesn't go over where its attempts ran out because workers ended with it", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  const id = await there.insert(once("ann"));
  there.first.behave = failing(new Retryable("the server can't be reached"));
  const worker = there.workWith("first:second", { retry: PATIENT });
  await there.deliveryBecomes(id, "retrying");
  await worker.stop();
  await there.database.query(`update deliveries set attempts = 5, ${ABANDONED}`);
  there.workWith("first:second", { retry: PATIENT });
  await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await there.ways(id)).toEqual(["first ann-1 failed"]);
});

test.each([
  ["hard_bounce", true],
  ["invalid", true],
  ["manual", true],
  ["unsubscribed", false],
  ["complaint", false],
  ["stop", false],
])(
  "nothing is sent to an address that is suppressed (%s); over another channel goes what its owner hasn't refused",
  async (reason, goesOver) => {
    const there = await severalChannels();
    await there.contact("ann", ANN);
    const address = { tenantId: "default", channel: "first", address: "ann-1" };
    await suppress(there.database, [{ ...address, reason, because: null, days: null, createdBy: "test" }]);
    const id = await there.insert(once("ann"));
    there.workWith("first:second");
    await there.becomes(id, { status: "COMPLETED", completion_reason: goesOver ? "one_time_sent" : "delivery_failed" });
    expect(await there.ways(id)).toEqual(["first ann-1 suppressed", ...(goesOver ? ["second ann-2 sent"] : [])]);
  },
);

test.each([
  ["invalid", true],
  ["stop", false],
] as const)("the same counts for what a channel says of an address (%s)", async (reason, goesOver) => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = failing(new BadAddress("not there", { reason, days: null }));
  const id = await there.insert(once("ann"));
  there.workWith("first:second");
  await there.becomes(id, { status: "COMPLETED" });
  expect(await there.ways(id)).toEqual(["first ann-1 failed", ...(goesOver ? ["second ann-2 sent"] : [])]);
});

test("a flag that is set between failing and the fallback keeps it back", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = never;
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  there.second.connect = () => held;
  const id = await there.insert(once("ann", { stop_condition_type: "db_check", stop_condition_value: "paid" }));
  there.workWith("first:second");
  await there.goes(id, ["first ann-1 failed", "second ann-2 sending"]);
  await there.setFlag("paid", true);
  await outlast();
  goOn();
  await there.goes(id, ["first ann-1 failed", "second ann-2 suppressed"]);
  await there.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
  expect(there.second.received).toEqual([]);
});

test("while the fallback is under way its reminder isn't done, and one that a pause takes back comes again", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = never;
  there.second.behave = failing(new Retryable("the server can't be reached"));
  const id = await there.insert(once("ann"));
  there.workWith("first:second", { retry: PATIENT });
  await there.goes(id, ["first ann-1 failed", "second ann-2 retrying"]);
  expect(await there.reminder(id)).toMatchObject({ status: "ACTIVE", completion_reason: null });

  await there.database.query("update reminder_jobs set status = 'PAUSED' where id = $1", [id]);
  await there.advance({ minutes: 90 });
  await there.goes(id, ["first ann-1 failed", "second ann-2 suppressed"]);
  expect(await there.reminder(id)).toMatchObject({ status: "PAUSED", completion_reason: null });
  there.second.behave = () => ({ providerId: null, demo: false });
  await there.database.query("update reminder_jobs set status = 'ACTIVE' where id = $1", [id]);
  await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect((await there.ways(id)).slice(2)).toEqual(["first ann-1 failed", "second ann-2 sent"]);
});

test("a newer occurrence takes the place of a fallback that still waits", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = never;
  there.second.behave = failing(new Retryable("the server can't be reached"));
  const id = await there.insert(once("ann", { schedule_type: "recurring", interval_minutes: 30, run_at: new Date() }));
  there.workWith("first:second", { retry: PATIENT });
  await there.goes(id, ["first ann-1 failed", "second ann-2 retrying"]);
  await there.advance({ minutes: 31 });
  await until(async () => (await there.ways(id)).length === 4, "the next one has failed as well");
  await there.advance({ minutes: 50 });
  await until(async () => (await there.ways(id))[1] === "second ann-2 suppressed", "the older one is superseded");
  expect((await there.deliveries(id))[1]).toMatchObject({ reason: expect.stringContaining("a newer occurrence") });
});

test("each of several recipients has a fallback of their own, and theirs is done by their name", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  await there.contact("bob", { first: "bob-1", second: "bob-2" });
  there.first.behave = never;
  const recipients = [
    { contact: { entity_type: "person", entity_id: "ann" } },
    { contact: { entity_type: "person", entity_id: "bob" } },
    { address: "somebody" },
  ];
  const more = { recipients: JSON.stringify(recipients), completes_when: '{"quorum": 2}' };
  const id = await there.insert(
    once("ann", { ...more, schedule_type: "recurring", interval_minutes: 60, run_at: new Date() }),
  );
  there.workWith("first:second");
  await there.goes(id, [
    ...["first ann-1 failed", "first bob-1 failed", "first somebody failed"],
    ...["second ann-2 sent", "second bob-2 sent"],
  ]);
  const persons = (await there.deliveries(id)).map(({ addressed }) => (addressed as { person: string }).person);
  expect(persons.toSorted()).toEqual(["person/ann", "person/ann", "person/bob", "person/bob", "somebody"]);

  const done = (person: string) =>
    apiDatabase(there.database)
      .forTenant("default")
      .transaction((sql) => recordDone(sql, id, person));
  await done("person/ann");
  await done("person/bob");
  expect(await there.reminder(id)).toMatchObject({ status: "COMPLETED", completion_reason: "people_done" });
});

test("nobody gets an occurrence twice at the same address", async () => {
  const there = await severalChannels();
  await there.contact("ann", { first: "ann-1", second: "ann@example.org" });
  await there.contact("bob", { first: "bob-1", second: "Ann@Example.org" });
  there.first.behave = never;
  const recipients = ["ann", "bob"].map((name) => ({ contact: { entity_type: "person", entity_id: name } }));
  const id = await there.insert(once("ann", { recipients: JSON.stringify(recipients) }));
  there.workWith("first:second");
  await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect(there.second.received).toHaveLength(1);
  expect((await there.told(id)).join()).toContain("another message for the same occurrence goes to");
});

/** What may be two places: behind the host of a URL, and in names of which nobody can tell here, capitals count. */
const CAPITALS = [
  { one: "https://example.org/T/a", other: "https://example.org/T/A" },
  { one: "alerts", other: "Alerts" },
];

test.each(
  CAPITALS.flatMap(({ one, other }) => [
    { one, other, how: "goes over as well", addresses: { first: "bob-1", second: other }, more: {} },
    {
      ...{ one, other, how: "goes there by itself", addresses: { second: other } },
      more: { preferences: { channels: ["second"] } },
    },
  ]),
)(
  "$one and $other are two addresses, where the message to the other one $how",
  async ({ one, other, addresses, more }) => {
    const there = await severalChannels();
    await there.contact("ann", { first: "ann-1", second: one });
    await there.contact("bob", addresses, more);
    there.first.behave = never;
    const recipients = ["ann", "bob"].map((name) => ({ contact: { entity_type: "person", entity_id: name } }));
    const id = await there.insert(once("ann", { recipients: JSON.stringify(recipients) }));
    there.workWith("first:second");
    await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
    expect(there.second.received.map(({ recipient }) => recipient).sort()).toEqual([other, one]);
  },
);

test("an attempt is an occurrence, over however many channels it went", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = never;
  const counting = { stop_condition_type: "max_attempts", stop_condition_value: "2" };
  const id = await there.insert(
    once("ann", { ...counting, schedule_type: "recurring", interval_minutes: 60, run_at: new Date() }),
  );
  there.workWith("first:second");
  await there.goes(id, ["first ann-1 failed", "second ann-2 sent"]);
  expect(await there.reminder(id)).toMatchObject({ status: "ACTIVE" });
  await there.advance({ minutes: 61 });
  await there.becomes(id, { status: "COMPLETED", completion_reason: "max_attempts" });
  expect(there.second.received).toHaveLength(2);
});

test("who is told in the end that it is done is told over the fallback as well", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  await there.contact("bob", { first: "bob-1", second: "bob-2" });
  await there.database.query(
    `insert into policies (name, steps, tell_when_done)
     values ('p', '[{"after": {"sends": 1}, "to": [{"contact": {"entity_type": "person", "entity_id": "bob"}}]}]', true)`,
  );
  const till = { stop_condition_type: "db_check", stop_condition_value: "paid", policy: "p" };
  const id = await there.insert(
    once("ann", { ...till, schedule_type: "recurring", interval_minutes: 60, run_at: new Date() }),
  );
  there.workWith("first:second");
  await there.goes(id, ["first ann-1 sent"]);
  await there.advance({ minutes: 61 });
  await there.goes(id, ["first ann-1 sent", "first bob-1 sent"]);
  there.first.behave = never;
  await there.setFlag("paid", true);
  await there.goes(id, ["first ann-1 sent", "first bob-1 sent", "first bob-1 failed", "second bob-2 sent"]);
  expect(there.second.received).toMatchObject([{ addressed: { tells: true, person: "person/bob" } }]);
  expect(await there.reminder(id)).toMatchObject({ status: "COMPLETED", completion_reason: "stop_condition" });
});

test("two workers make one message of it, however many fail at once", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = never;
  const ids: number[] = [];
  for (let n = 0; n < 40; n += 1) ids.push(await there.insert(once("ann", { event_type: `event${n}` })));
  for (let n = 0; n < 2; n += 1) there.workWith("first:second", { batchSize: 5 });
  for (const id of ids) await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  const per = await there.database.query("select count(*)::int as count from deliveries group by reminder_id, channel");
  expect(per).toEqual(Array.from({ length: 80 }, () => ({ count: 1 })));
  expect(there.second.received).toHaveLength(40);
});

test("a circle by what a tenant says over what the installation says ends where each channel has been tried", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  await there.database.query(
    "insert into channel_fallbacks (tenant_id, channel, fallback) values ('default', 'second', 'first')",
  );
  for (const sink of [there.first, there.second]) sink.behave = never;
  const [one, other] = [
    await there.insert(once("ann")),
    await there.insert(once("ann", { channel: "second", event_type: "other" })),
  ];
  there.workWith("first:second");
  await there.goes(one, ["first ann-1 failed", "second ann-2 failed"]);
  await there.goes(other, ["second ann-2 failed", "first ann-1 failed"]);
  for (const id of [one, other]) await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
});

test("P9: what a tenant says of fallbacks holds for its own messages alone, and its contacts are its own", async () => {
  const there = await severalChannels();
  await createTenants(there.database, "acme", "globex");
  for (const tenant of ["default", "acme", "globex"])
    await there.contact(
      "ann",
      { first: `${tenant}-1`, second: `${tenant}-2`, third: `${tenant}-3` },
      { tenant_id: tenant },
    );
  await there.database.query(
    "insert into channel_fallbacks (tenant_id, channel, fallback) values ('acme', 'first', 'third'), ('globex', 'first', null)",
  );
  there.first.behave = never;
  const [ours, acme, globex] = [
    await there.insert(once("ann")),
    await there.insert(once("ann", { tenant_id: "acme" })),
    await there.insert(once("ann", { tenant_id: "globex" })),
  ];
  there.workWith("first:second");
  await there.goes(ours, ["first default-1 failed", "second default-2 sent"]);
  await there.goes(acme, ["first acme-1 failed", "third acme-3 sent"]);
  await there.becomes(globex, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await there.ways(globex)).toEqual(["first globex-1 failed"]);
});

test("where no fallback is named, nothing is noted and nothing is said of any", async () => {
  const there = await severalChannels();
  await there.contact("ann", ANN);
  there.first.behave = failing(new Retryable("the server can't be reached"));
  const id = await there.insert(once("ann"));
  there.workWith("", { retry: { ...PATIENT, maxAttempts: 1 } });
  await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await there.deliveries(id)).toMatchObject([{ first_failed_at: null, may_have_arrived: null }]);
  expect(await there.told(id)).toEqual([expect.stringContaining("failed: "), expect.stringContaining("completed: ")]);
});

test("what failed together goes over together, each with a delivery of its own", async () => {
  const there = await severalChannels();
  const preferences = JSON.stringify({ digest: { window_minutes: 5 } });
  await there.contact("ann", { first: "ann here", second: "ann there" }, { preferences });
  there.first.behave = () => {
    throw new Permanent("no such person");
  };
  there.workWith("first:second");
  const ids: number[] = [];
  for (const event_type of ["payment", "feedback", "approval"])
    ids.push(await there.insert(once("ann", { event_type })));
  for (const id of ids) await there.goes(id, ["first ann here pending"]);
  await there.advance({ minutes: 12 });
  for (const id of ids) await there.goes(id, ["first ann here failed", "second ann there sent"]);
  expect(there.second.received.map(({ isDigest, written }) => [isDigest, written?.subject])).toEqual([
    [true, "3 reminders for you"],
  ]);
  for (const id of ids) await there.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
});
