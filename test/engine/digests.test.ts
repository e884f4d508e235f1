import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Message } from "../../src/channels/channel.ts";
import { NotYet, OutcomeUnknown, Permanent, Retryable } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { attemptsIn } from "../../src/core/retry.ts";
import { newestFor } from "../../src/engine/digest.ts";
import type { Held } from "../../src/engine/held.ts";
import { DEFAULT_SETTINGS, type EngineSettings } from "../../src/engine/settings.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { claimDigests } from "../../src/store/claimed.ts";
import { nextDigests } from "../../src/store/digests.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { setToTwentyPastTen } from "../support/clock.ts";
import { weighing } from "../support/effort.ts";
import { holding } from "../support/holding.ts";
import { DELIVERED } from "../support/sink.ts";
import { createTenants } from "../support/tenants.ts";
import { outlast, until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

/** By these clocks it is 10:20 when a test begins. */
async function atTwentyPast(there: World): Promise<void> {
  await setToTwentyPastTen(there.database);
}

async function contact(there: World, id: string, preferences: object, email = `${id}@example.org`): Promise<void> {
  await there.database.query(
    "insert into contacts (entity_type, entity_id, name, email, preferences) values ('person', $1, $1, $2, $3)",
    [id, email, JSON.stringify(preferences)],
  );
}

/** Is due so many minutes from now for that contact. */
async function due(
  there: World,
  person: string,
  event: string,
  columns: Record<string, unknown> = {},
): Promise<number> {
  const { minutes = 0, ...other } = columns;
  const [now] = await there.database.query<{ at: number }>("select reminder_now() + $1 * interval '1 minute' as at", [
    minutes,
  ]);
  return there.insert({
    ...{ entity_type: "person", entity_id: person, event_type: event, recipient: null, schedule_type: "one_time" },
    ...{ interval_minutes: null, run_at: new Date(now?.at as number), ...other },
  });
}

const HOURLY = { digest: { window_minutes: 60 } };
const itemsOf = ({ written, subject }: { written?: Message["written"]; subject?: string }): string[] =>
  [...(written?.body ?? subject ?? "").matchAll(/^\d+\. (.*) \(/gm)].map(([, event]) => event as string);

async function ended(there: World, ids: readonly number[]): Promise<Record<string, unknown>[]> {
  return until(
    async () => {
      const rows = await there.database.query(
        "select * from deliveries where reminder_id = any($1) and finished_at is not null order by reminder_id",
        [ids],
      );
      return rows.length >= ids.length ? rows : null;
    },
    `deliveries of ${ids.join(", ")} have ended`,
  );
}

/** A worker that can be cut off from the database for good: what it holds it then can neither store nor take up again. */
function workerOfItsOwn(there: World, settings: Partial<EngineSettings>) {
  const own = openDatabase({ url: there.database.url, poolSize: 5 });
  const worker = startWorker({
    database: workerDatabase(own),
    channels: channelMap([there.sink]),
    log: pino({ level: "silent" }),
    settings,
  });
  return { worker, cutOff: () => own.close() };
}

/** Waits until each of them waits for the digest. */
async function gathered(there: World, ids: readonly number[]): Promise<void> {
  await until(
    async () => {
      const rows = await there.database.query(
        "select from deliveries where reminder_id = any($1) and status = 'pending' and digest_at is not null",
        [ids],
      );
      return rows.length === ids.length;
    },
    `${ids.join(", ")} wait for the digest`,
  );
}

test("what falls due for one contact within a window becomes one message, and each occurrence is recorded", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  await contact(there, "bob", {});
  there.work();
  const ids = [
    await due(there, "ann", "payment"),
    await due(there, "ann", "feedback"),
    await due(there, "ann", "approval"),
  ];
  const other = await due(there, "bob", "payment");
  await ended(there, [other]);
  await gathered(there, ids);
  expect(there.sink.received.map(({ recipient }) => recipient)).toEqual(["bob@example.org"]);

  // At eleven sharp some are still being fired: a minute later all are there.
  await there.advance({ minutes: 40 });
  const late = await due(there, "ann", "document", { minutes: -0.1 });
  await gathered(there, [late]);
  await there.advance({ seconds: 61 });
  const rows = await ended(there, ids);
  expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual([
    ["sent", 1],
    ["sent", 1],
    ["sent", 1],
  ]);
  expect(new Set(rows.map(({ digest_id }) => digest_id)).size).toBe(1);
  const digests = there.sink.received.filter(({ recipient }) => recipient === "ann@example.org");
  expect(digests).toHaveLength(1);
  const [digest] = digests;
  expect(digest).toMatchObject({
    isDigest: true,
    idempotencyKey: rows[0]?.digest_id,
    written: { subject: "4 reminders for you" },
  });
  expect(itemsOf(digest as Message)).toEqual(["Payment", "Feedback", "Approval", "Document"]);
  await there.becomes(late, { status: "COMPLETED", completion_reason: "one_time_sent" });
});

test("one alone goes as it would have gone, and what is excepted goes at once", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", { digest: { at: ["11:00"], except: ["sla"] } });
  there.work();
  const alone = await due(there, "ann", "payment");
  const urgent = await due(there, "ann", "sla");
  await ended(there, [urgent]);
  await gathered(there, [alone]);
  await there.advance({ minutes: 42 });
  await ended(there, [alone]);
  expect(there.sink.received.map(({ reminder, isDigest }) => [reminder.eventType, isDigest])).toEqual([
    ["sla", undefined],
    ["payment", undefined],
  ]);
});

