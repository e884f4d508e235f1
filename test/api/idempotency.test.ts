import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Scope } from "../../src/api/access/scope.ts";
import { takeKey } from "../../src/store/idempotency.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { type ReminderJson, startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase, lockWaits } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { newDevice } from "../support/push-service.ts";
import { until } from "../support/wait.ts";
import { worldOn } from "../support/world.ts";

/** What comes from outside has a name of its own, like a webhook-id, by which it is known again. */
const KNOWN_AGAIN = new Set(["/events/{tenant}/{source}", "/inbound/{tenant}/{provider}", "/inbound/mail"]);

/** What changes nothing is done again, and takes no connection while it waits. */
const DONE_AGAIN = new Set(["/reminders/preview", "/reminders/preview.ics", "/templates/preview"]);

interface RawAnswer {
  status: number;
  body: string;
  headers: Headers;
}

const KEPT_HEADERS = ["content-type", "location", "etag", "retry-after"];

/** A request with a key, and its answer as it came. */
async function send(api: TestApi, path: string, key: string, body?: unknown): Promise<RawAnswer> {
  const response = await fetch(`${api.url}${path}`, {
    method: "POST",
    headers: {
      "idempotency-key": key,
      ...(body === undefined ? {} : { "content-type": path === "/contacts/import" ? "text/csv" : "application/json" }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

const isReplay = ({ headers }: RawAnswer): boolean => headers.get("idempotency-replayed") === "true";
const essence = ({ status, body, headers }: RawAnswer) => ({
  status,
  body,
  headers: KEPT_HEADERS.map((name) => headers.get(name)),
});
const idOf = ({ body }: RawAnswer): number => (JSON.parse(body) as ReminderJson).id;

test("who may do less isn't told what somebody was answered who may do more; who may do as much is", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const keyed = async (...scopes: Scope[]) => {
    const { text } = await giveKey(database, { scopes });
    return (body: unknown) =>
      fetch(`${api.url}/calendars`, {
        method: "POST",
        headers: { "idempotency-key": "shared", "content-type": "application/json", authorization: `Bearer ${text}` },
        body: JSON.stringify(body),
      });
  };
  const office = { name: "office", time_zone: "UTC", hours: { monday: [{ from: "09:00", to: "17:00" }] } };
  const [more, less, asMuch] = [
    await keyed("calendars:write", "reminders:read"),
    await keyed("calendars:write"),
    await keyed("reminders:read", "calendars:write"),
  ];
  expect((await more(office)).status).toBe(201);
  expect((await less(office)).status).toBe(422);
  const again = await asMuch(office);
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
});

test("another mail under the key of one is another request", async () => {
  const api = await startApi(await freshDatabase());
  const hand = async (text: string) =>
    fetch(`${api.url}/inbound/mail`, {
      method: "POST",
      headers: { "idempotency-key": "mail", "content-type": "message/rfc822" },
      body: `From: a@example.com\r\nTo: b@example.com\r\nSubject: ${text}\r\n\r\n${text}\r\n`,
    });
  expect((await hand("one")).status).toBe(200);
  expect((await hand("one")).headers.get("idempotency-replayed")).toBe("true");
  expect((await hand("two")).status).toBe(422);
});

describe("the same again", () => {
  test("is answered byte by byte as the first time, whatever has become of the reminder since", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const body = wish({ data: { zz: 1, a: "ü" } });
    const first = await send(api, "/reminders/", "k-1", body);
    expect([first.status, isReplay(first)]).toEqual([201, false]);
    await api.act(idOf(first), "complete");

    const second = await send(api, "/reminders", '"k-1"', JSON.stringify(body, null, 3));

    expect(essence(second)).toEqual(essence(first));
    expect(isReplay(second)).toBe(true);
    expect(await database.query("select from reminder_jobs")).toHaveLength(1);
  });

  test("fires a reminder once, though it has fired between the two", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { work, becomes, deliveries } = worldOn(database);
    work();
    const { id } = await api.create({ channel: "sink", recipient: "a@example.org" });
    const first = await send(api, `/reminders/${id}/trigger`, "k");
    await becomes(id, { occurrence_count: 1 });

    const second = await send(api, `/reminders/${id}/trigger`, "k");

    expect(essence(second)).toEqual(essence(first));
    expect((await api.timeline(id)).filter(({ type }) => type === "triggered")).toHaveLength(1);
    expect(await deliveries(id)).toHaveLength(1);
  });

  test("counts for every POST there is", async () => {
    const api = await startApi(await freshDatabase());
    const document = (await api.call("GET", "/openapi.json")).body as {
      paths: Record<string, Record<string, unknown>>;
    };
    const posts = Object.entries(document.paths).flatMap(([path, methods]) =>
      "post" in methods && !KNOWN_AGAIN.has(path) ? [path] : [],
    );
    expect(posts.length).toBeGreaterThanOrEqual(7);
    const { id } = await api.create();
    await api.remove(id);
    const bodies: Record<string, unknown> = {
      "/reminders/{id}/snooze": { for: "1d" },
      "/reminders/{id}/acknowledge": { for: "2d" },
      "/reminders/{id}/done": {},
      "/contacts/import": "entity_type,entity_id,name\ninvoice,INV_1,Ann\n",
      "/contacts/{entity_type}/{entity_id}/push-link": { days: 1 },
      "/contacts/{entity_type}/{entity_id}/push-subscriptions": newDevice("https://push.example.net/send/x").json,
      "/policies": { name: "invoices", steps: [{ after: { sends: 2 }, to: ["manager"] }] },
      "/suppressions": { channel: "email", address: "ann@example.com", because: "she has left the company" },
      "/templates/preview": { template: { text: "Hello" } },
      "/templates/test-send": { channel: "email", to: "ann@example.com" },
      "/reminders/": wish(),
      "/reminders/bulk": { reminders: [wish(), { no: 1 }] },
      "/reminders/preview": wish(),
      "/reminders/preview.ics": wish(),
      "/events": { type: "invoice.paid", entity_type: "invoice", entity_id: "INV_1" },
      "/calendars": { name: "office", time_zone: "UTC", hours: { monday: [{ from: "09:00", to: "17:00" }] } },
    };
    for (const path of posts) {
      const at = path
        .replace("{id}", String(id))
        .replace("/{event_type}/{channel}/{locale}/versions/{version}/", "/payment/email/de/versions/1/");
      const key = randomUUID();
      const first = await send(api, at, key, bodies[path]);
      const second = await send(api, at, key, bodies[path]);
      if (DONE_AGAIN.has(path)) expect([second.status, isReplay(second)], path).toEqual([first.status, false]);
      else {
        expect(essence(second), path).toEqual(essence(first));
        expect([isReplay(first), isReplay(second)], path).toEqual([false, true]);
      }
    }
  });

  test("at the same time is done once: the others hear that it is being worked on, or the answer", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const body = { reminders: Array.from({ length: 50 }, () => wish()) };
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(api, "/reminders/bulk", "k", body)));

    const done = answers.filter(({ status }) => status === 200);
    expect(done.filter((answer) => !isReplay(answer))).toHaveLength(1);
    expect(new Set(done.map(({ body }) => body)).size).toBe(1);
    const busy = answers.filter(({ status }) => status !== 200);
    expect(busy.map(({ status, headers }) => [status, headers.get("retry-after")])).toEqual(busy.map(() => [409, "1"]));
    expect(await database.query("select from reminder_jobs")).toHaveLength(50);
  });

  test("while the first waits for a lock is refused at once, and answered once that is through", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { id } = await api.create();
    const first = await database.transaction(async (sql) => {
      await sql.query("select from reminder_jobs for update");
      const first = send(api, `/reminders/${id}/pause`, "k");
      await until(async () => (await lockWaits(database)) > 0, "the first waits");
      expect((await send(api, `/reminders/${id}/pause`, "k")).status).toBe(409);
      return { answer: first };
    });
    expect((await first.answer).status).toBe(200);
    const again = await send(api, `/reminders/${id}/pause`, "k");
    expect([again.status, isReplay(again)]).toEqual([200, true]);
  });
});

