import { describe, expect, test } from "vitest";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

// What a reminder goes on until, and what becomes of it while nobody can say.

/** Of a kind that nobody has: whether it is done is unknown until somebody corrects it. */
const NOBODY_KNOWS = { stop_condition_type: "oracle", stop_condition_value: "?" };
const SHORT = { hold: { baseSeconds: 0.05, capSeconds: 0.2, attentionAfter: 3 } };

const anyOf = (...conditions: object[]) => ({
  stop_condition_type: "any_of",
  stop_condition_settings: JSON.stringify({ conditions }),
});

const types = async ({ events }: World, id: number) => (await events(id)).map(({ type }) => type);

/** With what became of them stored: else, once the clock is moved, their leases have run out. */
const sent = async ({ database, sink }: World, count: number) => {
  const open = () => database.query("select from deliveries where status = 'sending'");
  await until(() => sink.received.length >= count, `${count} messages were sent`);
  await until(async () => (await open()).length === 0, "what became of them is stored");
};

async function correct({ database }: World, id: number, flag: string): Promise<void> {
  await database.query(
    "update reminder_jobs set stop_condition_type = 'db_check', stop_condition_value = $2 where id = $1",
    [id, flag],
  );
}

describe("kinds that need nothing but the row", () => {
  test("after its deadline nothing is sent, and it completes for that", async () => {
    const made = await world();
    made.work();
    const id = await made.insert({ stop_condition_type: "deadline", stop_condition_value: "PT90M" });
    await made.advance({ minutes: 61 });
    await sent(made, 1);
    await made.advance({ minutes: 60 });
    await made.becomes(id, { status: "COMPLETED", completion_reason: "deadline" });
    expect(made.sink.received).toHaveLength(1);
  });

  test("after so many messages were sent it completes with the last of them; what failed doesn't count", async () => {
    const made = await world();
    let fails = true;
    made.sink.behave = () => {
      if (!fails) return DELIVERED;
      fails = false;
      throw new Error("not now");
    };
    made.work({ retry: { maxAttempts: 1, baseSeconds: 1, factor: 1, capSeconds: 1 } });
    const id = await made.insert({ stop_condition_type: "max_attempts", stop_condition_value: "2" });
    for (const count of [1, 2, 3]) {
      await made.advance({ minutes: 61 });
      await sent(made, count);
      await until(async () => (await made.deliveries(id)).at(-1)?.finished_at, "its message has ended");
    }
    await made.becomes(id, { status: "COMPLETED", completion_reason: "max_attempts", sent_count: 2 });
    expect((await made.deliveries(id)).map(({ status }) => status)).toEqual(["failed", "sent", "sent"]);
  });

  test("made to count later, it counts what was sent before", async () => {
    const made = await world();
    made.work();
    const id = await made.insert();
    await made.advance({ minutes: 61 });
    await made.deliveryBecomes(id, "sent");
    await made.database.query(
      "update reminder_jobs set stop_condition_type = 'max_attempts', stop_condition_value = '2' where id = $1",
      [id],
    );
    await made.advance({ minutes: 61 });
    await made.becomes(id, { status: "COMPLETED", completion_reason: "max_attempts" });
    expect(made.sink.received).toHaveLength(2);
  });

  test("a deadline that plain SQL wrote and nobody can read pauses it for a person, and holds up no other", async () => {
    const made = await world();
    made.work();
    const odd = await made.insert({ stop_condition_type: "deadline", stop_condition_value: "some day" });
    const other = await made.insert();
    await made.advance({ minutes: 61 });
    await made.becomes(odd, { status: "PAUSED" });
    expect((await made.reminder(odd)).needs_attention).toMatch(/deadline must be .*"some day".*resume it/);
    await made.deliveryBecomes(other, "sent");
    expect(await made.deliveries(odd)).toEqual([]);
  });
});

describe("conditions made of others", () => {
  test("it fires while none is met, and completes with the first that is, plain SQL or not", async () => {
    const made = await world();
    made.work();
    const id = await made.insert(
      anyOf({ type: "db_check", value: "paid:{entity_id}" }, { type: "max_attempts", value: "9" }),
    );
    await made.advance({ minutes: 61 });
    await made.deliveryBecomes(id, "sent");
    await made.setFlag(`paid:${(await made.reminder(id)).entity_id}`, true);
    await made.advance({ minutes: 60 });
    await made.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
    expect(made.sink.received).toHaveLength(1);
    expect((await made.events(id)).at(-1)?.because).toMatch(/flag "paid:INV_\d+" is set/);
  });

  test("it counts its messages, and completes with the last that it wants", async () => {
    const made = await world();
    made.work();
    const id = await made.insert(anyOf({ type: "db_check", value: "paid" }, { type: "max_attempts", value: "1" }));
    await made.advance({ minutes: 61 });
    await made.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition", sent_count: 1 });
  });

  test("P3: a flag inside it that is set while its message waits for its retry holds it back", async () => {
    const made = await world();
    made.sink.behave = () => {
      throw new Error("not now");
    };
    made.work({ retry: { maxAttempts: 5, baseSeconds: 60, factor: 1, capSeconds: 60 } });
    const id = await made.insert(anyOf({ type: "deadline", value: "P9D" }, { type: "db_check", value: "paid" }));
    await made.advance({ minutes: 61 });
    await made.deliveryBecomes(id, "retrying");
    await made.setFlag("paid", true);
    await made.advance({ minutes: 5 });
    await made.deliveryBecomes(id, "suppressed");
    await made.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
    expect(made.sink.received).toHaveLength(1);
  });

  test("P3: a flag inside it that is set while the channel connects holds the message back", async () => {
    const made = await world();
    made.sink.connect = async () => {
      await made.setFlag("paid", true);
      await new Promise((resolve) => setTimeout(resolve, 260));
    };
    made.work();
    const id = await made.insert(anyOf({ type: "db_check", value: "paid" }));
    await made.advance({ minutes: 61 });
    await made.deliveryBecomes(id, "suppressed");
    expect(made.sink.received).toEqual([]);
  });
});

