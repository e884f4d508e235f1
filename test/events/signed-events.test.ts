import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { API_ROLE } from "../../src/store/identity.ts";
import { type Answer, readAnswer, startApi, type TestApi } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";

const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;
const BODY = JSON.stringify({ type: "invoice.paid", data: { invoice: { id: 42 } } });
const PATH = "/events/default/billing";

interface Message {
  id?: string;
  at?: Date;
  body?: string;
  /** What is sent in place of what was signed. */
  sent?: { body?: string; headers?: Record<string, string> };
  path?: string;
}

/** Sends as the library of the standard's own authors signs. */
async function send(api: TestApi, secrets: string[], message: Message = {}): Promise<Answer> {
  const { id = "msg_1", at = new Date(), body = BODY, sent = {}, path = PATH } = message;
  const signature = secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(" ");
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": signature,
    ...sent.headers,
  };
  return readAnswer(await fetch(`${api.url}${path}`, { method: "POST", headers, body: sent.body ?? body }));
}

async function sourceOn(api: TestApi, ...secrets: string[]): Promise<void> {
  const { status, body } = await api.call("PUT", "/event-sources/billing", { secrets });
  if (status >= 300) throw new Error(JSON.stringify(body));
}

async function ruleOn(api: TestApi, more: Record<string, unknown> = {}): Promise<void> {
  const rule = { event: "invoice.paid", action: "complete", entity_type: "invoice", entity_id: "{data.invoice.id}" };
  await api.call("PUT", "/event-rules/paid", { ...rule, ...more });
}

const detailOf = ({ status, body }: Answer): unknown => [status, (body as { detail?: string }).detail];

test("who has no key but signs completes, once for each id, and the timeline and the audit say who it was", async () => {
  const database = await freshDatabase();
  const { text } = await giveKey(database);
  const api = await startApi(database, { key: text });
  const secret = newSecret();
  await sourceOn(api, secret);
  await ruleOn(api, { source: "billing" });
  const reminder = { entity_type: "invoice", entity_id: "42" };
  const { id } = await api.create(reminder);

  expect((await send(api, [secret])).body).toMatchObject({
    id: "msg_1",
    duplicate: false,
    done: [{ reminder_ids: [id] }],
  });
  expect((await api.timeline(id)).at(-1)?.because).toBe(
    "the event invoice.paid (msg_1) from billing completed it, by the rule paid",
  );
  const next = await api.create(reminder);
  const again = await Promise.all(Array.from({ length: 5 }, () => send(api, [secret])));
  for (const { body } of again) expect(body).toMatchObject({ duplicate: true });
  expect((await api.get(next.id)).status).toBe("ACTIVE");

  const audit = (await api.all("/audit")) as { operation: string; actor: string; details: object }[];
  expect(audit.filter(({ operation }) => operation === "receiveEvent").at(-1)).toMatchObject({
    actor: "event source billing",
    details: { event: "invoice.paid", id: "msg_1", done: [{ rule: "paid", reminders: 1 }] },
  });
  // With a key it would be nobody's signature, so that rule isn't about it.
  expect((await api.call("POST", "/events", JSON.parse(BODY))).body).toMatchObject({ done: [] });
});

describe("turned away, and nothing is done", () => {
  const ways: [string, (secret: string) => [string[], Message]][] = [
    ["another secret", () => [[newSecret()], {}]],
    ["a changed body", (secret) => [[secret], { sent: { body: `${BODY} ` } }]],
    ["another id", (secret) => [[secret], { sent: { headers: { "webhook-id": "msg_2" } } }]],
    [
      "another time",
      (secret) => [
        [secret],
        { sent: { headers: { "webhook-timestamp": String(Math.floor(Date.now() / 1_000) - 1) } } },
      ],
    ],
    ["an id that runs into the time", (secret) => [[secret], { id: "a.1", sent: { headers: { "webhook-id": "a" } } }]],
    ["no such source", (secret) => [[secret], { path: "/events/default/shipping" }]],
    ["no such tenant", (secret) => [[secret], { path: "/events/nobody/billing" }]],
    ["another tenant's source", (secret) => [[secret], { path: "/events/acme/billing" }]],
    ["what can't be a tenant", (secret) => [[secret], { path: "/events/%27%3Bdrop/billing" }]],
    ["what can't be a source", (secret) => [[secret], { path: "/events/default/..%2Fbilling" }]],
    ["an unknown kind of signature", (secret) => [[secret], { sent: { headers: { "webhook-signature": "v2,AAAA" } } }]],
    ["a signature cut short", (secret) => [[secret], { sent: { headers: { "webhook-signature": "v1,AAAA" } } }]],
    ["a recording", (secret) => [[secret], { at: new Date(Date.now() - 301_000) }]],
    ["a message from the future", (secret) => [[secret], { at: new Date(Date.now() + 310_000) }]],
    ["no time", (secret) => [[secret], { sent: { headers: { "webhook-timestamp": "now" } } }]],
  ];
  test("is whatever isn't what was signed, where it was signed, when it was signed", async () => {
    const database = await freshDatabase();
    await createTenants(database, "acme");
    const api = await startApi(database);
    const secret = newSecret();
    await sourceOn(api, secret);
    await ruleOn(api);
    for (const [what, messageOf] of ways) {
      const answer = await send(api, ...messageOf(secret));
      expect(answer.status, what).toBe(401);
      expect(answer.headers.get("www-authenticate")).toContain("StandardWebhooks");
    }
    expect(await database.query("select from inbound_events")).toEqual([]);
    expect((await send(api, [secret])).status).toBe(200);
  });

  test("unsigned, or with a key instead", async () => {
    const database = await freshDatabase();
    const { text } = await giveKey(database);
    const api = await startApi(database, { key: text });
    await sourceOn(api, newSecret());
    await api.refused(401, "POST", PATH, JSON.parse(BODY));
    await api.refused(401, "POST", PATH);
  });

  test("nobody learns from it which tenants and sources there are", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    await sourceOn(api, newSecret());
    const answers = await Promise.all(
      [PATH, "/events/default/none", "/events/none/billing", "/events/N%20N/billing"].map(async (path) =>
        detailOf(await send(api, [newSecret()], { path })),
      ),
    );
    expect(new Set(answers.map(String)).size).toBe(1);
  });
});

