import { describe, expect, test } from "vitest";
import { FRESH_MS } from "../../src/engine/settings.ts";
import { type Oracle, openOracle, outsideOnLoopback, untilSaid } from "../support/oracle.ts";
import { buildProgram, runProgram } from "../support/program.ts";
import { DELIVERED } from "../support/sink.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

// What has to be asked of others before a message leaves: whatever they do, nothing is lost, nobody else waits, and no message
// leaves by an answer that is older than it may be.

const SHORT = { hold: { baseSeconds: 0.05, capSeconds: 0.3, attentionAfter: 3 } };
const ONCE = { schedule_type: "one_time", interval_minutes: null };

const count = async ({ database }: World, where: string): Promise<number> => {
  const [row] = await database.query<{ n: number }>(`select count(*)::int as n from reminder_jobs r where ${where}`);
  return row?.n ?? 0;
};
const SENT = "exists (select from deliveries d where d.reminder_id = r.id and d.status = 'sent')";

describe("an answer", () => {
  test("met completes, not met sends, and no answer holds until there is one", async () => {
    const [made, oracle] = await Promise.all([world(), openOracle("broken")]);
    made.work(SHORT, outsideOnLoopback());
    const id = await made.insert({ ...untilSaid(oracle.url), run_at: new Date() });
    await until(async () => (await made.reminder(id)).needs_attention, "a person is told");
    expect(made.sink.received).toEqual([]);

    oracle.says = "not done";
    await made.deliveryBecomes(id, "sent");
    await made.becomes(id, { needs_attention: null, unknown_count: null });
    const types = (await made.events(id)).map(({ type }) => type);
    expect(types).toEqual(["unanswered", "needs_attention", "answered"]);

    oracle.says = "done";
    await made.advance({ minutes: 61 });
    await made.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
    expect(made.sink.received).toHaveLength(1);
  });

  test("serves all that ask the same while it is fresh, and each who asks something else asks", async () => {
    const [made, oracle] = await Promise.all([world(), openOracle()]);
    for (let n = 0; n < 20; n += 1) {
      await made.insert({ ...ONCE, ...untilSaid(`${oracle.url}/same`, { cache_seconds: 60 }) });
      await made.insert({ ...ONCE, ...untilSaid(`${oracle.url}/{entity_id}`, { cache_seconds: 60 }) });
    }
    made.work({}, outsideOnLoopback());
    await until(() => made.sink.received.length === 40, "all are sent");
    expect(oracle.asked.filter((path) => path === "/same")).toHaveLength(1);
    expect(new Set(oracle.asked).size).toBe(21);
    expect(oracle.asked).toHaveLength(21);
  });

  test("outside is only asked where what is known leaves it open", async () => {
    const [made, oracle] = await Promise.all([world(), openOracle("nothing")]);
    await made.setFlag("paid", true);
    const { stop_condition_settings: settings } = untilSaid(oracle.url);
    const http = { type: "http_check", value: oracle.url, settings: JSON.parse(settings as string) as unknown };
    made.work({}, outsideOnLoopback());
    const id = await made.insert({
      run_at: new Date(),
      stop_condition_type: "any_of",
      stop_condition_settings: JSON.stringify({ conditions: [http, { type: "db_check", value: "paid" }] }),
    });
    await made.becomes(id, { status: "COMPLETED" });
    expect(oracle.asked).toEqual([]);
  });
});

describe("before a message leaves that had to wait", () => {
  async function waiting(made: World, oracle: Oracle): Promise<number> {
    let isFirst = true;
    made.sink.behave = () => {
      if (!isFirst) return DELIVERED;
      isFirst = false;
      throw new Error("not now");
    };
    const retry = { maxAttempts: 5, baseSeconds: 2, factor: 1, capSeconds: 2 };
    made.work({ ...SHORT, retry }, outsideOnLoopback());
    const id = await made.insert({ ...ONCE, ...untilSaid(oracle.url) });
    await made.deliveryBecomes(id, "retrying");
    return id;
  }

  test("an answer that is too old is asked for again: it is done by now, and nothing is sent", async () => {
    const [made, oracle] = await Promise.all([world(), openOracle()]);
    const id = await waiting(made, oracle);
    oracle.says = "done";
    await made.deliveryBecomes(id, "suppressed");
    await made.becomes(id, { status: "COMPLETED", completion_reason: "stop_condition" });
    expect(made.sink.received).toHaveLength(1);
  });

  test("if nobody can say, it goes back, which is no attempt; and it is sent when somebody can", async () => {
    const [made, oracle] = await Promise.all([world(), openOracle()]);
    const id = await waiting(made, oracle);
    oracle.says = "broken";
    await until(async () => (await made.reminder(id)).needs_attention, "a person is told");
    const [delivery] = await made.deliveries(id);
    expect(delivery).toMatchObject({ attempts: 1, reason: expect.stringContaining("status 500") });
    expect(made.sink.received).toHaveLength(1);

    oracle.says = "not done";
    expect(await made.deliveryBecomes(id, "sent")).toMatchObject({ attempts: 2 });
    await made.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent", needs_attention: null });
    expect((await made.events(id)).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["unanswered", "needs_attention", "answered"]),
    );
  });
});