describe("while nobody can say whether it is done", () => {
  test("nothing is sent; the timeline says when that began and when it ended, and the occurrence is not lost", async () => {
    const made = await world();
    made.work(SHORT);
    const id = await made.insert(NOBODY_KNOWS);
    await made.advance({ minutes: 61 });
    await until(async () => ((await made.reminder(id)).unknown_count as number) >= 6, "it was asked again and again");
    expect(await types(made, id)).toEqual(["unanswered", "needs_attention"]);
    expect((await made.reminder(id)).needs_attention).toMatch(/3 times in a row.*oracle.*nothing is sent/);
    expect(made.sink.received).toEqual([]);

    await made.database.query(
      `update reminder_jobs set stop_condition_type = 'any_of', stop_condition_value = null,
              stop_condition_settings = '{"conditions": [{"type": "db_check", "value": "paid"}]}' where id = $1`,
      [id],
    );
    await made.deliveryBecomes(id, "sent");
    expect(await made.reminder(id)).toMatchObject({ needs_attention: null, unknown_count: null, ask_token: null });
    expect(made.sink.received).toHaveLength(1);
  });

  test("an answer at last is a line in the timeline, and nobody need look any more", async () => {
    const made = await world();
    made.work(SHORT);
    // Whoever said that nobody can say has changed nothing in the reminder.
    const id = await made.insert(anyOf({ type: "db_check", value: "paid" }));
    await made.database.query(
      "update reminder_jobs set unknown_count = 9, unknown_since = reminder_now(), needs_attention = 'look' where id = $1",
      [id],
    );
    await made.advance({ minutes: 61 });
    await made.deliveryBecomes(id, "sent");
    expect(await types(made, id)).toEqual(["answered"]);
    expect(await made.reminder(id)).toMatchObject({ needs_attention: null, unknown_count: null, unknown_since: null });
  });

  test("with on_unknown send each occurrence is sent, and a person is told after so many", async () => {
    const made = await world();
    made.work(SHORT);
    const id = await made.insert({ ...NOBODY_KNOWS, on_unknown: "send" });
    for (const count of [1, 2, 3]) {
      await made.advance({ minutes: 61 });
      await sent(made, count);
    }
    await until(async () => (await made.reminder(id)).needs_attention, "a person is told");
    expect(await types(made, id)).toEqual(["unanswered", "needs_attention"]);
    expect((await made.reminder(id)).status).toBe("ACTIVE");
  });

  test("what was held past its next instants sends one message for all of them, whatever its misfire policy", async () => {
    const made = await world();
    made.work(SHORT);
    const ids = [
      await made.insert({ ...NOBODY_KNOWS, misfire_policy: "skip" }),
      await made.insert({ ...NOBODY_KNOWS }),
    ];
    await made.advance({ minutes: 61 });
    for (const id of ids) await until(async () => (await made.reminder(id)).unknown_count, "it is held");
    await made.advance({ minutes: 150 });
    // The same question, of which nobody knows that it was changed: what is answered is that it is not done.
    await made.database.query("alter table reminder_jobs disable trigger reminder_jobs_ask_anew");
    for (const id of ids) await correctKeepingHold(made, id);
    for (const id of ids) await made.deliveryBecomes(id, "sent");
    for (const id of ids) {
      expect(await made.deliveries(id)).toHaveLength(1);
      expect(await types(made, id)).toEqual(expect.arrayContaining(["unanswered", "answered", "missed"]));
      const missed = (await made.events(id)).find(({ type }) => type === "missed");
      expect(missed?.because).toMatch(/nobody could say in time/);
    }
  });

  test("a crowd that is held is not in the way of what is due", async () => {
    const made = await world();
    await made.database.query(
      `insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at,
                                  stop_condition_type, stop_condition_value)
       select 'crowd', n::text, 'payment', 'sink', 'x', 'one_time', reminder_now(), 'oracle', '?'
         from generate_series(1, 3000) n`,
    );
    made.work({ hold: { baseSeconds: 600, capSeconds: 600, attentionAfter: 5 } });
    const plain = await made.insert({ schedule_type: "one_time", interval_minutes: null });
    await made.deliveryBecomes(plain, "sent");
    await until(async () => {
      const [row] = await made.database.query<{ held: number }>(
        "select count(*)::int as held from reminder_jobs where unknown_count = 1",
      );
      return row?.held === 3000;
    }, "all of them are held");
    expect(made.sink.received).toHaveLength(1);
  });

  test("P9: one tenant's crowd is not in the way of another's reminder", async () => {
    const made = await world();
    await made.database.query("insert into tenants (name) values ('crowd'), ('quiet')");
    await made.database.query("select set_config('reminder.tenant', '*', false)");
    await made.database.query(
      `insert into reminder_jobs (tenant_id, entity_type, entity_id, event_type, channel, recipient, schedule_type, run_at,
                                  stop_condition_type, stop_condition_value)
       select tenant, 'x', n::text, 'payment', 'sink', 'x', 'one_time', reminder_now() - interval '1 minute' * n, 'oracle', '?'
         from (select 'crowd' as tenant, n from generate_series(1, 2000) n
               union all select 'quiet', 0) all_of_them`,
    );
    const [quiet] = await made.database.query<{ id: number }>("select id from reminder_jobs where tenant_id = 'quiet'");
    made.work({ hold: { baseSeconds: 600, capSeconds: 600, attentionAfter: 5 } });
    await until(async () => (await made.reminder(quiet?.id as number)).unknown_count, "the other's is asked");
    const [row] = await made.database.query<{ left: number }>(
      "select count(*)::int as left from reminder_jobs where tenant_id = 'crowd' and unknown_count is null",
    );
    expect(row?.left).toBeGreaterThan(500);
  });

  test("moved by plain SQL it is asked when it is due then; a lease that its worker lost is waited for, no longer", async () => {
    const made = await world();
    const id = await made.insert(anyOf({ type: "db_check", value: "paid" }));
    await made.database.query(
      `update reminder_jobs set next_run_at = reminder_now(), ask_at = reminder_now() + interval '1 second',
              ask_token = gen_random_uuid() where id = $1`,
      [id],
    );
    made.work();
    const delivery = await made.deliveryBecomes(id, "sent");
    const { next_run_at: next, last_run_at: last } = await made.reminder(id);
    expect((last as number) - (delivery.occurrence_at as number)).toBeGreaterThanOrEqual(900);
    expect(next).not.toBeNull();
  });
});

