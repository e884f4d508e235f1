import { expect, test } from "vitest";
import { OWN_PURPOSES } from "../../src/core/answer.ts";
import { open, press, waysOn } from "../support/answers.ts";
import { setToTwentyPastTen } from "../support/clock.ts";
import { pushing } from "../support/pushing.ts";
import { until } from "../support/wait.ts";

const at = () => new Date().toISOString();
const ENTITY = { entity_type: "invoice", entity_id: "INV_7" };
const CONTACT = "/contacts/invoice/INV_7";

test("a reminder reaches all devices of its contact, and its notification leads to where it is answered", async () => {
  const { api, service, deliveryBecomes } = await pushing();
  await api.putContact("invoice", "INV_7", { name: "Ann", locale: "de" });
  const [phone, laptop] = [service.device(), service.device()];
  for (const { json } of [phone, laptop]) await api.call("POST", `${CONTACT}/push-subscriptions`, json);

  const { id } = await api.create({ ...ENTITY, channel: "push", run_at: at() });

  expect(await deliveryBecomes(id, "sent")).toMatchObject({ channel: "push", recipient: "invoice/INV_7", attempts: 1 });
  expect(service.wrong).toEqual([]);
  expect(service.pushed.map(({ endpoint }) => endpoint).sort()).toEqual([phone.endpoint, laptop.endpoint].sort());
  const read = service.pushed[0]?.read;
  expect(read).toMatchObject({ url: expect.stringContaining(`${api.url}/a/`) });
  expect(read?.actions).toMatchObject([{ title: "Erledigt" }, { action: "snooze" }]);
  const page = await fetch(String(read?.url));
  expect(page.status).toBe(200);
});

test("its pages speak of devices, and ask for nobody's name, nor take one: readers don't know what contacts are called", async () => {
  const { api, service, deliveryBecomes, reminder } = await pushing();
  await api.putContact("invoice", "INV_7", { name: "Ann" });
  await api.call("POST", `${CONTACT}/push-subscriptions`, service.device().json);
  const { id } = await api.create({ ...ENTITY, channel: "push", allow_reassign: true, run_at: at() });
  await deliveryBecomes(id, "sent");
  const url = String(service.pushed[0]?.read.url);
  const ways = waysOn((await open(url)).text, url);
  const pages = await Promise.all(ways.slice(1).map(async (way) => (await open(way)).text));
  expect(pages).toContainEqual(expect.stringContaining("Nothing more is sent to your devices."));
  expect(pages).toContainEqual(expect.stringContaining("Isn&#39;t it yours?"));
  const notMe = ways[OWN_PURPOSES.indexOf("not_me")] as string;
  const pressed = await press(notMe, { choice: "to", to: "invoice/INV_8" });
  expect([pressed.status, pressed.text.includes("Isn&#39;t it yours?")]).toEqual([422, true]);
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE", recipient: null });
  for (const text of [...pages, pressed.text]) expect(text).not.toMatch(/invoice\/INV_7|name="to"/);
});

test("of several that come together, the notification leads to a page of them, and says none of its links", async () => {
  const { api, service, database, deliveryBecomes, advance } = await pushing();
  await setToTwentyPastTen(database);
  await api.putContact("invoice", "INV_7", { preferences: { digest: { window_minutes: 60 } } });
  await api.call("POST", `${CONTACT}/push-subscriptions`, service.device().json);
  const [now] = await database.query<{ at: number }>("select reminder_now() as at");
  const run_at = new Date(now?.at as number).toISOString();
  const ids = [];
  for (const event_type of ["payment", "feedback"])
    ids.push((await api.create({ ...ENTITY, event_type, channel: "push", run_at })).id);
  for (const id of ids) await deliveryBecomes(id, "pending");
  await advance({ minutes: 42 });
  for (const id of ids) await deliveryBecomes(id, "sent");

  expect(service.pushed).toHaveLength(1);
  const read = service.pushed[0]?.read;
  expect(read).toMatchObject({ title: "2 reminders for you", actions: [] });
  expect(read?.body).toMatch(/^2 are open:\n\n1\. /);
  expect(read?.body).not.toContain("http");
  const page = await fetch(String(read?.url));
  expect([page.status, await page.text()]).toEqual([200, expect.stringMatching(/Payment.*Feedback/s)]);
});

test("a device that is gone is forgotten, the others stay; with the last one the failure says that there is none", async () => {
  const { api, service, database, deliveryBecomes, advance, reminder } = await pushing();
  await api.putContact("invoice", "INV_7", {});
  const [phone, old] = [service.device(), service.device()];
  for (const { json } of [phone, old]) await api.call("POST", `${CONTACT}/push-subscriptions`, json);
  const gone = new Set([old.endpoint]);
  service.behave = (response, { endpoint }) => void response.writeHead(gone.has(endpoint) ? 410 : 201).end();

  const { id } = await api.create({ ...ENTITY, channel: "push", interval_minutes: 60, run_at: at() });
  await deliveryBecomes(id, "sent");
  await until(
    async () => ((await api.call("GET", `${CONTACT}/push-subscriptions`)).body as object[]).length === 1,
    "the old device is forgotten",
  );
  expect((await api.call("GET", `${CONTACT}/push-subscriptions`)).body).toMatchObject([{ id: phone.id }]);

  gone.add(phone.endpoint);
  await advance({ minutes: 61 });
  const failed = await deliveryBecomes(id, "failed");
  expect(failed.reason).toMatch(/^there is no device any more: have invoice\/INV_7 subscribe/);
  expect(await database.query("select has_push from contacts")).toEqual([{ has_push: false }]);
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE" });
});

test("who prefers push gets it by push while there is a device, and by e-mail otherwise", async () => {
  const { api, service, deliveryBecomes } = await pushing();
  const preferences = { channels: ["push", "email"] };
  await api.putContact("invoice", "INV_7", { email: "ann@example.com", preferences });
  const wish = { ...ENTITY, channel: "push", schedule_type: "one_time", interval_minutes: null };

  const without = await api.create({ ...wish, event_type: "one", run_at: at() });
  expect(await deliveryBecomes(without.id, "sent")).toMatchObject({ channel: "email", recipient: "ann@example.com" });

  await api.call("POST", `${CONTACT}/push-subscriptions`, service.device().json);
  const withDevice = await api.create({ ...wish, event_type: "two", run_at: at() });
  expect(await deliveryBecomes(withDevice.id, "sent")).toMatchObject({ channel: "push" });
  expect(service.pushed).toHaveLength(1);
});

test("nobody's device, or nobody at all, is a failure that says what to do", async () => {
  const { api, deliveryBecomes } = await pushing();
  const { id } = await api.create({ channel: "push", run_at: at() });
  expect(await deliveryBecomes(id, "failed")).toMatchObject({
    reason: expect.stringMatching(/^there is no device: have the/),
  });
  const other = await api.create({ channel: "push", recipient: "team/ops", run_at: at() });
  expect(await deliveryBecomes(other.id, "failed")).toMatchObject({
    reason: expect.stringMatching(/have team\/ops subscribe/),
  });
  const problem = await api.refused(422, "POST", "/reminders/", {
    ...{ ...ENTITY, event_type: "x", channel: "push", recipient: "ann@example.com" },
    ...{ schedule_type: "recurring", interval_minutes: 60 },
  });
  expect(problem.errors).toMatchObject([
    { field: "recipient", message: expect.stringContaining("interviewer/INT_100") },
  ]);
});
