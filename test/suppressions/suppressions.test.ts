import { describe, expect, test } from "vitest";
import { Retryable } from "../../src/channels/channel.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { addressKey } from "../../src/core/address-key.ts";
import { type NewSuppression, suppress } from "../../src/store/suppressions.ts";
import { apiDatabase, workerDatabase } from "../../src/store/tenant-database.ts";
import { readUnwanted } from "../../src/store/unwanted.ts";
import { startApi } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { DELIVERED, sinkChannel } from "../support/sink.ts";
import { createTenants } from "../support/tenants.ts";
import { outlast, until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const ANN = "ann@example.com";

function bounced(address: string, fields: Partial<NewSuppression> = {}): NewSuppression {
  return {
    ...{ tenantId: "default", channel: "sink", address, reason: "hard_bounce", because: "550 5.1.1 unknown" },
    ...{ days: null, createdBy: "ses", ...fields },
  };
}

test("a suppressed address gets nothing, whichever reminder it is of, in capitals or not; once released it does", async () => {
  const here = await world();
  const api = await startApi(here.database);
  await api.call("POST", "/suppressions", { channel: "sink", address: ANN, because: "she has left" });
  const to = { run_at: new Date(), recipient: "Ann@Example.COM" };
  const [first, other] = [await here.insert(to), await here.insert({ ...to, recipient: "bob@example.com" })];

  here.work();

  const delivery = await here.deliveryBecomes(first, "suppressed");
  expect(delivery.reason).toMatch(/until somebody releases it \(manual: she has left\); see \/suppressions$/);
  await here.deliveryBecomes(other, "sent");
  expect((await here.events(first)).map(({ type }) => type)).toEqual(["suppressed"]);
  expect(await here.reminder(first)).toMatchObject({ status: "ACTIVE" });

  expect((await api.call("DELETE", `/suppressions/sink/${encodeURIComponent("ANN@example.com")}`)).status).toBe(204);
  await here.advance({ minutes: 60 });
  await here.deliveryBecomes(first, "sent");
});

test("what is suppressed while a message waits for its retry holds it back", async () => {
  const here = await world();
  here.sink.behave = () => {
    throw new Retryable("not now");
  };
  const id = await here.insert({ run_at: new Date(), recipient: ANN });
  here.work();
  await here.deliveryBecomes(id, "retrying");

  await suppress(workerDatabase(here.database), [bounced(ANN)]);
  await outlast();
  here.sink.behave = () => DELIVERED;
  await here.advance({ minutes: 5 });

  await here.deliveryBecomes(id, "suppressed");
  expect(here.sink.received).toHaveLength(1);
});

test("a reminder whose last message has nowhere to go completes as one that failed, instead of being due for ever", async () => {
  const here = await world();
  await suppress(workerDatabase(here.database), [bounced(ANN)]);
  const once = { schedule_type: "one_time", interval_minutes: null, run_at: new Date(), recipient: ANN };
  const id = await here.insert(once);

  here.work();

  await here.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
  expect(await here.deliveries(id)).toHaveLength(1);
});

test("what expires is sent to again, and removed by and by; what lasts longer outlasts what comes later", async () => {
  const database = await freshDatabase();
  const [worker, api] = [workerDatabase(database), await startApi(database)];
  expect(await suppress(worker, [bounced(ANN, { days: 10 }), bounced("ANN@example.com", { days: 30 })])).toBe(1);
  expect(await suppress(worker, [bounced(ANN, { days: 20 })])).toBe(0);
  expect(await suppress(worker, [bounced("bob@example.com", { reason: "complaint" })])).toBe(1);
  const asked = { tenantId: "default", channel: "sink", address: ANN, reminderId: 1, eventType: "payment" };
  const standing = async () => (await readUnwanted(worker, [asked]))[0]?.suppressed?.reason ?? null;

  await advance(database, { days: 29 });
  expect(await standing()).toBe("hard_bounce");
  await advance(database, { days: 2 });
  expect(await standing()).toBe(null);
  expect(await api.all("/suppressions")).toMatchObject([{ address: "bob@example.com", reason: "complaint" }]);
});

test("10,000 at once are taken by one statement, and found page by page", async () => {
  const database = await freshDatabase();
  const many = Array.from({ length: 10_000 }, (_, n) => bounced(`n${n % 9_000}@example.com`));

  expect(await suppress(apiDatabase(database).forTenant("default"), many)).toBe(9_000);

  const api = await startApi(database);
  expect(await api.all("/suppressions?limit=1000&channel=sink")).toHaveLength(9_000);
  expect(await api.all("/suppressions?address=N17@example.com")).toHaveLength(1);
});

test("P9: one tenant's suppressions hold nothing back of another's, and aren't seen by it", async () => {
  const here = await world();
  await createTenants(here.database, "acme");
  await suppress(workerDatabase(here.database), [bounced(ANN, { tenantId: "acme" })]);
  const acme = await startApi(here.database, { tenant: "acme" });
  const [mine, theirs] = [
    await here.insert({ run_at: new Date(), recipient: ANN }),
    await here.insert({ run_at: new Date(), recipient: ANN, tenant_id: "acme" }),
  ];

  here.work();

  await here.deliveryBecomes(mine, "sent");
  await here.deliveryBecomes(theirs, "suppressed");
  expect(await acme.all("/suppressions")).toHaveLength(1);
  expect(await (await startApi(here.database)).all("/suppressions")).toEqual([]);
});

test("an address is found and released however it is written, as it is suppressed, and as plain SQL may have written it", async () => {
  const database = await freshDatabase();
  const digits = { ...sinkChannel("digits"), parseRecipient: (text: string) => text.replaceAll(/[^\d+]/g, "") };
  const api = await startApi(database, { channels: channelMap([digits]) });
  const [written, normal] = ["+49 151 / 123", "+49151123"].map(encodeURIComponent);
  const found = async () => ((await api.call("GET", `/suppressions?address=${written}`)).body as unknown[]).length;
  await api.call("POST", "/suppressions", { channel: "digits", address: "+49 (151) 123" });
  await suppress(workerDatabase(database), [bounced("+49 151 / 123", { channel: "digits" })]);
  expect(await found()).toBe(2);
  expect((await api.call("GET", `/suppressions?channel=digits&address=${normal}`)).body).toHaveLength(1);
  await api.call("DELETE", `/suppressions/digits/${written}`);
  expect(await found()).toBe(0);

  await database.query(
    "insert into opt_outs (channel, address, kind, about, created_by) values ('digits', '+49151123', 'event_type', 'x', 'a')",
  );
  const optOuts = async () => (await api.call("GET", `/opt-outs?channel=digits&address=${written}`)).body;
  expect(await optOuts()).toHaveLength(1);
  await api.call("DELETE", `/opt-outs/digits/${written}/event_type/x`);
  expect(await optOuts()).toEqual([]);
});

describe("of URLs", () => {
  const URLS = ["https://hooks.example.com/Team", "https://hooks.example.com/team"] as const;
  const suppressed = async (database: TestDatabase) => {
    const asked = { tenantId: "default", channel: "sink", reminderId: 1, eventType: "payment" };
    const found = await readUnwanted(
      workerDatabase(database),
      URLS.map((address) => ({ ...asked, address })),
    );
    return found.map(({ suppressed, optedOutOf }) => [suppressed?.reason ?? null, optedOutOf]);
  };
  const nothing = [null, null];

  test("capitals count behind the host, and not in it", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const given = "HTTPS://Hooks.Example.COM/Team";
    const body = { channel: "sink", address: given };
    expect((await api.call("POST", "/suppressions", body)).body).toMatchObject({ address: URLS[0] });
    expect(await suppress(workerDatabase(database), [bounced(URLS[0]), bounced(URLS[1])])).toBe(1);
    await api.call("DELETE", `/suppressions/sink/${encodeURIComponent(URLS[1])}`);
    expect(await suppressed(database)).toEqual([["manual", null], nothing]);
    expect(await api.all(`/suppressions?address=${encodeURIComponent(URLS[1])}`)).toEqual([]);
    expect(await api.all(`/suppressions?address=${encodeURIComponent(given)}`)).toHaveLength(1);
    await api.call("DELETE", `/suppressions/sink/${encodeURIComponent(given)}`);
    expect(await suppressed(database)).toEqual([nothing, nothing]);
  });

  test("what was kept in lower case before holds for all that it may have meant, until it is released", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await database.query(
      `insert into suppressions (channel, address, reason, created_by, any_case) values ('sink', $1, 'gone', 'x', true)`,
      [URLS[1]],
    );
    await database.query(
      `insert into opt_outs (channel, address, kind, about, created_by, any_case) values ('sink', $1, 'event_type', 'payment', 'x', true)`,
      [URLS[1]],
    );
    expect(await suppressed(database)).toEqual([
      ["gone", "event_type"],
      ["gone", "event_type"],
    ]);
    const url = encodeURIComponent(URLS[0]);
    expect(await api.all(`/suppressions?channel=sink&address=${url}`)).toHaveLength(1);
    expect(await api.all(`/opt-outs?address=${url}`)).toHaveLength(1);
    await api.call("DELETE", `/suppressions/sink/${url}`);
    await api.call("DELETE", `/opt-outs/sink/${url}/event_type/payment`);
    expect(await suppressed(database)).toEqual([nothing, nothing]);
  });

  test("what was kept in lower case before and has expired holds for one address alone when it is suppressed anew", async () => {
    const database = await freshDatabase();
    await database.query(
      `insert into suppressions (channel, address, reason, created_by, any_case, expires_at)
       values ('sink', $1, 'gone', 'x', true, reminder_now() - interval '1 minute')`,
      [URLS[1]],
    );
    await suppress(workerDatabase(database), [bounced(URLS[1])]);
    expect((await suppressed(database)).map(([reason]) => reason !== null)).toEqual([false, true]);
  });

  test("what an address is kept by, which is what it is known by everywhere else", async () => {
    const database = await freshDatabase();
    const addresses = ["Ann@Example.com", "HTTP://U:80/Aä?B=C#D", "https://U", "https://U?Q", "httpsx://A/B"];
    const [row] = await database.query<{ keys: string[] }>(
      "select array_agg(reminder_address_key(a) order by n) as keys from unnest($1::text[]) with ordinality as u(a, n)",
      [addresses],
    );
    expect(row?.keys).toEqual(["ann@example.com", "http://u:80/Aä?B=C#D", "https://u", "https://u?Q", "httpsx://a/b"]);
    expect(addresses.map(addressKey)).toEqual(row?.keys);
  });
});