test("what is left alone of several can be unsubscribed from as if it had come by itself; of several, one click couldn't say of which", async () => {
  const there = await world();
  await atTwentyPast(there);
  for (const person of ["ann", "bob"]) await contact(there, person, HOURLY);
  there.work({ links: { publicUrl: "https://r.example.com", days: 30 } });
  const flagged = { stop_condition_type: "db_check", stop_condition_value: "done" };
  const ids = [
    ...[await due(there, "ann", "payment", flagged), await due(there, "ann", "feedback")],
    ...[await due(there, "bob", "payment"), await due(there, "bob", "feedback")],
  ];
  await gathered(there, ids);
  await there.setFlag("done", true);
  await there.advance({ minutes: 42 });
  await ended(there, ids);
  const to = Object.fromEntries(there.sink.received.map((message) => [message.recipient, message]));
  expect(itemsOf(to["ann@example.org"] as Message)).toEqual(["Feedback"]);
  expect(to["ann@example.org"]?.links?.stop).toMatch(/^https:\/\/r\.example\.com\/a\//);
  expect(itemsOf(to["bob@example.org"] as Message)).toHaveLength(2);
  expect(to["bob@example.org"]?.links).toBeUndefined();
});

test("each stop condition is asked when it is sent: what is done isn't in it, and what is done while it is made ready neither", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  const flagged = (key: string) => ({ stop_condition_type: "db_check", stop_condition_value: key });
  const connecting: (() => void)[] = [];
  there.sink.connect = () => new Promise((resolve) => connecting.push(resolve));
  there.work();
  const before = await due(there, "ann", "payment", flagged("before"));
  const during = await due(there, "ann", "feedback", flagged("during"));
  const open = await due(there, "ann", "approval", flagged("open"));
  await gathered(there, [before, during, open]);
  await there.setFlag("before", true);
  await there.advance({ minutes: 42 });
  await until(() => connecting.length === 1, "it is being sent");
  await there.setFlag("during", true);
  // What was read before is used for a moment yet, as with every stop.
  await new Promise((resolve) => setTimeout(resolve, 300));
  connecting.shift()?.();
  await until(() => connecting.length === 1, "it is sent anew without what was done");
  connecting.shift()?.();
  const rows = await ended(there, [before, during, open]);
  expect(rows.map(({ status }) => status)).toEqual(["suppressed", "suppressed", "sent"]);
  expect(there.sink.received).toHaveLength(1);
  expect(itemsOf(there.sink.received[0] as Message)).toEqual(["Approval"]);
  await there.becomes(before, { status: "COMPLETED", completion_reason: "stop_condition" });
  await there.becomes(during, { status: "COMPLETED", completion_reason: "stop_condition" });
});

test("what fails is tried again as the same message; for good it fails for all, and what is unknown isn't sent again", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.work({ retry: { maxAttempts: 3, baseSeconds: 600, factor: 1, capSeconds: 600 } });
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  await gathered(there, ids);
  there.sink.behave = () => {
    throw new Retryable("busy");
  };
  await there.advance({ minutes: 42 });
  await until(
    async () => (await there.deliveries(ids[1] as number))[0]?.status === "retrying",
    "it is to be tried again",
  );
  there.sink.behave = () => DELIVERED;
  await there.advance({ minutes: 15 });
  expect((await ended(there, ids)).map(({ status, attempts }) => [status, attempts])).toEqual([
    ["sent", 2],
    ["sent", 2],
  ]);
  expect(there.sink.received.map(({ idempotencyKey }) => idempotencyKey)).toEqual(
    Array(2).fill(there.sink.received[0]?.idempotencyKey),
  );
  expect(there.sink.received.map((message) => itemsOf(message))).toEqual(Array(2).fill(["Payment", "Feedback"]));

  for (const [error, status] of [
    [new Permanent("no such person"), "failed"],
    [new OutcomeUnknown("cut off"), "unknown"],
  ] as const) {
    there.sink.behave = () => {
      throw error;
    };
    const more = [await due(there, "ann", "payment", { entity_type: "person" }), await due(there, "ann", "feedback")];
    await gathered(there, more);
    await there.advance({ minutes: 61 });
    expect((await ended(there, more)).map((row) => row.status)).toEqual([status, status]);
  }
});

test("several workers send each digest once, whole, whoever takes it", async () => {
  const there = await world();
  await atTwentyPast(there);
  const people = Array.from({ length: 12 }, (_, n) => `p${n}`);
  for (const person of people) await contact(there, person, HOURLY);
  const workers = [there.work(), there.work(), there.work()];
  const ids: number[] = [];
  for (const event of ["payment", "feedback", "approval"])
    for (const person of people) ids.push(await due(there, person, event));
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  for (const worker of workers) worker.poke();
  await ended(there, ids);
  expect(there.sink.received).toHaveLength(people.length);
  for (const message of there.sink.received) expect(itemsOf(message)).toEqual(["Payment", "Feedback", "Approval"]);
});

