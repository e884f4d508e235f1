import { expect, test } from "vitest";
import { NotYet, Permanent, Retryable } from "../../src/channels/channel.ts";
import { keepSlots, passOnSlots } from "../../src/store/pace.ts";
import { lockWaits } from "../support/database.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

test("what became of an attempt whose claim is lost changes nothing: neither its delivery, nor what would follow from it", async () => {
  const { database, insert, sink, work, deliveryBecomes, deliveries, reminder, events } = await world();
  let refuse: (() => void) | undefined;
  sink.behave = () =>
    new Promise((_resolve, reject) => {
      refuse = () => reject(new Permanent("no such mailbox"));
    });
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  work();
  await until(() => refuse, "the message is under way");
  // As by the claim of another worker that takes this one for dead.
  await database.query("update deliveries set lease_token = gen_random_uuid()");
  sink.behave = () => DELIVERED;
  refuse?.();

  // Results are stored in their order, so by then the lost one has had its turn.
  const next = await insert({ run_at: new Date() });
  await deliveryBecomes(next, "sent");
  expect(await deliveries(id)).toMatchObject([{ status: "sending", reason: null }]);
  expect((await events(id)).map(({ type }) => type)).not.toContain("failed");
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE", completion_reason: null });
});

/** Has its lease run out until the worker that holds it has claimed it anew. */
async function claimedAnew({ database, deliveries }: World, id: number): Promise<void> {
  const before = (await deliveries(id)).at(-1)?.lease_token as string;
  await until(async () => {
    await database.query(
      "update deliveries set next_attempt_at = reminder_now() - interval '1 second' where lease_token = $1",
      [before],
    );
    const now = (await deliveries(id)).at(-1);
    return now?.status === "sending" && now.lease_token !== before;
  }, "it is claimed anew");
}

/** A message that is under way until `end`, each attempt anew. */
async function underWay(there: World, settings: Parameters<World["work"]>[0] = {}) {
  const { sink, insert, work } = there;
  const ends: ((error?: Error) => void)[] = [];
  sink.behave = () =>
    new Promise((resolve, reject) => {
      ends.push((error) => (error ? reject(error) : resolve(DELIVERED)));
    });
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  work({ pollSeconds: 0.2, ...settings });
  await until(() => ends.length > 0, "it is under way");
  return { id, end: async (nth: number, error?: Error) => (await until(() => ends[nth], "it is under way"))(error) };
}

test("a worker that claims anew what it holds already begins no attempt by that, and none is counted", async () => {
  const there = await world();
  const { sink, deliveries, deliveryBecomes, events } = there;
  const { id, end } = await underWay(there, { retry: { maxAttempts: 2, baseSeconds: 0.1, factor: 1, capSeconds: 1 } });
  await claimedAnew(there, id);
  await end(0, new Retryable("mailbox busy"));
  await until(() => sink.received.length === 2, "it is tried once more");
  expect((await deliveries(id))[0]).toMatchObject({ status: "sending", attempts: 2 });
  await claimedAnew(there, id);
  await end(1);
  expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 2 });
  const failures = (await events(id)).filter(({ type }) => type === "attempt_failed");
  expect(failures).toMatchObject([{ details: { delivery_attempt: 1 } }]);
  expect(sink.received).toHaveLength(2);
});

test("what another worker tried in between is counted, as its own claims anew are not", async () => {
  const there = await world();
  const { database, deliveries, deliveryBecomes, sink } = there;
  const { id, end } = await underWay(there, { retry: { maxAttempts: 3, baseSeconds: 0.1, factor: 1, capSeconds: 1 } });
  await claimedAnew(there, id);
  // As by the claim of another worker, which dies with it.
  await database.query("update deliveries set lease_token = gen_random_uuid(), attempts = attempts + 1");
  await claimedAnew(there, id);
  expect((await deliveries(id))[0]).toMatchObject({ attempts: 4 });
  await end(0, new Retryable("mailbox busy"));
  await until(() => sink.received.length === 2, "it is tried once more");
  expect((await deliveries(id))[0]).toMatchObject({ status: "sending", attempts: 3 });
  await end(1, new Retryable("mailbox busy"));
  expect(await deliveryBecomes(id, "failed")).toMatchObject({
    attempts: 3,
    reason: "gave up after 3 delivery attempts: mailbox busy",
  });
});

test("however often it claims anew what is at its last attempt, that attempt counts", async () => {
  const there = await world();
  const { deliveries, deliveryBecomes, events, sink } = there;
  const { id, end } = await underWay(there, { retry: { maxAttempts: 1, baseSeconds: 1, factor: 1, capSeconds: 1 } });
  for (let times = 0; times < 4; times += 1) await claimedAnew(there, id);
  expect((await deliveries(id))[0]).toMatchObject({ status: "sending", attempts: 2 });
  await end(0);
  expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 1, reason: null });
  expect((await events(id)).map(({ type }) => type)).not.toContain("failed");
  expect(sink.received).toHaveLength(1);
});

