import { expect, test } from "vitest";
import { newPrivateKey, publicKeyOf } from "../../src/channels/push/account.ts";
import { certainlyRefused } from "../../src/outgoing/certainly-refused.ts";
import { DEFAULT_OUTGOING } from "../../src/outgoing/settings.ts";
import { writeChannelSettings } from "../../src/store/channel-settings.ts";
import { open } from "../support/answers.ts";
import { startApi, type TestApi } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { newDevice } from "../support/push-service.ts";
import { createTenants } from "../support/tenants.ts";

const ANN = "/contacts/interviewer/INT_100";
const REFUSES = { refusesUrl: certainlyRefused(DEFAULT_OUTGOING), hasQuery: () => false };
const device = () => newDevice(`https://push.example.net/send/${Math.random()}`);
const pushKey = publicKeyOf(newPrivateKey()) as string;

async function apiWithAnn(database: TestDatabase, options: Parameters<typeof startApi>[1] = {}): Promise<TestApi> {
  const api = await startApi(database, {
    publicUrl: "https://r.example.com",
    pushKey,
    installation: REFUSES,
    ...options,
  });
  await api.putContact("interviewer", "INT_100", { name: "Ann", email: "ann@example.com" });
  return api;
}

const post = (url: string, body: unknown) =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

test("a device subscribes, once however often, is listed without what it is written to by, and goes", async () => {
  const database = await freshDatabase();
  const api = await apiWithAnn(database);
  const one = device();

  const first = await api.call("POST", `${ANN}/push-subscriptions`, one.json);
  expect(first).toMatchObject({ status: 201, body: { id: one.id, service: "push.example.net" } });
  expect(await api.call("POST", `${ANN}/push-subscriptions`, one.json)).toMatchObject({ status: 200 });
  const { body } = await api.call("GET", `${ANN}/push-subscriptions`);
  expect(body).toEqual([first.body]);
  expect(JSON.stringify(body)).not.toMatch(new RegExp(`send/|${one.json.keys.auth}|${one.json.keys.p256dh}`));
  expect(await database.query("select has_push from contacts")).toEqual([{ has_push: true }]);

  for (let n = 0; n < 2; n += 1)
    expect(await api.call("DELETE", `${ANN}/push-subscriptions/${one.id}`)).toMatchObject({ status: 204 });
  expect((await api.call("GET", `${ANN}/push-subscriptions`)).body).toEqual([]);
  expect(await database.query("select has_push from contacts")).toEqual([{ has_push: false }]);
});

test("of more than twenty devices the oldest go, also of many that come at once", async () => {
  const api = await apiWithAnn(await freshDatabase());
  const devices = Array.from({ length: 24 }, device);
  for (const { json } of devices.slice(0, 2)) await api.call("POST", `${ANN}/push-subscriptions`, json);
  await Promise.all(devices.slice(2).map(({ json }) => api.call("POST", `${ANN}/push-subscriptions`, json)));
  const ids = ((await api.call("GET", `${ANN}/push-subscriptions`)).body as { id: string }[]).map(({ id }) => id);
  expect(ids).toHaveLength(20);
  expect(ids).not.toEqual(expect.arrayContaining([devices[0]?.id]));
  expect(ids).not.toEqual(expect.arrayContaining([devices[1]?.id]));
});

test("its devices go with a contact", async () => {
  const database = await freshDatabase();
  const api = await apiWithAnn(database);
  await api.call("POST", `${ANN}/push-subscriptions`, device().json);
  await api.putContact("interviewer", "INT_100", { name: "Ann again" });
  expect(await database.query("select from push_subscriptions")).toHaveLength(1);
  await api.call("DELETE", ANN);
  expect(await database.query("select from push_subscriptions")).toEqual([]);
});

const ENDPOINTS: [endpoint: string, says: RegExp][] = [
  ["https://10.0.0.1/x", /private/],
  ["https://169.254.169.254/latest/meta-data", /link-local/],
  ["https://localhost/x", /loopback/],
  ["http://127.0.0.1/x", /loopback/],
  ["https://[::1]/x", /loopback/],
  ["http://push.example.net/x", /https/],
  ["https://push.example.net:8443/x", /port/],
  ["not a URL", /URL/],
];
test("an endpoint of more than 2048 characters is refused", async () => {
  const api = await apiWithAnn(await freshDatabase());
  const endpoint = `https://push.example.net/${"x".repeat(2_048)}`;
  const problem = await api.refused(422, "POST", `${ANN}/push-subscriptions`, { ...device().json, endpoint });
  expect(problem.errors).toMatchObject([{ field: "endpoint", message: expect.stringMatching(/2048/) }]);
});

test.each(ENDPOINTS)("an endpoint like %s is refused, and says why", async (endpoint, says) => {
  const api = await apiWithAnn(await freshDatabase());
  const problem = await api.refused(422, "POST", `${ANN}/push-subscriptions`, { ...device().json, endpoint });
  expect(problem.errors).toMatchObject([{ field: "endpoint", message: expect.stringMatching(says) }]);
});