test("more than fit into one message come in several", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.work();
  const ids: number[] = [];
  for (let n = 0; n < 60; n += 1) ids.push(await due(there, "ann", `event_${n}`));
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  await ended(there, ids);
  const counts = there.sink.received.map((message) => itemsOf(message).length);
  expect(counts).toEqual([50, 10]);
});

test("at most so many messages a day: the rest is held until there is room, by whichever channel", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", { max_per_day: 2 });
  await contact(there, "bob", {});
  there.work();
  const ids: number[] = [];
  for (const event of ["a", "b", "c", "d"]) {
    const id = await due(there, "ann", event);
    ids.push(id);
    await until(
      async () =>
        (await there.deliveries(id))[0]?.attempts !== undefined &&
        (await there.deliveries(id))[0]?.status !== "sending",
      "it was sent, or waits",
    );
  }
  const other = await due(there, "bob", "a");
  await ended(there, [other]);
  const statuses = async () => (await Promise.all(ids.map((id) => there.deliveries(id)))).map(([row]) => row?.status);
  expect(await statuses()).toEqual(["sent", "sent", "pending", "pending"]);
  const [waiting] = await there.deliveries(ids[2] as number);
  expect(waiting?.reason).toBe("waits for its turn: person/ann wants at most 2 messages a day");
  await there.advance({ minutes: 23 * 60 });
  expect(await statuses()).toEqual(["sent", "sent", "pending", "pending"]);
  await there.advance({ minutes: 2 * 60 });
  await until(async () => (await statuses())[2] === "sent", "the next day there is room");
  await there.advance({ minutes: 26 * 60 });
  await until(async () => (await statuses())[3] === "sent", "and again the day after");
});

test("who wants one a day, and waits for the next days, holds up nothing of what others get an hour at the same address", async () => {
  const there = await world();
  const address = "office@example.org";
  await contact(there, "ann", { max_per_day: 1 }, address);
  await contact(there, "bob", {}, address);
  const ofAnn: number[] = [];
  for (const event of ["a", "b", "c", "d"]) ofAnn.push(await due(there, "ann", event));
  there.work({ limits: { perMinute: null, perRecipientPerHour: 3 } });
  const wait = "select from deliveries where reminder_id = any($1) and reason like '%wants at most 1 messages a day'";
  await until(async () => (await there.database.query(wait, [ofAnn])).length === 3, "three wait for another day");

  const ofBob = [await due(there, "bob", "a"), await due(there, "bob", "b")];
  expect((await ended(there, ofBob)).map(({ status }) => status)).toEqual(["sent", "sent"]);
  // And what is over waits for an hour, not for days.
  const third = await due(there, "bob", "c");
  await until(async () => (await there.deliveries(third))[0]?.reason, "the third waits");
  expect((await there.deliveries(third))[0]?.reason).toBe(
    "waits for its turn: at most 3 messages an hour to one recipient",
  );
  await there.advance({ minutes: 65 });
  expect((await ended(there, [third])).map(({ status }) => status)).toEqual(["sent"]);

  const sent = "select from deliveries where reminder_id = any($1) and status = 'sent'";
  for (const count of [2, 3, 4]) {
    const [wait] = await there.database.query<{ minutes: number }>(
      "select extract(epoch from min(person_slot_at) - reminder_now())::float8 / 60 as minutes from deliveries where status = 'pending'",
    );
    expect(wait?.minutes).toBeGreaterThan(22 * 60);
    expect(wait?.minutes).toBeLessThan(27 * 60);
    await there.advance({ minutes: (wait?.minutes as number) + 1 });
    await until(async () => (await there.database.query(sent, [ofAnn])).length === count, `one more comes: ${count}`);
  }
});

test("what somebody wants a day holds also where a cap of the tenant is changed meanwhile", async () => {
  const there = await world();
  await contact(there, "ann", { max_per_day: 2 });
  for (const event of ["a", "b", "c"]) await due(there, "ann", event);
  there.work();
  const haveRest = async (): Promise<boolean> => {
    const rows = await there.database.query<{ rests: boolean }>(
      "select status = 'sent' or next_attempt_at > reminder_now() + interval '5 minutes' as rests from deliveries",
    );
    return rows.length === 3 && rows.every(({ rests }) => rests);
  };
  await until(haveRest, "one waits for another day");
  await there.database.query("update tenants set sends_per_minute = 60 where name = 'default'");
  await there.advance({ minutes: 1 });
  await until(haveRest, "it has asked anew");
  await there.advance({ minutes: 70 });
  await until(haveRest, "what may leave has left");
  expect(there.sink.received).toHaveLength(2);
  await there.advance({ minutes: 25 * 60 });
  await until(() => there.sink.received.length === 3, "it comes another day");
});