test("the time of a message is judged by the database's clock", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const secret = newSecret();
  await sourceOn(api, secret);
  await advance(database, { days: 2 });
  const at = new Date(Date.now() + 2 * 86_400_000);
  expect((await send(api, [secret])).status).toBe(401);
  expect((await send(api, [secret], { at })).status).toBe(200);
});

test("while secrets change, the old and the new one are taken, and then only the new one", async () => {
  const api = await startApi(await freshDatabase());
  const [old, fresh] = [newSecret(), newSecret()];
  await sourceOn(api, old, fresh);
  const shown = (await api.call("GET", "/event-sources/billing")).body as { fingerprints: string[] };
  expect(shown.fingerprints).toHaveLength(2);
  for (const secrets of [[old], [fresh], [newSecret(), fresh]]) expect((await send(api, secrets)).status).toBe(200);
  await sourceOn(api, fresh);
  expect([(await send(api, [old])).status, (await send(api, [fresh])).status]).toEqual([401, 200]);
  await api.call("DELETE", "/event-sources/billing");
  expect((await send(api, [fresh])).status).toBe(401);
});

test("a source's secrets are kept sealed, bound to their place, and shown to nobody", async () => {
  const database = await freshDatabase();
  const { text } = await giveKey(database);
  const api = await startApi(database, { key: text });
  const secret = newSecret();
  await sourceOn(api, secret);
  const dump = JSON.stringify([
    await database.query("select encode(ciphertext, 'escape'), * from sealed_secrets"),
    await database.query("select * from event_sources"),
    await database.query("select * from audit_log"),
    (await api.call("GET", "/event-sources")).body,
    (await api.call("PUT", "/event-sources/other", { secrets: [secret] })).body,
  ]);
  for (const form of [secret, secret.slice("whsec_".length)]) expect(dump).not.toContain(form);
  // Copied to another source's place, it opens nothing.
  await database.query(
    `update sealed_secrets set ciphertext = s.ciphertext, wrapped_key = s.wrapped_key
       from sealed_secrets s where s.kind = 'events:billing' and sealed_secrets.kind = 'events:other'`,
  );
  expect((await send(api, [secret], { path: "/events/default/other" })).status).toBe(503);
});

test("where the master key is missing, it is said in the log and not to the sender", async () => {
  const database = await freshDatabase();
  const secret = newSecret();
  await sourceOn(await startApi(database), secret);
  const lines: string[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => lines.push(line) });
  const other = await startApi(database, { keyring: new Keyring(parseMasterKeys(newMasterKey())), log });
  expect(detailOf(await send(other, [secret]))).toEqual([
    503,
    "the signature can't be checked at the moment; try again",
  ]);
  expect(lines.join()).toContain("is sealed with the key");
  const none = await startApi(database, { keyring: new Keyring([]) });
  await none.refused(409, "PUT", "/event-sources/billing", { secrets: [secret] });
});

test("the API's role can read the secrets of its tenant's sources, and no others", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  await sourceOn(await startApi(database, { tenant: "acme" }), newSecret());
  await database.query(
    `insert into sealed_secrets (tenant_id, kind, name, key_id, wrapped_key, ciphertext)
     values ('default', 'channel:email', 'smtp_password', 'k', '', ''), ('default', 'events:x', 'secret_1', 'k', '', '')`,
  );
  const read = (tenant: string, source: string) =>
    database.as({ role: API_ROLE, tenant }).query("select * from reminder_event_secrets($1)", [source]);
  expect(await read("acme", "billing")).toHaveLength(1);
  for (const [tenant, source] of [
    ["default", "billing"],
    ["acme", "x"],
    ["-", "x"],
    ["*", "x"],
    ["default", "../channel:email"],
  ]) {
    expect(await read(tenant as string, source as string), `${tenant} ${source}`).toEqual([]);
  }
});

test.each([
  ["in its own name", "/events/default/guess"],
  ["in the same name", PATH],
])(
  "who signs badly from an address, %s, is not heard for a while; who signs well from there still is",
  async (_, path) => {
    const api = await startApi(await freshDatabase());
    const secret = newSecret();
    await sourceOn(api, secret);
    expect((await send(api, [secret])).status).toBe(200);
    const statuses = new Set<number>();
    for (let n = 0; n < 70; n += 1) {
      statuses.add((await send(api, [newSecret()], { path })).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await send(api, [secret])).status).toBe(200);
  },
);

test("what is no secret is refused, and the refusal doesn't show it", async () => {
  const api = await startApi(await freshDatabase());
  for (const secret of [
    "whsec_c2hvcnQ=",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_not base64 at all, though it is long enough",
    "whsec_",
  ]) {
    const { errors, detail } = await api.refused(422, "PUT", "/event-sources/x", { secrets: [secret] });
    expect(errors?.[0]?.field).toBe("secrets.0");
    if (secret !== "whsec_") expect(JSON.stringify([errors, detail])).not.toContain(secret);
  }
});
