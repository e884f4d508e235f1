import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { CreatedReminders } from "../../src/api/schemas/bulk.ts";
import { startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase, lockWaits } from "../support/database.ts";
import { watchLoop } from "../support/loop.ts";
import { until } from "../support/wait.ts";

type Results = z.output<typeof CreatedReminders>["results"];

/** Creates many at once, and holds the answer to its schema. */
async function bulk(api: TestApi, reminders: unknown[]): Promise<Results> {
  const { status, body } = await api.call("POST", "/reminders/bulk", { reminders });
  expect(status).toBe(200);
  const { results } = CreatedReminders.parse(body);
  expect(results).toHaveLength(reminders.length);
  return results;
}

const idOf = (result: Results[number] | undefined): number | undefined =>
  result && "reminder" in result ? result.reminder.id : undefined;

describe("many reminders at once", () => {
  test("a thousand are created, in order, and each reads as it was answered", async () => {
    const api = await startApi(await freshDatabase());
    const wishes = Array.from({ length: 1_000 }, (_, n) =>
      n % 3 === 0
        ? wish({ schedule_type: "one_time", interval_minutes: undefined, run_at: "2031-05-01T10:00:00.250Z" })
        : wish({ data: { n, ü: [1.5, null] }, subject: `№ ${n}`, recipient: "someone@Example.COM" }),
    );

    const results = await bulk(api, wishes);

    expect(results.map(({ status }) => status)).toEqual(wishes.map(() => 201));
    expect(results.map((result) => "reminder" in result && result.reminder.entity_id)).toEqual(
      wishes.map(({ entity_id }) => entity_id),
    );
    const listed = await api.all("/reminders/?limit=1000");
    expect(listed).toHaveLength(1_000);
    const byId = new Map(listed.map((reminder) => [(reminder as { id: number }).id, reminder]));
    for (const result of results) expect("reminder" in result && result.reminder).toEqual(byId.get(idOf(result) ?? 0));
  });

  test("what isn't right is refused by itself, naming index and field, and keeps nothing else out", async () => {
    const api = await startApi(await freshDatabase());
    const right = wish();
    const wrong = [
      wish({ interval_minutes: 0, entity_id: "" }),
      wish({ channel: "pigeon" }),
      wish({ recipient: "not an address" }),
      wish({
        stop_condition_type: "db_check",
        stop_condition_value: "{entity_id}".repeat(45),
        entity_id: "i".repeat(200),
      }),
      wish({ repeat: true, "a/b": 1 }),
      wish({ data: { a: ["\0"] } }),
      "nonsense",
      null,
    ];

    const results = await bulk(api, [...wrong, right, ...wrong]);

    expect(results[8]).toMatchObject({ status: 201, reminder: right });
    const fields = results.map((result) => "errors" in result && result.errors.map(({ field }) => field));
    const expected = (from: number) => [
      [`reminders.${from}.entity_id`, `reminders.${from}.interval_minutes`],
      [`reminders.${from + 1}.channel`],
      [`reminders.${from + 2}.recipient`],
      [`reminders.${from + 3}.stop_condition_value`],
      [`reminders.${from + 4}.repeat`, `reminders.${from + 4}.a/b`],
      [`reminders.${from + 5}.data.a.0`],
      [`reminders.${from + 6}`],
      [`reminders.${from + 7}`],
    ];
    expect(fields).toEqual([...expected(0), false, ...expected(9)]);
    expect(results[4]).toMatchObject({
      errors: [{ message: expect.stringMatching(/known are: entity_type/) }, { pointer: "/reminders/4/a~1b" }],
    });
    expect(await api.list()).toHaveLength(1);
  });

  test.each([
    [null],
    ["text"],
    [[]],
    [{ entity_type: { toString: 1 }, entity_id: { valueOf: null }, event_type: [[]] }],
  ])("an item that is nothing of the kind (%j) is refused by itself", async (hostile) => {
    const api = await startApi(await freshDatabase());
    const [refused, created] = await bulk(api, [hostile, wish()]);
    expect([refused?.status, created?.status]).toEqual([422, 201]);
  });

  test("nothing but wrong ones creates nothing", async () => {
    const api = await startApi(await freshDatabase());
    expect(await bulk(api, [{}])).toMatchObject([{ status: 422 }]);
    expect(await api.list()).toEqual([]);
  });

  test("many that come in no order, some wrong and some twice, are answered in theirs", async () => {
    const api = await startApi(await freshDatabase());
    const items = Array.from({ length: 700 }, (_, index) => {
      const entityId = String((index * 263) % 600);
      return wish({ entity_id: entityId, interval_minutes: index % 7 === 3 ? 0 : 60, data: { index } });
    });
    const { body } = await api.call("POST", "/reminders/bulk", { reminders: items });
    const { results } = body as { results: { status: number; reminder?: { entity_id: string; data: object } }[] };
    const first = new Map<string, number>();
    for (const [index, item] of items.entries()) {
      const id = String(item.entity_id);
      if (item.interval_minutes !== 0 && !first.has(id)) first.set(id, index);
    }
    expect(results).toHaveLength(700);
    for (const [index, item] of items.entries()) {
      const by = first.get(String(item.entity_id));
      const status = item.interval_minutes === 0 ? 422 : by === index ? 201 : 200;
      expect(results[index]?.status, String(index)).toBe(status);
      if (status !== 422)
        expect(results[index]?.reminder).toMatchObject({ entity_id: item.entity_id, data: { index: by } });
    }
  });

  test("what the request has twice is created once, by the first; what exists already is found", async () => {
    const api = await startApi(await freshDatabase());
    const [twice, there] = [wish(), wish()];
    const existing = await api.create(there);

    const results = await bulk(api, [twice, there, wish(), { ...twice, interval_minutes: 5 }, there]);

    expect(results.map(({ status }) => status)).toEqual([201, 200, 201, 200, 200]);
    expect(results[0]).toMatchObject({ reminder: twice });
    expect(results[3]).toMatchObject({ reminder: twice });
    expect([idOf(results[1]), idOf(results[4])]).toEqual([existing.id, existing.id]);
    expect(idOf(results[3])).toBe(idOf(results[0]));
    expect(await bulk(api, [twice, there])).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(await api.list()).toHaveLength(3);
  });

  test("all that are right are created in one transaction: where the database refuses one, there is none", async () => {
    const database = await freshDatabase();
    await database.query("alter table reminder_jobs add constraint unlucky check (entity_id <> 'UNLUCKY')");
    const api = await startApi(database);
    const reminders = [wish(), wish({ entity_id: "UNLUCKY" }), wish()];
    expect(await api.call("POST", "/reminders/bulk", { reminders })).toMatchObject({ status: 500 });
    expect(await api.list()).toEqual([]);
  });
});