test("what waits for another day keeps its place where a cap of the tenant is changed, and what waits for its turn alone leaves", async () => {
  const there = await world();
  const setCap = (perMinute: number) =>
    there.database.query("update tenants set sends_per_minute = $1 where name = 'default'", [perMinute]);
  await setCap(2);
  for (const who of ["ann", "bob", "cy"]) await contact(there, who, { max_per_day: 1 });
  const ids: number[] = [];
  for (const who of ["ann", "ann", "bob", "cy"]) ids.push(await due(there, who, `event_${ids.length}`));
  there.work();
  const reasons = async () =>
    there.database.query<{ reason: string; at: number }>(
      "select reason, next_attempt_at as at from deliveries where status = 'pending' and reason is not null order by next_attempt_at",
    );
  const [ofTurn, ofDay] = await until(async () => {
    const waiting = await reasons();
    return waiting.length === 2 ? waiting : null;
  }, "one waits for its turn, and one for another day");
  expect(ofTurn?.reason).toMatch(/messages a minute/);
  expect(ofDay?.reason).toBe("waits for its turn: person/ann wants at most 1 messages a day");

  await there.advance({ minutes: 0.5 });
  await setCap(10);
  await until(() => there.sink.received.length === 3, "what waited for its turn has left");
  expect(await reasons()).toEqual([ofDay]);
  await there.advance({ minutes: 25 * 60 });
  await until(() => there.sink.received.length === 4, "it comes when it was promised to");
});

test.each(["hold", "digest"])(
  "what its channel has no turn for just now keeps its place of the day: the others come on the same day (%s)",
  async (over_budget) => {
    const there = await world();
    await atTwentyPast(there);
    await contact(there, "ann", { max_per_day: 3, over_budget });
    // As Slack does, which takes one a second: each is put back once before it is taken.
    const putBack = new Set<number>();
    there.sink.behave = ({ reminder }) => {
      if (putBack.has(reminder.id)) return DELIVERED;
      putBack.add(reminder.id);
      throw new NotYet("waits for its turn", 50);
    };
    const ids = [await due(there, "ann", "a"), await due(there, "ann", "b"), await due(there, "ann", "c")];
    there.work();
    expect((await ended(there, ids)).map(({ status }) => status)).toEqual(["sent", "sent", "sent"]);
    // A place is a place all the same.
    const more = await due(there, "ann", "d");
    const waits = async (): Promise<boolean> =>
      /wants at most 3 messages a day/.test(String((await there.deliveries(more))[0]?.reason));
    await until(waits, "the fourth waits for another day");
  },
);

test("or it comes as one, when there is room", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", { max_per_day: 1, over_budget: "digest" });
  there.work();
  const first = await due(there, "ann", "payment");
  await ended(there, [first]);
  const rest = [
    await due(there, "ann", "feedback"),
    await due(there, "ann", "approval"),
    await due(there, "ann", "document"),
  ];
  await gathered(there, rest);
  await there.advance({ minutes: 25 * 60 });
  await ended(there, rest);
  expect(there.sink.received.map((message) => itemsOf(message))).toEqual([[], ["Feedback", "Approval", "Document"]]);
});

test("what has no address, or is for programs, waits for its own place instead of coming together", async () => {
  const there = await world();
  await atTwentyPast(there);
  await there.database.query(
    "insert into contacts (entity_type, entity_id, preferences) values ('person', 'ann', $1)",
    [JSON.stringify({ max_per_day: 1, over_budget: "digest" })],
  );
  await contact(there, "bob", { max_per_day: 1, over_budget: "digest" });
  const working = there.work();
  const rest: number[] = [];
  for (const person of ["ann", "bob"]) {
    there.sink.isForPrograms = person === "bob";
    await ended(there, [await due(there, person, "payment")]);
    const id = await due(there, person, "feedback");
    await until(async () => (await there.deliveries(id))[0]?.reason, "it waits for its place");
    expect((await there.deliveries(id))[0]?.digest_at).toBeNull();
    rest.push(id);
  }
  await there.advance({ minutes: 25 * 60 });
  working.poke();
  expect((await ended(there, rest)).map(({ status }) => status)).toEqual(["sent", "sent"]);
});

const FLAGGED = { stop_condition_type: "db_check", stop_condition_value: "during" };
const SET_CONDITION = "update reminder_jobs set stop_condition_type = $2, stop_condition_value = $3 where id = $1";

/** Two that go together, to somebody who wants one message a day: they have their place, and their channel connects for as long as the test likes. */
async function twoConnecting(first: Record<string, unknown> = {}) {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", { ...HOURLY, max_per_day: 1 });
  const connecting: (() => void)[] = [];
  there.sink.connect = () => new Promise((resolve) => connecting.push(resolve));
  there.work();
  const ids = [await due(there, "ann", "payment", first), await due(there, "ann", "feedback")];
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  await until(() => connecting.length === 1, "it has its place");
  return { there, ids, connecting };
}

test("what is written anew without one of them takes no second place of the day", async () => {
  const { there, ids, connecting } = await twoConnecting(FLAGGED);
  await there.setFlag("during", true);
  await outlast();
  connecting.shift()?.();
  await until(() => connecting.length === 1, "it is sent anew, on the same day");
  connecting.shift()?.();
  expect((await ended(there, ids)).map(({ status }) => status)).toEqual(["suppressed", "sent"]);
});