/** Makes it answerable again as the outside would: without anybody having changed the reminder. */
async function correctKeepingHold({ database }: World, id: number): Promise<void> {
  await database.query(
    `update reminder_jobs set stop_condition_type = 'any_of', stop_condition_value = null, ask_at = null,
            stop_condition_settings = '{"conditions": [{"type": "db_check", "value": "paid"}]}' where id = $1`,
    [id],
  );
}

describe("the ceiling of the installation", () => {
  test("what has fired so often is paused with the reason; resumed, it may fire as often again", async () => {
    const made = await world();
    made.work({ ceiling: { occurrences: 2, ageDays: null } });
    const id = await made.insert();
    for (const count of [1, 2]) {
      await made.advance({ minutes: 60 });
      await sent(made, count);
    }
    await made.advance({ minutes: 60 });
    await made.becomes(id, { status: "PAUSED" });
    expect((await made.reminder(id)).needs_attention).toMatch(/fired 2 times.*resume it/);
    expect(await types(made, id)).toEqual(["paused"]);
    expect(made.sink.received).toHaveLength(2);
  });

  test("what has gone on for so long is paused; what has never fired is not", async () => {
    const made = await world();
    made.work({ ceiling: { occurrences: null, ageDays: 3 } });
    const late = await made.insert({
      schedule_type: "one_time",
      interval_minutes: null,
      run_at: new Date(Date.now() + 30 * 86_400_000),
    });
    const id = await made.insert({ interval_minutes: 1440 });
    for (const count of [1, 2]) {
      await made.advance({ days: 1, minutes: 1 });
      await sent(made, count);
    }
    await made.advance({ days: 1, minutes: 1 });
    await made.becomes(id, { status: "PAUSED" });
    expect((await made.reminder(id)).needs_attention).toMatch(/gone on for 3 days/);
    await made.advance({ days: 30 });
    await made.deliveryBecomes(late, "sent");
  });
});

test("a kind that is corrected to a plain one fires as any other", async () => {
  const made = await world();
  made.work(SHORT);
  const id = await made.insert(NOBODY_KNOWS);
  await made.advance({ minutes: 61 });
  await until(async () => (await made.reminder(id)).unknown_count, "it is held");
  await correct(made, id, "paid");
  await made.deliveryBecomes(id, "sent");
});
