import { expect, test } from "vitest";
import { z } from "zod";
import { AuditEntry } from "../../src/api/schemas/audit.ts";
import { deleteOldAudit } from "../../src/store/audit.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { client, startApi, type TestApi, wish } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { asOwner, giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { worldOn } from "../support/world.ts";

const audit = async (api: TestApi) => z.array(AuditEntry).parse((await api.call("GET", "/audit")).body);

test("every change is in the audit once it is answered: who, what, of what, with what outcome, and from where", async () => {
  const database = await freshDatabase();
  const { id: keyId, text } = await giveKey(database, { name: "billing" });
  const api = await startApi(database, { key: text });
  const { id } = await api.create();
  await api.act(id, "pause");
  await api.setFlag("paid", true);
  await api.refused(404, "DELETE", "/reminders/4711");
  await api.refused(422, "PUT", "/flags/paid", { value: "yes" });
  await api.list();

  expect(await audit(api)).toMatchObject([
    { operation: "setFlag", target: "/flags/paid", status: 422 },
    { operation: "deleteReminder", target: "/reminders/4711", status: 404 },
    { operation: "setFlag", target: "/flags/paid", status: 201 },
    { operation: "pauseReminder", target: `/reminders/${id}/pause`, status: 200 },
    {
      operation: "createReminder",
      target: `/reminders/${id}`,
      status: 201,
      actor: `key ${keyId} (billing)`,
      address: "127.0.0.1",
    },
  ]);
});

test("a key or a token that somebody puts into an address is not shown to who reads the audit", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  const other = await giveKey(database);
  const token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln";
  for (const secret of [other.text, token]) await api.call("PUT", `/flags/${secret}`, { value: true });
  expect((await audit(api)).map(({ target }) => target)).toEqual([
    "/flags/[hidden]",
    `/flags/rmd_${other.id}_[hidden]`,
  ]);
});

test("what is made in bulk is named, and what a key may not do is there too", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  await api.call("POST", "/reminders/bulk", { reminders: [wish(), wish(), { wrong: true }] });
  const [first, second] = (await api.list()).map(({ id }) => id).sort((a, b) => a - b);
  const reader = client(api.url, (await giveKey(database, { scopes: ["flags:read"] })).text);
  await reader.refused(403, "PUT", "/flags/a", { value: true });
  expect(await audit(api)).toMatchObject([
    { operation: "setFlag", status: 403 },
    { operation: "createReminders", status: 200, details: { created: [first, second] } },
  ]);
});

test("it says what was changed: fields by name, and what the request's address doesn't tell", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  const { id } = await api.create({});
  await api.call("PATCH", `/reminders/${id}`, { subject: "Secret plans", interval_minutes: 90 });
  await api.setFlag("paid", true);
  await api.call("POST", "/suppressions", { channel: "sink", address: "room 12" });
  await fetch(`${api.url}/contacts/import`, {
    method: "POST",
    headers: { "content-type": "text/csv", authorization: `Bearer ${(await giveKey(database)).text}` },
    body: "entity_type,entity_id\nperson,1\nperson,2\n",
  });
  expect(await audit(api)).toMatchObject([
    { operation: "importContacts", details: { created: 2, contacts: ["person/1", "person/2"] } },
    { operation: "createSuppression", details: { channel: "sink", address: "room 12" } },
    { operation: "setFlag", details: { value: true } },
    { operation: "updateReminder", details: { fields: ["subject", "interval_minutes"] } },
    { operation: "createReminder" },
  ]);
  expect(JSON.stringify(await audit(api))).not.toContain("Secret plans");
});

test("what is done once under an Idempotency-Key is there each time that it is asked for", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  const body = wish();
  for (let n = 0; n < 2; n += 1) await api.call("POST", "/reminders/", body, { "idempotency-key": "once" });
  const [reminder] = await api.list();
  const line = { operation: "createReminder", target: `/reminders/${reminder?.id}`, status: 201 };
  expect(await audit(api)).toMatchObject([line, line]);
});