test("one that is put back alone, when it was to go with others, doesn't have their place of the day as well", async () => {
  const { there, ids, connecting } = await twoConnecting();
  // Nobody can say whether the first is done: it comes again in half a minute.
  await there.database.query(SET_CONDITION, [ids[0], "no_such_kind", "x"]);
  await outlast();
  connecting.shift()?.();
  await until(() => connecting.length === 1, "the other goes alone");
  const first = async () => (await there.deliveries(ids[0] as number))[0];
  expect(await first()).toMatchObject({ reason: expect.stringContaining("nobody can say"), person_slot_at: null });
  connecting.shift()?.();
  await ended(there, [ids[1] as number]);
  await there.database.query(SET_CONDITION, [ids[0], null, null]);
  there.sink.connect = async () => {};
  await there.advance({ minutes: 1 });
  await until(
    async () => String((await first())?.reason).includes("wants at most 1 messages a day"),
    "it waits for a day of its own",
  );
  expect(there.sink.received).toHaveLength(1);
});

test("where none of them goes after all, one that is put back has the place of all", async () => {
  const { there, ids, connecting } = await twoConnecting(FLAGGED);
  await there.database.query(SET_CONDITION, [ids[1], "no_such_kind", "x"]);
  await there.setFlag("during", true);
  await outlast();
  connecting.shift()?.();
  await until(
    async () => (await there.deliveries(ids[1] as number))[0]?.person_slot_at !== null,
    "the place is passed on",
  );
  expect((await ended(there, [ids[0] as number])).map(({ status }) => status)).toEqual(["suppressed"]);

  await there.database.query(SET_CONDITION, [ids[1], null, null]);
  there.sink.connect = async () => {};
  await there.advance({ minutes: 1 });
  expect((await ended(there, [ids[1] as number])).map(({ status }) => status)).toEqual(["sent"]);
});

test("what was left out is stored before the others leave: else it could come again under the id of their message", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.work();
  const ids = [
    await due(there, "ann", "payment"),
    await due(there, "ann", "feedback"),
    await due(there, "ann", "approval"),
  ];
  await gathered(there, ids);
  await there.database.query("update reminder_jobs set status = 'PAUSED' where id = $1", [ids[1]]);
  const letGo = await holding(there.database, "lock table reminder_events in share mode");
  await there.advance({ minutes: 41 });
  await until(
    async () =>
      (await there.database.query("select from pg_locks where relation = 'reminder_events'::regclass and not granted"))
        .length > 0,
    "what became of the paused one is being stored",
  );
  await until(() => there.sink.received.length > 0, "the others leave", 500).catch(() => {});
  expect(there.sink.received).toEqual([]);
  await letGo();
  await ended(there, ids);
  expect(there.sink.received.map(itemsOf)).toEqual([["Payment", "Approval"]]);
});