describe("another request under the same key is refused", () => {
  test.each([
    ["with another body", "/reminders/", wish()],
    ["of another kind", "/reminders/bulk", { reminders: [wish()] }],
    ["with a query", "/reminders/?a=1", null],
  ])("%s", async (_, path, body) => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const first = wish();
    await send(api, "/reminders/", "k", first);
    const other = await send(api, path, "k", body ?? first);
    expect(other.status).toBe(422);
    expect(isReplay(other)).toBe(false);
    expect(await database.query("select from reminder_jobs")).toHaveLength(1);
  });
});

describe("a key", () => {
  test.each([
    ['"a key, with \\"quotes\\" and \\\\"', 201],
    ["x".repeat(255), 201],
    [`"${"x".repeat(255)}"`, 201],
    ["8e03978e-40d5-43dd-bc93-6894a57f9324", 201],
    ["x".repeat(256), 400],
    ['""', 400],
    ["", 400],
    ['"open', 400],
    ["two words", 400],
    ["one, two", 400],
    ['"bad \\escape"', 400],
    ["ümlaut", 400],
  ])("written %s: %i", async (key, status) => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const answer = await send(api, "/reminders/", key, wish());
    expect(answer.status).toBe(status);
    expect(await database.query("select from reminder_jobs")).toHaveLength(status === 201 ? 1 : 0);
  });

  test("means the same with and without quotes, and something of its own to each tenant", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await send(api, "/reminders/", "k", wish());
    const tenants = apiDatabase(database);
    await tenants.forTenant("default").transaction(async (sql) => {
      expect((await takeKey(sql, "k")).kept).toMatchObject({ status: 201 });
      await tenants.forTenant("acme").transaction(async (others) => {
        expect(await takeKey(others, "k")).toEqual({ isBusy: false, kept: null });
      });
    });
  });
});