describe("a request that can't be taken apart is refused as a whole", () => {
  test.each([
    ["more than a thousand", { reminders: Array(1_001).fill({}) }, "reminders", /at most 1000/],
    ["none", { reminders: [] }, "reminders", /at least 1/],
    ["no list", { reminders: { 0: {} } }, "reminders", /must be a list/],
    ["nothing", {}, "reminders", /is required: a list/],
    ["something else", { reminders: [{}], atomic: true }, "atomic", /is not known here/],
    ["a bare list", [], "", /must be a JSON object/],
  ])("%s", async (_, body, field, message) => {
    const api = await startApi(await freshDatabase());
    const { errors } = await api.refused(422, "POST", "/reminders/bulk", body);
    expect(errors).toMatchObject([{ field, message: expect.stringMatching(message) }]);
  });

  test("ten megabytes are read, and not a byte more; elsewhere the limit is what it was", async () => {
    const api = await startApi(await freshDatabase());
    const large = Array.from({ length: 150 }, () => wish({ data: { text: "x".repeat(65_000) } }));
    expect((await bulk(api, large)).map(({ status }) => status)).toEqual(large.map(() => 201));

    const padding = (bytes: number): string => JSON.stringify({ reminders: [] }).padEnd(bytes);
    const send = async (path: string, body: string) =>
      (
        await fetch(`${api.url}${path}`, { method: "POST", body, headers: { "content-type": "application/json" } })
      ).json();
    const limit = 10 * 1024 * 1024;
    expect(await send("/reminders/bulk", padding(limit))).toMatchObject({ status: 422 });
    expect(await send("/reminders/bulk", padding(limit + 1))).toMatchObject({
      status: 413,
      detail: "the body must be at most 10 MiB",
    });
    expect(await send("/reminders/", padding(1024 * 1024 + 1))).toMatchObject({
      status: 413,
      detail: "the body must be at most 1 MiB",
    });
  });
});