test.each([
  [false, "what a channel would cut off goes in a message of its own"],
  [true, "so it does where nothing leads to the one page of all of them"],
])("with one page %s: %s", async (opensOnePage) => {
  const there = await world();
  there.sink.opensOnePage = opensOnePage;
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.sink.maxDigestChars = 300;
  there.work();
  const ids: number[] = [];
  for (let n = 0; n < 7; n += 1) ids.push(await due(there, "ann", `event_${n}`));
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  const rows = await ended(there, ids);
  expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual(ids.map(() => ["sent", 1]));
  const texts = there.sink.received.map(({ written, reminder }) => written?.body ?? reminder.eventType);
  expect(texts.length).toBeGreaterThan(1);
  for (const text of texts) expect(text.length).toBeLessThanOrEqual(300);
  expect(new Set(there.sink.received.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(texts.length);
  for (let n = 0; n < 7; n += 1) expect(texts.join().match(new RegExp(`event.${n}`, "gi"))).not.toBeNull();
});

test("one that can't be written leaves the others alone, and comes later under an id of its own", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.work();
  await there.database.query(`
    with head as (
      insert into templates (event_type, channel, locale, active_version, last_version)
      values ('feedback', 'sink', 'en', 1, 1) returning event_type, channel, locale
    )
    insert into template_versions (event_type, channel, locale, version, body, missing, on_failure, frames_own, saved_by)
    select event_type, channel, locale, 1, '{{ data.absent }}', 'error', 'fail', false, 'test' from head`);
  const ids = [
    await due(there, "ann", "payment"),
    await due(there, "ann", "feedback"),
    await due(there, "ann", "approval"),
  ];
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  expect((await ended(there, ids)).map(({ status, digest_id }) => [status, digest_id === null])).toEqual([
    ["sent", false],
    ["failed", true],
    ["sent", false],
  ]);
});

test("a backlog of what goes by itself doesn't keep digests back until it is gone", async () => {
  const there = await world({ concurrency: 2 });
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  const connecting: (() => void)[] = [];
  there.sink.connect = () => new Promise((resolve) => connecting.push(resolve));
  there.work();
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  await gathered(there, ids);
  await there.database.query(`
    insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at)
    select 'invoice', n, 'payment', 'sink', 'someone@example.org', 'one_time', reminder_now() from generate_series(1, 150) n`);
  await until(() => connecting.length === 2, "its lane is full");
  await there.advance({ minutes: 42 });
  await until(async () => {
    connecting.shift()?.();
    return there.sink.received.some(({ isDigest }) => isDigest);
  }, "the digest was sent");
  expect(there.sink.received.length).toBeLessThan(120);
  there.sink.connect = async () => {};
  for (const go of connecting) go();
});

test("P9: a tenant whose receiver hangs doesn't keep back the digests of others, however many of its own are due", async () => {
  const there = await world({ concurrency: 2 });
  await atTwentyPast(there);
  await createTenants(there.database, "acme");
  await contact(there, "ann", HOURLY);
  await there.database.query(
    `insert into contacts (tenant_id, entity_type, entity_id, email, preferences)
     select 'acme', 'person', n, n || '@example.org', $1 from generate_series(1, 500) n`,
    [JSON.stringify(HOURLY)],
  );
  there.sink.behave = ({ reminder }, signal) =>
    reminder.tenantId === "default"
      ? DELIVERED
      : new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  there.work();
  await there.database.query(`
    insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, schedule_type, run_at)
    select 'acme', 'person', n, 'payment', 'sink', 'one_time', reminder_now() from generate_series(1, 500) n`);
  await until(async () => {
    const rows = await there.database.query("select from deliveries where digest_at is not null");
    return rows.length === 500;
  }, "they wait");
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  expect((await ended(there, ids)).map(({ status }) => status)).toEqual(["sent", "sent"]);
});

test("P9: a tenant that has thousands for one person doesn't keep back the digests of others until they are gone", async () => {
  const there = await world({ concurrency: 2 });
  await atTwentyPast(there);
  await createTenants(there.database, "acme");
  await contact(there, "ann", HOURLY);
  await there.database.query(
    "insert into contacts (tenant_id, entity_type, entity_id, email, preferences) values ('acme', 'person', 'p', 'p@example.org', $1)",
    [JSON.stringify(HOURLY)],
  );
  there.work();
  await there.database.query(`
    insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, schedule_type, run_at)
    select 'acme', 'person', 'p', 'event ' || n, 'sink', 'one_time', reminder_now() from generate_series(1, 1000) n`);
  await until(async () => {
    const rows = await there.database.query("select from deliveries where digest_at is not null");
    return rows.length === 1_000;
  }, "they wait");
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  expect((await ended(there, ids)).map(({ status }) => status)).toEqual(["sent", "sent"]);
  const ours = there.sink.received.findIndex(({ reminder }) => reminder.tenantId === "default");
  expect(ours).toBeLessThan(10);
});

test("what waits together for a place has it also when the first of it is done by then", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", { digest: { window_minutes: 60, except: ["sla"] }, max_per_day: 1 });
  there.work();
  await ended(there, [await due(there, "ann", "sla")]);
  const flagged = { stop_condition_type: "db_check", stop_condition_value: "done" };
  const ids = [await due(there, "ann", "payment", flagged), await due(there, "ann", "feedback")];
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  for (const id of ids)
    await until(async () => {
      const [row] = await there.deliveries(id);
      return String(row?.reason).startsWith("waits for its turn") && row?.status === "pending";
    }, "it waits for its place");
  await there.setFlag("done", true);
  await there.advance({ minutes: 24 * 60 + 20 });
  expect((await ended(there, ids)).map(({ status }) => status)).toEqual(["suppressed", "sent"]);
});

test("a look for the next digest reads no more of them the more there are", async () => {
  const { database } = await world();
  await database.query(`
    insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, next_attempt_at, digest_at)
    select 'default', 0, n, date_trunc('day', reminder_now()), 'sink', n || '@example.org', 'pending', at, at
      from generate_series(1, 20000) n, lateral (select reminder_now() + interval '1 hour' as at) due`);
  await database.query("analyze deliveries");
  const pages: number[] = [];
  const found = await nextDigests(
    weighing(database, "digest_at is not null", (count) => pages.push(count)),
    ["sink"],
  );
  expect(found.has("sink")).toBe(true);
  expect(pages).toHaveLength(1);
  expect(pages[0]).toBeLessThan(60);
});

test("a worker that falls silent with it: the next one sends the same message, with all that was in it", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  let letGo = (): void => {};
  there.sink.behave = () => new Promise((resolve) => (letGo = () => resolve(DELIVERED)));
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  const { worker: silent, cutOff } = workerOfItsOwn(there, { leaseSeconds: 3_600 });
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  await until(() => there.sink.received.length === 1, "it was sent, and nobody says how that ended");
  // Something more for the same hour comes too late for it.
  const late = await due(there, "ann", "approval", { minutes: -10 });
  await until(async () => (await there.deliveries(late))[0]?.digest_at !== undefined, "it waits for the next hour");
  await cutOff();
  there.sink.behave = () => DELIVERED;
  await there.advance({ minutes: 61 });
  there.work();
  await ended(there, [...ids, late]);
  const items = there.sink.received.map((message) => [message.idempotencyKey, itemsOf(message)]);
  const [first] = items;
  expect(first?.[1]).toEqual(["Payment", "Feedback"]);
  expect(items.filter(([id]) => id === first?.[0])).toEqual([first, first]);
  expect(items.filter(([id]) => id !== first?.[0]).map(([id]) => id)).toEqual([expect.stringMatching(`^${late}-`)]);
  const rows = await ended(there, ids);
  expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual([
    ["sent", 2],
    ["sent", 2],
  ]);
  letGo();
  await silent.stop();
});

