import { expect, test } from "vitest";
import { SERVICES } from "../../src/channels/services/list.ts";
import { client, startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

interface Previewed {
  template: { version: number; locale: string } | null;
  problem: string | null;
  subject: string;
  text: string;
  html: string;
  slack: { text: string };
  sms: { text: string; encoding: string; units: number; parts: number };
  webhook: { type: string; data: { text: string } };
  push: object;
  services: Record<string, object>;
}

test("a draft is shown in all its forms, each escaped in its own way", async () => {
  const api = await startApi(await freshDatabase());
  const preview = async (wish: object) => (await api.call("POST", "/templates/preview", wish)).body as Previewed;
  const shown = await preview({
    template: { subject: "Pay {{ data.x }}", text: "„{{ data.x }}“", html: "<h1>{{ data.x }}</h1>" },
    sample: { data: { x: '<b> & "c"' } },
  });

  expect(shown).toMatchObject({ template: null, problem: null, subject: 'Pay <b> & "c"' });
  expect(shown.html).toBe("<h1>&lt;b&gt; &amp; &quot;c&quot;</h1>");
  expect(shown.text).toContain('„<b> & "c"“');
  expect(shown.slack.text).toBe('Pay &lt;b&gt; &amp; "c"\n„&lt;b&gt; &amp; "c"“');
  expect(shown.webhook).toMatchObject({ type: "reminder.test", data: { text: '„<b> & "c"“' } });
  expect(shown.sms).toEqual({ text: 'Pay <b> & "c": "<b> & "c""', encoding: "GSM-7", units: 26, parts: 1 });

  expect(shown.push).toMatchObject({ title: 'Pay <b> & "c"', body: '„<b> & "c"“' });
  // In each of them its words, nothing left to be filled in, and nothing of what lets us in.
  expect(Object.keys(shown.services)).toEqual(SERVICES.map(({ name }) => name));
  for (const [name, body] of Object.entries(shown.services)) {
    const said = JSON.stringify(body);
    expect(said, name).toContain("Pay <");
    expect(said, name).toContain("„<");
    expect(said, name).not.toMatch(/\{[a-z_]+\}/);
  }
  expect(shown.services.pushover).toMatchObject({ token: "***" });
  expect(shown.services.zulip).toMatchObject({ type: "direct" });

  const russian = await preview({ template: { text: "ж".repeat(80), subject: "x" } });
  expect(russian.sms).toMatchObject({ encoding: "UCS-2", parts: 2 });
});

test("without a draft, it is what a message would be written in now: stored, or built in", async () => {
  const api = await startApi(await freshDatabase());
  await api.call("PUT", "/templates/payment/*/de", { text: "Rechnung {{ entity_id }}" });
  const preview = async (wish: object) => (await api.call("POST", "/templates/preview", wish)).body as Previewed;

  expect(await preview({ locale: "de-CH" })).toMatchObject({
    template: { event_type: "payment", channel: "*", locale: "de", version: 1 },
    webhook: { data: { text: "Rechnung 42" } },
  });
  expect(await preview({ locale: "fr" })).toMatchObject({ template: null, problem: null });
});

test("real data is that of a reminder and its contact, for those who may read both", async () => {
  const database = await freshDatabase();
  const open = await startApi(database);
  const { id } = await open.create({ entity_id: "INT_7", data: { n: 7 } });
  await open.putContact("interviewer", "INT_7", { name: "Ann", email: "ann@example.com" });
  const text = "{{ contact.name }} {{ data.n }} {{ occurrence_number }}";
  const wish = { reminder_id: id, template: { text } };
  expect((await open.call("POST", "/templates/preview", wish)).body).toMatchObject({
    webhook: { data: { text: "Ann 7 1" } },
  });
  await open.refused(404, "POST", "/templates/preview", { ...wish, reminder_id: id + 1 });

  const scopes = ["templates:write", "reminders:read"];
  const some = client(open.url, (await giveKey(database, { scopes })).text);
  expect((await some.refused(403, "POST", "/templates/preview", wish)).detail).toContain("contacts:read");
  expect((await some.call("POST", "/templates/preview", { template: { text } })).status).toBe(200);
});

test("what is wrong is named: in the draft by line and column, in the data as a problem", async () => {
  const api = await startApi(await freshDatabase());
  expect(await api.refused(422, "POST", "/templates/preview", { template: { text: "a\n{% if %}" } })).toMatchObject({
    errors: [{ field: "template.text", message: expect.stringContaining("line:2") }],
  });
  const strict = { text: "{{ data.none }}", missing: "error" };
  const { body } = await api.call("POST", "/templates/preview", { template: strict });
  expect(body).toMatchObject({ problem: expect.stringContaining("undefined variable: data.none") });
});

test("a test is sent once by a worker, marked as one, and no reminder knows of it", async () => {
  const { database, sink, work } = await world();
  const api = await startApi(database);
  const reminder = await api.create({ channel: "sink", recipient: "x@example.com" });
  work();
  const wish = {
    channel: "sink",
    to: "me@example.com",
    reminder_id: reminder.id,
    template: { text: "Hello", subject: "S" },
  };
  const { status, headers, body } = await api.call("POST", "/templates/test-send", wish);
  expect({ status, body }).toMatchObject({ status: 202, body: { status: "pending", channel: "sink" } });

  const where = headers.get("location") as string;
  const ended = await until(async () => {
    const { body } = await api.call("GET", where);
    return (body as { status: string }).status === "sent" ? body : null;
  }, "the test is sent");
  expect(ended).toMatchObject({ recipient: "me@example.com", reason: null, finished_at: expect.any(String) });
  expect(sink.received).toMatchObject([
    { recipient: "me@example.com", isTest: true, written: { subject: "[Test] S", body: "Hello" } },
  ]);
  expect(await api.deliveries(reminder.id)).toEqual([]);
  expect(await api.timeline(reminder.id)).toHaveLength(1);
});

test("a test that fails says why, and isn't tried again", async () => {
  const { database, sink, work } = await world();
  sink.behave = () => Promise.reject(new Error("mailbox busy"));
  const api = await startApi(database);
  work();
  const { headers } = await api.call("POST", "/templates/test-send", { channel: "sink", to: "me@example.com" });
  const failed = await until(async () => {
    const { body } = await api.call("GET", headers.get("location") as string);
    return (body as { status: string }).status === "failed" ? body : null;
  }, "the test has failed");
  expect(failed).toMatchObject({ reason: expect.stringContaining("mailbox busy") });
  expect(sink.received).toHaveLength(1);
});

test("tests are few, and each tenant's own", async () => {
  const database = await freshDatabase();
  await createTenants(database, "one", "two");
  const one = await startApi(database, { tenant: "one" });
  const two = await startApi(database, { tenant: "two" });
  const wish = { channel: "sink", to: "me@example.com" };
  const asked = await Promise.all(Array.from({ length: 12 }, () => one.call("POST", "/templates/test-send", wish)));
  expect(asked.map(({ status }) => status).sort()).toEqual([...Array(10).fill(202), 429, 429]);
  const mine = asked.find(({ status }) => status === 202)?.headers.get("location") as string;
  await two.refused(404, "GET", mine);
  expect(await two.call("POST", "/templates/test-send", wish)).toMatchObject({ status: 202 });
  const { errors } = await one.refused(422, "POST", "/templates/test-send", {
    ...{ channel: "email", to: "a@example.com, b@example.com" },
  });
  expect(errors).toMatchObject([{ field: "to", pointer: "/to" }]);
});

test("a preview has links as long as real ones, which lead to a page that says so, and without a PUBLIC_URL it has none", async () => {
  const database = await freshDatabase();
  const api = await startApi(database, { publicUrl: "https://reminders.example.com" });
  const wish = {
    template: { subject: "Rent", text: "Pay: {{ links.done }}", html: "<a href='{{ links.stop }}'>No</a>" },
  };
  const shown = (await api.call("POST", "/templates/preview", wish)).body as Previewed;
  const [link = ""] = /https:\S+/.exec(shown.sms.text) ?? [];
  expect(link.length).toBe("https://reminders.example.com/a/EAAFgLjO-6E0ANAFA2Kn1lES4Cwwm-EJK7oNJivYJmiJ".length);
  expect(shown.html).toContain("https://reminders.example.com/a/test-stop-");
  const page = await fetch(link.replace("https://reminders.example.com", api.url));
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("This was a test")]);
  const pressed = await fetch(link.replace("https://reminders.example.com", api.url), { method: "POST" });
  expect(pressed.status).toBe(200);

  const hidden = await startApi(database);
  const without = (await hidden.call("POST", "/templates/preview", wish)).body as Previewed;
  expect(without.text).not.toContain("/a/");
});

test("as a policy's step that names a template: by what is stored under the name, or as given, before the reminder's own words", async () => {
  const api = await startApi(await freshDatabase());
  const preview = async (body: object) => {
    const { status, body: shown } = await api.call("POST", "/templates/preview", body);
    return [status, (shown as Previewed).subject, (shown as Previewed).text];
  };
  await api.call("PUT", "/templates/urgent/*/*", { subject: "Urgent", text: "It is late." });
  const own = { reminder_id: (await api.create(wish({ subject: "Hello", message: "Please pay." }))).id };
  const late = [200, "Urgent", expect.stringContaining("It is late.")];

  expect(await preview(own)).toEqual([200, "Hello", expect.stringContaining("Please pay.")]);
  expect(await preview({ ...own, step_template: "urgent" })).toEqual(late);
  const template = { subject: "Urgent", text: "It is late. {{ message }}" };
  expect(await preview({ ...own, template, step_template: "planned" })).toEqual(late);
  expect(await preview({ ...own, step_template: "not_there" })).toEqual(await preview(own));
  expect((await preview({ ...own, step_template: "*" }))[0]).toBe(422);
});