test("each tenant reads its own, page by page, with the scope for it", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme", "globex");
  const api = await startApi(database, { key: (await giveKey(database, { tenant: "acme" })).text });
  const other = client(api.url, (await giveKey(database, { tenant: "globex" })).text);
  for (let n = 0; n < 5; n += 1) await api.setFlag(`flag-${n}`, true);
  await other.setFlag("theirs", true);
  const targets = (await api.all("/audit?limit=2")).map((entry) => (entry as { target: string }).target);
  expect(targets).toEqual([4, 3, 2, 1, 0].map((n) => `/flags/flag-${n}`));
  expect(await audit(other)).toMatchObject([{ target: "/flags/theirs" }]);
});

test("many changes at once are all there, and a change whose line can't be written is made and told all the same", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  await Promise.all(Array.from({ length: 100 }, (_, n) => api.setFlag(`flag-${n}`, true)));
  const lines = (await api.all("/audit?limit=30")) as { target: string }[];
  expect(new Set(lines.map(({ target }) => target)).size).toBe(100);

  await asOwner(database).query("alter table audit_log add constraint full_up check (target <> '/flags/last')");
  await api.setFlag("last", true);
  expect((await api.call("GET", "/flags/last")).status).toBe(200);
});

test("what changes a reminder and its line are one: without the line nothing is changed, and there is one line for each", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  const { id } = await api.create();
  await asOwner(database).query(
    "alter table audit_log add constraint full_up check (operation <> 'pauseReminder') not valid",
  );
  await api.refused(500, "POST", `/reminders/${id}/pause`);
  expect((await api.get(id)).status).toBe("ACTIVE");

  await asOwner(database).query("alter table audit_log drop constraint full_up");
  await api.act(id, "pause");
  await api.patch(id, { message: "changed" });
  await api.call("POST", `/reminders/${id}/resume`, undefined, { "idempotency-key": "once" });
  await api.call("POST", `/reminders/${id}/resume`, undefined, { "idempotency-key": "once" });
  await api.remove(id);
  expect((await audit(api)).map(({ operation, status }) => [operation, status])).toEqual([
    ["deleteReminder", 204],
    ["resumeReminder", 200],
    ["resumeReminder", 200],
    ["updateReminder", 200],
    ["pauseReminder", 200],
    ["createReminder", 201],
  ]);
});

test("an event and its line are one too: without the line it does nothing, so that sent again it still does", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  const { id, entity_type, entity_id } = await api.create();
  await api.call("PUT", "/event-rules/over", { event: "over", action: "complete", entity_type, entity_id });
  await asOwner(database).query(
    "alter table audit_log add constraint full_up check (operation <> 'sendEvent' or status >= 300) not valid",
  );
  await api.refused(500, "POST", "/events", { type: "over", id: "1" });
  expect((await api.get(id)).status).toBe("ACTIVE");

  await asOwner(database).query("alter table audit_log drop constraint full_up");
  await api.call("POST", "/events", { type: "over", id: "1" });
  await api.call("POST", "/events", { type: "over", id: "1" });
  expect((await api.get(id)).status).toBe("COMPLETED");
  const lines = (await audit(api)).filter(({ operation }) => operation === "sendEvent");
  expect(lines).toMatchObject([
    { status: 200, details: { event: "over", id: "1", duplicate: true } },
    { status: 200, details: { event: "over", id: "1", done: [{ rule: "over", reminders: 1 }] } },
    { status: 500 },
  ]);
});

test("who need not say who he is leaves no line, and who asks too often fills nothing", async () => {
  const database = await freshDatabase();
  await (await startApi(database)).setFlag("a", true);
  const { text } = await giveKey(database, { requestsPerMinute: 1 });
  const api = await startApi(database, { key: text });
  for (let n = 0; n < 3; n += 1) await api.call("PUT", "/flags/a", { value: true });
  expect(await asOwner(database).query("select status from audit_log")).toEqual([{ status: 200 }]);
});

test("what is older than the retention goes, as a worker does it by itself", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { key: (await giveKey(database)).text });
  const count = async () => (await asOwner(database).query("select from audit_log")).length;
  for (const key of ["a", "b", "c"]) await api.setFlag(key, true);
  await advance(database, { days: 8 });
  await api.setFlag("d", true);
  expect(await deleteOldAudit(workerDatabase(database), 9, 100)).toBe(0);
  expect(await deleteOldAudit(workerDatabase(database), 7, 2)).toBe(2);
  expect(await count()).toBe(2);
  worldOn(database).work({ retentionDays: 7 });
  await until(async () => (await count()) === 1, "the worker has cleared up");
});