test("quiet hours of one of its reminders hold back that one, which comes later as a message of its own", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.work();
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  const held = await due(there, "ann", "approval", { quiet_hours: JSON.stringify([{ from: "10:50", to: "11:30" }]) });
  await gathered(there, [...ids, held]);
  await there.advance({ minutes: 42 });
  await ended(there, ids);
  expect((await there.deliveries(held))[0]).toMatchObject({ status: "pending", digest_id: null, attempts: 0 });
  await there.advance({ minutes: 30 });
  await ended(there, [held]);
  const [together, alone] = there.sink.received;
  expect(itemsOf(together as Message)).toEqual(["Payment", "Feedback"]);
  expect(alone?.idempotencyKey).toBe(`${held}-${alone?.occurrenceAt}-0`);
  expect(alone?.isDigest).toBeUndefined();
});

test("another tenant's messages to the same address never come into it", async () => {
  const there = await world();
  await atTwentyPast(there);
  await createTenants(there.database, "acme");
  await contact(there, "ann", HOURLY);
  await there.database.query(
    "insert into contacts (tenant_id, entity_type, entity_id, email, preferences) select 'acme', entity_type, entity_id, email, preferences from contacts",
  );
  there.work();
  const ids = [
    await due(there, "ann", "payment"),
    await due(there, "ann", "feedback"),
    await due(there, "ann", "approval", { tenant_id: "acme" }),
    await due(there, "ann", "document", { tenant_id: "acme" }),
  ];
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  await ended(there, ids);
  const sent = there.sink.received.map((message) => [message.reminder.tenantId, itemsOf(message)]);
  expect(sent.sort()).toEqual([
    ["acme", ["Approval", "Document"]],
    ["default", ["Payment", "Feedback"]],
  ]);
});

test("what is due in the quiet hours comes together too, when they end", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  await there.database.query("update contacts set quiet_hours = $1", [
    JSON.stringify([{ from: "10:00", to: "12:00" }]),
  ]);
  there.work();
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  await gathered(there, ids);
  await there.advance({ minutes: 42 });
  await until(
    async () => (await there.events(ids[1] as number)).some(({ type }) => type === "quiet"),
    "the quiet hours hold it",
  );
  expect(there.sink.received).toEqual([]);
  await there.advance({ minutes: 60 });
  await ended(there, ids);
  expect(there.sink.received.map((message) => itemsOf(message))).toEqual([["Payment", "Feedback"]]);
});

test.each([
  [2, "some are taken together the first time", 2],
  [3, "one is taken at a time, then", 1],
])("of digests with which workers died %i times, %s, and the others beside it", async (attempts, _what, most) => {
  const there = await world();
  const people = ["ann", "bob", "cyd", "dan"];
  for (const person of people) {
    await contact(there, person, HOURLY);
    await due(there, person, "payment");
    await due(there, person, "feedback");
  }
  // As two workers would have left them that died in the middle of it; dan's was never begun.
  await there.database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, attempts,
                             next_attempt_at, digest_at, digest_id, lease_token)
     select tenant_id, bucket, id, run_at, 'sink', entity_id || '@example.org',
            case entity_id when 'dan' then 'pending' else 'sending' end, case entity_id when 'dan' then 0 else $1::int end,
            reminder_now(), date_trunc('hour', reminder_now()), nullif(entity_id, 'dan'), gen_random_uuid()
       from reminder_jobs`,
    [attempts],
  );
  const claim = async (suspects: { alone: number; together: number }): Promise<string[]> => {
    const room = { leftFor: () => 100, tryTake: () => true, full: () => [] };
    const lease = { token: randomUUID(), seconds: 60 };
    const claimed = await claimDigests(workerDatabase(there.database), {
      ...{ channel: "sink", limit: 100, room, except: [], lease, suspects, maxAttempts: 5 },
    });
    return claimed.map(({ items }) => {
      expect(items).toHaveLength(2);
      return `${items[0]?.recipient} ${items[0]?.isSuspect}`;
    });
  };
  expect(await claim({ alone: 0, together: 0 })).toEqual(["dan@example.org false"]);
  const suspects: string[] = [];
  for (let left = 3; left > 0; left -= most) {
    const some = await claim({ alone: 1, together: 2 });
    expect(some).toHaveLength(Math.min(most, left));
    suspects.push(...some);
  }
  expect(suspects.sort()).toEqual(["ann", "bob", "cyd"].map((person) => `${person}@example.org true`));
  expect(await claim({ alone: 1, together: 2 })).toEqual([]);
});

test("what is paused isn't failed in a digest either, because its attempts are used up; the rest of it is", async () => {
  const there = await world();
  await contact(there, "ann", HOURLY);
  const ids = [await due(there, "ann", "payment"), await due(there, "ann", "feedback")];
  // As workers would have left them that died in the middle of it, each time.
  await there.database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, attempts,
                             next_attempt_at, digest_at, digest_id, lease_token)
     select tenant_id, bucket, id, run_at, 'sink', 'ann@example.org', 'sending', $1::int,
            reminder_now(), date_trunc('hour', reminder_now()), 'both', gen_random_uuid()
       from reminder_jobs`,
    [attemptsIn(DEFAULT_SETTINGS.retry)],
  );
  await there.database.query(
    `update reminder_jobs
        set next_run_at = null, last_occurrence_at = run_at, occurrence_count = 1, status = case id when $1 then 'PAUSED' else 'ACTIVE' end`,
    [ids[0]],
  );
  there.work();

  const rows = await ended(there, ids);
  expect(rows.map(({ status, attempts }) => ({ status, attempts }))).toEqual([
    { status: "suppressed", attempts: attemptsIn(DEFAULT_SETTINGS.retry) },
    { status: "failed", attempts: attemptsIn(DEFAULT_SETTINGS.retry) },
  ]);
  expect(rows[0]?.reason).toMatch(/^the reminder was paused; whether it arrived in \d+ delivery attempts before, /);
  expect((await there.reminder(ids[0] as number)).status).toBe("PAUSED");
  expect(there.sink.received).toEqual([]);
});