test("it is in the audit who has suppressed and who has released", async () => {
  const database = await freshDatabase();
  const { text } = await giveKey(database, { scopes: ["suppressions:write", "suppressions:read", "audit:read"] });
  const api = await startApi(database, { key: text });
  const address = { channel: "sink", address: ANN };
  const created = await api.call("POST", "/suppressions", address);
  expect(created).toMatchObject({
    status: 201,
    body: { reason: "manual", created_by: expect.stringMatching(/^key /) },
  });
  expect((await api.call("POST", "/suppressions", address)).status).toBe(200);
  await api.call("DELETE", `/suppressions/sink/${ANN}`);
  await until(
    async () => ((await api.call("GET", "/audit")).body as unknown[]).length >= 3,
    "the audit has three lines",
  );
  expect(((await api.call("GET", "/audit")).body as { operation: string }[]).map(({ operation }) => operation)).toEqual(
    ["deleteSuppression", "createSuppression", "createSuppression"],
  );
});

test.each([
  ["channel", { channel: "pigeon", address: ANN }],
  ["address", { channel: "email", address: "a@example.com, b@example.com" }],
  ["address", { channel: "email" }],
  ["expires_at", { channel: "email", address: ANN, expires_at: "soon" }],
  ["because", { channel: "email", address: ANN, because: "a\nb" }],
])("a wrong %s is refused (%#)", async (field, body) => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "POST", "/suppressions", body);
  expect(errors?.map((error) => error.field)).toEqual([field]);
});