describe("what is kept", () => {
  test("a 404 and a 409 are, though the second try would have gone well", async () => {
    const api = await startApi(await freshDatabase());
    const missing = await send(api, "/reminders/1/pause", "missing");
    expect(missing.status).toBe(404);
    const { id } = await api.create();
    expect(id).toBe(1);
    await api.act(id, "pause");
    const refused = await send(api, "/reminders/1/trigger", "refused");
    expect(refused.status).toBe(409);
    await api.act(id, "resume");

    for (const [key, path, first] of [
      ["missing", "pause", missing],
      ["refused", "trigger", refused],
    ] as const) {
      const again = await send(api, `/reminders/1/${path}`, key);
      expect(essence(again)).toEqual(essence(first));
      expect(isReplay(again)).toBe(true);
    }
    expect(await api.get(id)).toMatchObject({ status: "ACTIVE", occurrence_count: 0 });
  });

  test.each([
    ["malformed", 400, '{"entity_type":'],
    ["invalid", 422, { entity_type: "x" }],
    ["over a channel that isn't there", 422, wish({ channel: "pigeon" })],
  ])("what is %s isn't: corrected, it may come under the same key", async (_, status, body) => {
    const api = await startApi(await freshDatabase());
    expect((await send(api, "/reminders/", "k", body)).status).toBe(status);
    expect((await send(api, "/reminders/", "k", wish())).status).toBe(201);
  });

  test("an edit that a tag held back isn't: with the new tag it may come under the same key", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    const pause = (tag: string) =>
      api.call("POST", `/reminders/${id}/pause`, undefined, { "idempotency-key": "k", "if-match": tag });
    expect((await pause('"old"')).status).toBe(412);
    expect((await pause("*")).status).toBe(200);
    // Its own change has made the tag stale; what was done is answered nevertheless.
    expect((await pause('"old"')).status).toBe(200);
  });

  test("503 isn't, nor anything of what was begun", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { id } = await api.create();
    const busy = await database.transaction(async (sql) => {
      await sql.query("set local idle_in_transaction_session_timeout = 0");
      await sql.query("select from reminder_jobs for update");
      return send(api, `/reminders/${id}/pause`, "k");
    });
    expect(busy.status).toBe(503);
    const again = await send(api, `/reminders/${id}/pause`, "k");
    expect([again.status, isReplay(again)]).toEqual([200, false]);
  });

  test("500 isn't; and what goes wrong for one request goes wrong for it alone", async () => {
    const database = await freshDatabase();
    await database.query("alter table reminder_jobs add constraint unlucky check (interval_minutes <> 13)");
    const api = await startApi(database);
    const unlucky = wish({ interval_minutes: 13 });
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        send(api, "/reminders/", `k-${n}`, n % 3 ? wish() : { ...unlucky, entity_id: `${n}` }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, n) => (n % 3 ? 201 : 500)));
    await database.query("alter table reminder_jobs drop constraint unlucky");
    const again = await send(api, "/reminders/", "k-0", { ...unlucky, entity_id: "0" });
    expect([again.status, isReplay(again)]).toEqual([201, false]);
  });

  test("a resumption that another reminder stands in the way of is refused with the other's id, and that is kept", async () => {
    const api = await startApi(await freshDatabase());
    const body = wish();
    const paused = idOf(await send(api, "/reminders/", "one", body));
    await api.act(paused, "pause");
    const other = idOf(await send(api, "/reminders/", "two", body));
    const refused = await send(api, `/reminders/${paused}/resume`, "k");
    expect([refused.status, JSON.parse(refused.body).detail]).toEqual([
      409,
      expect.stringContaining(`reminder ${other} is`),
    ]);
    await api.remove(other);
    expect(essence(await send(api, `/reminders/${paused}/resume`, "k"))).toEqual(essence(refused));
  });

  test("an answer too large to be kept is not given again, but nothing is done twice", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const data = { text: "x".repeat(60_000) };
    const reminders = Array.from({ length: 75 }, () => wish({ data }));
    const first = await send(api, "/reminders/bulk", "k", { reminders });
    expect(first.status).toBe(200);
    await database.query("update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual'");

    const again = await send(api, "/reminders/bulk", "k", { reminders });

    expect([again.status, again.headers.get("retry-after")]).toEqual([409, null]);
    expect(await database.query("select from reminder_jobs")).toHaveLength(75);
  });
});

test("after 24 hours a key is new again, and a worker has removed what was kept under it", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { advance, work } = worldOn(database);
  const body = wish();
  await send(api, "/reminders/", "k", body);
  await send(api, "/reminders/", "another", wish());
  await advance({ minutes: 24 * 60 - 1 });
  expect(isReplay(await send(api, "/reminders/", "k", body))).toBe(true);
  await advance({ minutes: 2 });

  const later = await send(api, "/reminders/", "k", body);
  expect([later.status, isReplay(later)]).toEqual([200, false]);
  work();
  const keys = () => database.query("select key from idempotency_keys");
  await until(async () => (await keys()).length === 1, "the old answer is removed");
  expect(await keys()).toEqual([{ key: "k" }]);
  expect(isReplay(await send(api, "/reminders/", "k", body))).toBe(true);
});