test("what is due once more after the end of a time takes no place in its digest: it waits for the next", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.work();
  // Every minute, and so also in the one between eleven sharp and the message.
  const id = await due(there, "ann", "payment", { minutes: 38, schedule_type: "recurring", interval_minutes: 1 });
  const occurrences = () =>
    there.database.query("select status, digest_at from deliveries where reminder_id = $1 order by occurrence_at", [
      id,
    ]);
  await there.advance({ minutes: 38 });
  for (const count of [1, 2, 3]) {
    await until(async () => (await occurrences()).length === count, `${count} of them are recorded`);
    await there.advance({ minutes: 1 });
  }

  await until(() => there.sink.received.length > 0, "the digest of eleven has left");
  await until(async () => (await occurrences())[1]?.status === "sent", "the last one before eleven was in it");
  // Those after it are for twelve.
  expect((await occurrences()).slice(0, 3).map(({ status }) => status)).toEqual(["suppressed", "sent", "pending"]);
});

test("what waits longer than until the next digest has left isn't sent after that, whatever waits for later ones", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  there.sink.behave = () => {
    throw new Retryable("not now", 80 * 60_000);
  };
  there.work();
  const id = await due(there, "ann", "payment", { minutes: 30, schedule_type: "recurring", interval_minutes: 15 });
  const occurrences = async () =>
    (
      await there.database.query("select status from deliveries where reminder_id = $1 order by occurrence_at", [id])
    ).map(({ status }) => status);
  const become = (expected: string[]) =>
    until(
      async () => JSON.stringify(await occurrences()) === JSON.stringify(expected),
      `they are ${expected.join(", ")}`,
    );

  await there.advance({ minutes: 30 });
  await become(["pending"]);
  await there.advance({ minutes: 11 });
  await become(["retrying"]);
  there.sink.behave = () => DELIVERED;
  await there.advance({ minutes: 49 });
  await become(["retrying", "pending"]);
  await there.advance({ minutes: 11 });
  await become(["retrying", "sent"]);
  await there.advance({ minutes: 5 });
  await become(["retrying", "sent", "pending"]);

  await there.advance({ minutes: 16 });
  await become(["suppressed", "sent", "pending", "pending"]);
  expect(there.sink.received).toHaveLength(2);
});

test("what its worker holds for so long that the next message's time comes gives way to what leaves in that", async () => {
  const there = await world();
  await atTwentyPast(there);
  await contact(there, "ann", HOURLY);
  const id = await due(there, "ann", "payment");
  const [row] = await there.database.query(
    `with waiting as (
       insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, next_attempt_at, digest_at)
       select tenant_id, bucket, id, reminder_now() - u.ago, 'sink', 'ann@example.org', 'pending', reminder_now() + u.leaves, reminder_now() + u.leaves
         from reminder_jobs,
              unnest(array['70m', '50m', '5m']::interval[], array['-1m', '19m', '39m']::interval[]) as u(ago, leaves)
       returning occurrence_at)
     update reminder_jobs set last_occurrence_at = (select max(occurrence_at) from waiting) returning last_occurrence_at as newest`,
  );
  const claimed = await claimDigests(workerDatabase(there.database), {
    ...{ channel: "sink", limit: 10, except: [], suspects: { alone: 9, together: 9 }, maxAttempts: 5 },
    room: { leftFor: () => 10, tryTake: () => true, full: () => [] },
    lease: { token: randomUUID(), seconds: 12 },
  });
  const [oldest, ...others] = claimed.flatMap(({ items }) => items) as unknown as Held[];
  expect([oldest?.reminderId, others]).toEqual([id, []]);
  const at = (minutes: number) => newestFor(oldest as Held, (oldest?.digestAt ?? 0) + minutes * 60_000);

  expect([at(1), at(19.9)]).toEqual([null, null]);
  expect(at(20)).toBe(row?.newest);
});