test("P1: the same keys by bulk and one by one, from two servers, in any order: one row each, and everyone gets its id", async () => {
  const database = await freshDatabase({ poolSize: 20 });
  const apis = [await startApi(database), await startApi(database)];
  const wishes = Array.from({ length: 100 }, () => wish());
  const rotated = (by: number) => [...wishes.slice(by), ...wishes.slice(0, by)];
  const order = (n: number) => (n % 2 === 0 ? rotated(n * 7) : rotated(n * 7).reverse());

  const answers = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const api = apis[n % 2] as TestApi;
      if (n % 3 > 0) return bulk(api, order(n));
      return Promise.all(
        order(n).map(async (each) => {
          const { status, body } = await api.call("POST", "/reminders/", each);
          return { status, reminder: body } as Results[number];
        }),
      );
    }),
  );

  const rows = await database.query<{ id: number; entity_id: string }>("select id, entity_id from reminder_jobs");
  expect(rows).toHaveLength(100);
  const idByEntity = new Map(rows.map(({ id, entity_id }) => [entity_id, id]));
  const all = answers.flat();
  for (const result of all) {
    if (!("reminder" in result)) throw new Error(`refused: ${JSON.stringify(result)}`);
    expect(result.reminder.id).toBe(idByEntity.get(result.reminder.entity_id));
  }
  expect(all.filter(({ status }) => status === 201)).toHaveLength(100);
  expect(all.filter(({ status }) => status === 200)).toHaveLength(1_100);
});

test("P1: requests with the same keys in opposite order never wait for each other in a circle", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const wishes = [..."amz"].map((entity_id) => wish({ entity_id }));

  // Both come to a stop at the key in the middle, and with it free each goes on to what the other began with.
  const answers = await database.transaction(async (sql) => {
    await sql.query(
      `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes)
       values ($1, 'm', $2, 'email', 'recurring', 60)`,
      [wishes[0]?.entity_type, wishes[0]?.event_type],
    );
    const asked = [bulk(api, wishes), bulk(api, wishes.toReversed())];
    await until(async () => (await lockWaits(database)) === 2, "both wait");
    return asked;
  });

  const [one, other] = await Promise.all(answers);
  expect(one?.map(idOf)).toEqual(other?.map(idOf).reverse());
  expect(await api.list()).toHaveLength(3);
});

test("under a key, no connection is kept while the request waits for its turns: as many others are answered meanwhile", async () => {
  const api = await startApi(await freshDatabase({ poolSize: 1 }));
  const answeredBeside = async (headers: Record<string, string>): Promise<number> => {
    const reminders = Array.from({ length: 300 }, () => wish({ message: "{{ a | upcase }}".repeat(1_200) }));
    let [isOver, meanwhile] = [false, 0];
    const [method, body] = ["POST", JSON.stringify({ reminders })];
    const all = { "content-type": "application/json", ...headers };
    const asked = fetch(`${api.url}/reminders/bulk`, { method, headers: all, body }).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await api.call("GET", "/contacts");
      meanwhile += 1;
    }
    const { results } = CreatedReminders.parse(await (await asked).json());
    expect(results.map(({ status }) => status)).toEqual(reminders.map(() => 201));
    return meanwhile;
  };
  // The first time everything takes longer.
  await answeredBeside({});
  let best = 0;
  for (let round = 0; round < 3 && best < 1 / 3; round += 1) {
    const without = await answeredBeside({});
    best = Math.max(best, (await answeredBeside({ "idempotency-key": `many-${round}` })) / without);
  }
  expect(best).toBeGreaterThan(1 / 3);
});

test.each([
  ["templates", { message: "{{ a | upcase }}".repeat(1_200) }, 200],
  [
    "templates, with a schedule of their own",
    { message: "{{ a | upcase }}".repeat(1_200), start_at: "2031-01-01T00:00:00Z" },
    200,
  ],
  ["data of very many parts", { data: { list: Array(4_700).fill(1) } }, 290],
])("%s that take their time to be read are read in turns: all else goes on meanwhile", async (_, fields, count) => {
  const api = await startApi(await freshDatabase());
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3 && best > 1 / 3; round += 1) {
    const reminders = Array.from({ length: count }, () => wish(fields));
    const [method, headers] = ["POST", { "content-type": "application/json" }];
    const body = JSON.stringify({ reminders });
    const loop = watchLoop();

    const response = await fetch(`${api.url}/reminders/bulk`, { method, headers, body });

    const { longestMs, allMs } = loop.stop();
    best = Math.min(best, longestMs / allMs);
    const { results } = CreatedReminders.parse(await response.json());
    expect(results.map(({ status }) => status)).toEqual(reminders.map(() => 201));
  }
  // Of all the work, and however quick the machine is.
  expect(best).toBeLessThan(1 / 3);
});