test("keys that no message can be encrypted with are refused by name", async () => {
  const api = await apiWithAnn(await freshDatabase());
  const { endpoint, keys } = device().json;
  for (const [name, wrong] of [
    ["p256dh", "AAAA"],
    ["auth", "AAAA"],
  ] as const) {
    const body = { endpoint, keys: { ...keys, [name]: wrong } };
    const problem = await api.refused(422, "POST", `${ANN}/push-subscriptions`, body);
    expect(problem.errors).toMatchObject([{ field: `keys.${name}` }]);
  }
  await api.refused(404, "POST", "/contacts/interviewer/NOBODY/push-subscriptions", device().json);
});

test("a link is made for a contact that is there, where people can reach us and a key is set", async () => {
  const database = await freshDatabase();
  const api = await apiWithAnn(database);
  expect(await api.call("POST", `${ANN}/push-link`)).toMatchObject({ status: 200 });
  const made = await api.call("POST", `${ANN}/push-link`, { days: 3 });
  expect(made).toMatchObject({
    status: 200,
    body: { url: expect.stringMatching(/^https:\/\/r\.example\.com\/p\/[\w-]+$/) },
  });
  await api.refused(404, "POST", "/contacts/interviewer/NOBODY/push-link", {});
  await api.refused(422, "POST", `${ANN}/push-link`, { days: 91 });
  expect(await api.call("GET", "/push-key")).toMatchObject({ status: 200, body: { public_key: pushKey } });

  const without = await startApi(database, { pushKey });
  expect((await without.refused(409, "POST", `${ANN}/push-link`, {})).detail).toMatch(/PUBLIC_URL/);
  const keyless = await startApi(database, { publicUrl: "https://r.example.com" });
  expect((await keyless.refused(409, "POST", `${ANN}/push-link`, {})).detail).toMatch(/VAPID_PRIVATE_KEY/);
  expect((await keyless.refused(409, "GET", "/push-key")).detail).toMatch(/VAPID_PRIVATE_KEY/);
});

test("a tenant's own key is what its people's browsers subscribe with, and nobody else's", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  const own = publicKeyOf(newPrivateKey()) as string;
  const settings = { public_key: own, subject: "mailto:ops@acme.example" };
  await writeChannelSettings(database, { tenantId: "acme", channel: "push", settings, secrets: new Map() });
  const [acme, other] = [await startApi(database, { tenant: "acme", pushKey }), await startApi(database, { pushKey })];
  expect((await acme.call("GET", "/push-key")).body).toEqual({ public_key: own });
  expect((await other.call("GET", "/push-key")).body).toEqual({ public_key: pushKey });
});

test("P9: a link subscribes at the contact and tenant that it was made for, and no other tenant sees that", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  const acme = await apiWithAnn(database, { tenant: "acme" });
  const other = await apiWithAnn(database);
  const { url } = (await acme.call("POST", `${ANN}/push-link`, {})).body as { url: string };
  const here = url.replace("https://r.example.com", other.url);

  expect((await post(here, { subscription: device().json })).status).toBe(204);

  expect((await acme.call("GET", `${ANN}/push-subscriptions`)).body).toHaveLength(1);
  expect((await other.call("GET", `${ANN}/push-subscriptions`)).body).toEqual([]);
  const [line] = await database.query(
    "select tenant_id, actor, operation, target from audit_log where operation = 'subscribeByLink'",
  );
  expect(line).toMatchObject({ tenant_id: "acme", actor: "push link of interviewer/INT_100", target: "/p/[hidden]" });
});

test("a link that has expired, was changed, or is of a contact that is gone subscribes nobody, and says so", async () => {
  const database = await freshDatabase();
  const api = await apiWithAnn(database);
  const { url } = (await api.call("POST", `${ANN}/push-link`, { days: 1 })).body as { url: string };
  const here = url.replace("https://r.example.com", api.url);
  const forged = `${here.slice(0, -3)}${here.endsWith("AAA") ? "BBB" : "AAA"}`;

  expect(await open(forged)).toMatchObject({
    status: 404,
    text: expect.stringContaining("This link doesn&#39;t work"),
  });
  expect((await post(forged, { subscription: device().json })).status).toBe(404);
  expect((await post(here, { subscription: { ...device().json, endpoint: "https://10.0.0.1/x" } })).status).toBe(422);
  expect((await post(here, { nothing: true })).status).toBe(422);
  await api.call("DELETE", ANN);
  expect(await open(here)).toMatchObject({ status: 410, text: expect.stringContaining("nothing to be reminded of") });
  expect((await post(here, { subscription: device().json })).status).toBe(404);
  await api.putContact("interviewer", "INT_100", {});
  await advance(database, { days: 2 });
  expect(await open(here)).toMatchObject({ status: 410, text: expect.stringContaining("has expired") });
  expect((await post(here, { subscription: device().json })).status).toBe(410);
  expect(await database.query("select from push_subscriptions")).toEqual([]);
});