test("what comes back unsent after it was claimed anew has no attempt behind it", async () => {
  const there = await world();
  const { id, end } = await underWay(there);
  await claimedAnew(there, id);
  await claimedAnew(there, id);
  await end(0, new NotYet("waits for its turn", 3_600_000));
  expect(await there.deliveryBecomes(id, "pending")).toMatchObject({ attempts: 0, reason: "waits for its turn" });
});

test("nor has what is put off to its place, if it was claimed anew while that was looked for", async () => {
  const there = await world();
  const { database, insert, work, deliveryBecomes, sink } = there;
  const once = { schedule_type: "one_time", interval_minutes: null };
  work({ pollSeconds: 0.2, limits: { perMinute: null, perRecipientPerHour: 1 } });
  await deliveryBecomes(await insert({ ...once, run_at: new Date() }), "sent");
  let id = 0;
  await database.transaction(async (sql) => {
    await sql.query("select from pace for update");
    id = await insert({ ...once, run_at: new Date() });
    await deliveryBecomes(id, "sending");
    await claimedAnew(there, id);
    expect((await there.deliveries(id))[0]).toMatchObject({ attempts: 2 });
  });
  const putOff = await deliveryBecomes(id, "pending");
  expect(putOff).toMatchObject({ attempts: 0, reason: expect.stringContaining("at most 1 messages an hour") });
  expect(sink.received).toHaveLength(1);
});

/** A message that has a place in half an hour, and is claimed anew by `claim` just while it is put off to that. */
async function putOffMeanwhile(there: World, claim: (id: number) => Promise<void>) {
  const { database, insert, work } = there;
  const placeAt = Date.now() + 30 * 60_000;
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  // The place of an occurrence before passes to it. While that one's row is locked, putting off waits behind it, under the claim of then.
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, recipient_slot_at)
     select 'default', bucket, id, run_at - interval '1 hour', 'sink', recipient, 'suppressed', $2 from reminder_jobs where id = $1`,
    [id, new Date(placeAt)],
  );
  await database.transaction(async (sql) => {
    await sql.query("select from deliveries where reminder_id = $1 for update", [id]);
    work({ pollSeconds: 0.2, limits: { perMinute: null, perRecipientPerHour: 1 } });
    await until(async () => (await lockWaits(database)) > 0, "it is being put off");
    await claim(id);
  });
  return { id, placeAt };
}

test("what another worker claims just while it is put off to its place has that place with it", async () => {
  const there = await world();
  const { id, placeAt } = await putOffMeanwhile(there, async (id) => {
    await there.database.query(
      "update deliveries set lease_token = gen_random_uuid() where reminder_id = $1 and status = 'sending'",
      [id],
    );
  });
  const held = await until(async () => {
    const now = (await there.deliveries(id)).at(-1);
    return now?.recipient_slot_at !== null && now;
  }, "it is told of its place");
  expect(held).toMatchObject({ status: "sending", attempts: 1, recipient_slot_at: placeAt });
  expect(there.sink.received).toEqual([]);
});

test("what had taken its place, and hadn't been let go, has it with whoever claimed it since", async () => {
  const there = await world();
  const { database, sink, insert, work, deliveries } = there;
  let connecting = 0;
  sink.connect = () => {
    connecting += 1;
    return new Promise(() => {});
  };
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  const worker = work({ limits: { perMinute: null, perRecipientPerHour: 1 }, graceMs: 100 });
  await until(() => connecting === 1, "it has its place");
  await database.query("update deliveries set lease_token = gen_random_uuid()");
  await worker.stop();
  await until(async () => (await deliveries(id))[0]?.recipient_slot_at !== null, "its place is passed on");
  expect((await deliveries(id))[0]).toMatchObject({ status: "sending" });
});

test("a place that is passed on takes the place of no promise", async () => {
  const { database, insert, deliveries } = await world();
  const id = await insert({ run_at: new Date() });
  const [at, promisedAt] = [Date.now(), Date.now() + 600_000];
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, person_slot_at)
     select 'default', bucket, id, $2, 'sink', recipient, 'sending', $3 from reminder_jobs where id = $1`,
    [id, new Date(at), new Date(promisedAt)],
  );
  const slots = { person: at, recipient: at, tenant: null };
  await passOnSlots(database, [{ reminderId: id, occurrenceAt: at, recipientNo: 0, slots }]);
  expect((await deliveries(id))[0]).toMatchObject({ person_slot_at: promisedAt, recipient_slot_at: null });
  await keepSlots(database, [{ reminderId: id, occurrenceAt: at, recipientNo: 0, slots }]);
  expect((await deliveries(id))[0]).toMatchObject({ person_slot_at: at, recipient_slot_at: at });
});

test("what is claimed anew just while it is put off to its place is put off under the new claim, and keeps that place", async () => {
  const there = await world();
  const { deliveries, sink } = there;
  const { id, placeAt } = await putOffMeanwhile(there, (id) => claimedAnew(there, id));
  const newest = await until(async () => {
    const now = (await deliveries(id)).at(-1);
    return now?.status !== "sending" && now?.next_attempt_at === placeAt && now;
  }, "it is put off");
  expect(newest).toMatchObject({ status: "pending", attempts: 0, recipient_slot_at: placeAt });
  expect(newest.reason).toMatch(/at most 1 messages an hour/);
  expect(sink.received).toEqual([]);
});