test("P7: services that hang delay those that ask them, and neither those that ask others nor anybody else", async () => {
  const [made, hung, well] = await Promise.all([world({ concurrency: 3 }), openOracle("nothing"), openOracle()]);
  for (let n = 0; n < 300; n += 1) {
    await made.insert({ ...ONCE, ...untilSaid(`${hung.url}/${n}`), entity_type: "hung" });
  }
  made.work({ asking: { total: 20, perTenant: 10, perService: 3, timeoutMs: 60_000 } }, outsideOnLoopback());
  await until(() => hung.asked.length === 3, "as many as may are waiting for the one that hangs");
  for (let n = 0; n < 5; n += 1) {
    await made.insert({ ...ONCE, ...untilSaid(`${well.url}/${n}`), entity_type: "well" });
    await made.insert({ ...ONCE, entity_type: "plain" });
  }
  await until(() => made.sink.received.length === 10, "all others are sent");
  expect(await count(made, `entity_type = 'hung' and ${SENT}`)).toBe(0);
  expect(hung.asked).toHaveLength(3);

  hung.says = "not done";
});

test("P7: messages whose condition has to be asked again take no place of others while that takes its time", async () => {
  const [made, oracle] = await Promise.all([world({ concurrency: 2 }), openOracle()]);
  let fails = true;
  made.sink.behave = () => {
    if (fails) throw new Error("not now");
    return DELIVERED;
  };
  const asking = { total: 50, perTenant: 50, perService: 10, timeoutMs: 60_000 };
  const retry = { maxAttempts: 9, baseSeconds: 2, factor: 1, capSeconds: 2 };
  made.work({ asking, retry }, outsideOnLoopback());
  for (let n = 0; n < 6; n += 1) await made.insert({ ...ONCE, ...untilSaid(`${oracle.url}/{entity_id}`) });
  await until(() => made.sink.received.length === 6, "all were tried once");
  oracle.says = "nothing";
  fails = false;
  await until(() => oracle.asked.length >= 12, "all are asked once more");
  const plain = await made.insert(ONCE);
  await made.deliveryBecomes(plain, "sent");
  expect(made.sink.received).toHaveLength(7);
});

test("P9: a tenant with a hung service for each of its reminders leaves places for others", async () => {
  const [made, hung, well] = await Promise.all([world(), openOracle("nothing"), openOracle()]);
  await createTenants(made.database, "first");
  for (let n = 0; n < 600; n += 1) {
    const url = hung.url.replace("127.0.0.1", `${n}.localhost`);
    await made.insert({ ...ONCE, ...untilSaid(url, { timeout_ms: 10_000 }), tenant_id: "first" });
  }
  made.work({ asking: { total: 20, perTenant: 10, perService: 5, timeoutMs: 60_000 } }, outsideOnLoopback());
  await until(() => hung.asked.length === 10, "as many as may are under way");

  await createTenants(made.database, "second");
  const id = await made.insert({ ...ONCE, ...untilSaid(well.url), tenant_id: "second" });
  await made.deliveryBecomes(id, "sent");
  expect(hung.asked).toHaveLength(10);
});