test("the links of one contact are ended alone, and what has subscribed stays", async () => {
  const database = await freshDatabase();
  const api = await apiWithAnn(database);
  await api.putContact("invoice", "INV_1", {});
  const linkTo = async (contact: string) =>
    ((await api.call("POST", `${contact}/push-link`, {})).body as { url: string }).url.replace(
      "https://r.example.com",
      api.url,
    );
  const [lost, others] = [await linkTo(ANN), await linkTo("/contacts/invoice/INV_1")];
  const [early, late] = [device(), device()];
  await post(lost, { subscription: early.json });

  for (let n = 0; n < 2; n += 1) expect(await api.call("DELETE", `${ANN}/push-links`)).toMatchObject({ status: 204 });

  expect(await open(lost)).toMatchObject({ status: 410, text: expect.stringContaining("has expired") });
  expect((await post(lost, { subscription: late.json })).status).toBe(410);
  expect((await post(lost, { forget: early.endpoint })).status).toBe(410);
  expect((await api.call("GET", `${ANN}/push-subscriptions`)).body).toMatchObject([{ id: early.id }]);
  expect((await post(others, { subscription: late.json })).status).toBe(204);
  await api.putContact("interviewer", "INT_100", { name: "Ann B." });
  expect((await open(lost)).status).toBe(410);
  await advance(database, { seconds: 1 });
  expect((await post(await linkTo(ANN), { subscription: late.json })).status).toBe(204);
});

test("a link that was made for a contact of the same name before this one gets nobody its messages", async () => {
  const database = await freshDatabase();
  const api = await apiWithAnn(database);
  const { url } = (await api.call("POST", `${ANN}/push-link`, {})).body as { url: string };
  const here = url.replace("https://r.example.com", api.url);
  await api.call("DELETE", ANN);
  await advance(database, { seconds: 1 });
  await api.putContact("interviewer", "INT_100", { name: "Bob" });

  const page = await open(here);
  expect(page).toMatchObject({ status: 410, text: expect.stringContaining("has expired") });
  expect(page.text).not.toContain("Bob");
  expect((await post(here, { subscription: device().json })).status).toBe(410);
  expect(await database.query("select from push_subscriptions")).toEqual([]);
});

test.each([
  ["de", "Erinnerungen auf diesem Gerät?"],
  ["fr", "Des rappels sur cet appareil ?"],
  ["es", "¿Recordatorios en este dispositivo?"],
  ["it", "Get reminders on this device?"],
])("the page speaks the contact's language: %s", async (locale, title) => {
  const api = await apiWithAnn(await freshDatabase());
  await api.putContact("interviewer", "INT_100", { name: "<b>Ann</b>", locale });
  const { url } = (await api.call("POST", `${ANN}/push-link`, {})).body as { url: string };
  const page = await open(url.replace("https://r.example.com", api.url));
  expect(page.status).toBe(200);
  expect(page.text).toContain(title);
  expect(page.text).toContain("&lt;b&gt;Ann&lt;/b&gt;");
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain("unsafe");
  expect(page.headers.get("referrer-policy")).toBe("no-referrer");
});

test("a device whose browser gives it another subscription says so by the secret of the one before, and nobody else can", async () => {
  const database = await freshDatabase();
  const api = await apiWithAnn(database);
  await api.putContact("invoice", "INV_1", {});
  const [old, fresh, foreign] = [device(), device(), device()];
  for (const at of [ANN, "/contacts/invoice/INV_1"]) await api.call("POST", `${at}/push-subscriptions`, old.json);
  const renew = (auth: string, tenant = "default") =>
    post(`${api.url}/push/${tenant}/renew`, { old: { endpoint: old.endpoint, auth }, subscription: fresh.json });

  expect((await renew(foreign.json.keys.auth)).status).toBe(404);
  expect((await renew(old.json.keys.auth, "acme")).status).toBe(404);
  expect(await database.query("select from audit_log where operation = 'renewSubscription'")).toEqual([]);
  expect((await renew(old.json.keys.auth)).status).toBe(204);
  expect(await database.query("select actor from audit_log where operation = 'renewSubscription'")).toEqual([
    { actor: `device ${old.id}` },
  ]);
  expect((await renew(old.json.keys.auth)).status).toBe(404);

  for (const at of [ANN, "/contacts/invoice/INV_1"])
    expect((await api.call("GET", `${at}/push-subscriptions`)).body).toMatchObject([{ id: fresh.id }]);
});

test("who guesses is turned away after a while", async () => {
  const api = await apiWithAnn(await freshDatabase());
  const statuses = [];
  for (let n = 0; n < 70; n += 1) statuses.push((await open(`${api.url}/p/${"A".repeat(40)}`)).status);
  expect(statuses[0]).toBe(404);
  expect(statuses.at(-1)).toBe(429);
});