test("a message whose answer grows too old in a slow and full lane is asked about again, and still has its turn", async () => {
  const [made, oracle] = await Promise.all([world({ concurrency: 1 }), openOracle()]);
  const releases: (() => void)[] = [];
  const ids = (): unknown[] => made.sink.received.map(({ reminder }) => reminder.id);
  made.sink.behave = async () => {
    await new Promise<void>((resolve) => releases.push(resolve));
    return DELIVERED;
  };
  made.work({}, outsideOnLoopback());
  const first = await made.insert(ONCE);
  await until(() => ids().length === 1, "the first is being sent");
  const asked = await made.insert({ ...ONCE, ...untilSaid(oracle.url) });
  await made.deliveryBecomes(asked, "sending");
  const others: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    others.push(await made.insert(ONCE));
    await made.deliveryBecomes(others[n] as number, "sending");
  }

  // Each time that a place gets free, what was answered is too old, and so is what was read of the clock.
  const ageing = async (): Promise<void> => {
    await made.advance({ seconds: 2 });
    await new Promise((resolve) => setTimeout(resolve, 2 * FRESH_MS));
  };
  await ageing();
  releases.shift()?.();
  await until(() => oracle.asked.length === 2, "it is asked once more");
  await until(() => ids().length === 2, "another is being sent meanwhile");
  await ageing();
  releases.shift()?.();
  await until(() => ids().length === 3, "the next is being sent");

  expect(ids()).toEqual([first, others[0], asked]);
  expect(oracle.asked).toHaveLength(3);
  made.sink.behave = () => DELIVERED;
  for (const release of releases) release();
});

test("a reminder that is changed while it is asked goes by what it is now, and waits for nobody", async () => {
  const [made, oracle] = await Promise.all([world(), openOracle("nothing")]);
  made.work({ asking: { total: 9, perTenant: 9, perService: 9, timeoutMs: 60_000 } }, outsideOnLoopback());
  const id = await made.insert({ ...ONCE, ...untilSaid(oracle.url) });
  await until(() => oracle.asked.length === 1, "it is asked");
  await made.database.query(
    `update reminder_jobs set stop_condition_type = 'any_of', stop_condition_value = null,
            stop_condition_settings = '{"conditions": [{"type": "db_check", "value": "paid"}]}' where id = $1`,
    [id],
  );
  await made.deliveryBecomes(id, "sent");
  await made.becomes(id, { status: "COMPLETED", ask_token: null });
});

test("P5: a worker killed while it asks leaves nothing behind: another asks again in under 20 s", async () => {
  buildProgram();
  const [made, oracle] = await Promise.all([world(), openOracle("nothing")]);
  const env = { DATABASE_URL: made.database.url, OUTGOING_ALLOW: "127.0.0.1", OUTGOING_PORTS: "1024-65535" };
  const victim = runProgram(["worker"], env);
  await victim.says("Scheduler started");
  const id = await made.insert({ ...ONCE, ...untilSaid(oracle.url), channel: "console" });
  await until(() => oracle.asked.length === 1, "it is being asked");

  victim.kill("SIGKILL");
  await victim.ended;
  const killedAt = performance.now();
  oracle.says = "not done";
  await runProgram(["worker"], env).says("Scheduler started");
  await made.deliveryBecomes(id, "sent");

  expect((performance.now() - killedAt) / 1000).toBeLessThan(20);
  expect(oracle.asked.length).toBeGreaterThanOrEqual(2);
}, 240_000);

test("a condition that plain SQL nested without end holds its own reminder, and no other", async () => {
  const [made, oracle] = await Promise.all([world(), openOracle()]);
  const ends = ['{"type":"not","settings":{"condition":', '{"type":"db_check","value":"x"}', "}}"] as const;
  const endless = `${ends[0].repeat(2_000)}${ends[1]}${ends[2].repeat(2_000)}`;
  const poison = await made.insert({
    run_at: new Date(),
    stop_condition_type: "not",
    stop_condition_settings: `{"condition":${endless}}`,
  });
  const id = await made.insert({ ...ONCE, ...untilSaid(oracle.url), run_at: new Date() });
  made.work(SHORT, outsideOnLoopback());
  await made.deliveryBecomes(id, "sent");
  await until(async () => (await made.reminder(poison)).needs_attention, "a person is told");
  expect((await made.reminder(poison)).needs_attention).toContain("nested at most 32 deep");
  expect(await made.deliveries(poison)).toEqual([]);
});

test("a worker that is told to stop while it asks hands back at once", async () => {
  const [made, oracle] = await Promise.all([world(), openOracle("nothing")]);
  const worker = made.work({}, outsideOnLoopback());
  const id = await made.insert({ ...ONCE, ...untilSaid(oracle.url) });
  await until(() => oracle.asked.length === 1, "it is being asked");
  const askedToStopAt = performance.now();
  await worker.stop();
  expect(performance.now() - askedToStopAt).toBeLessThan(5_000);
  expect(await made.reminder(id)).toMatchObject({ ask_at: null, ask_token: null, unknown_count: null });
});
