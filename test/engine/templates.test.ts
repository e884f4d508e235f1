import { expect, test } from "vitest";
import { render } from "../../src/channels/rendering.ts";
import { startApi } from "../support/api.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

/** However slow the machine is, an honest template isn't killed. */
const PATIENT = { cage: { limits: { timeMs: 30_000 } } };

const put = (api: Awaited<ReturnType<typeof startApi>>, path: string, template: object) =>
  api.call("PUT", `/templates/${path}`, template);

test("a message is written in the best template for its event type, channel and reader's language", async () => {
  const { database, sink, insert, work } = await world();
  const api = await startApi(database);
  await api.putContact("invoice", "DE", { locale: "de-AT" });
  await api.putContact("invoice", "FR", { locale: "fr" });
  await put(api, "payment/sink/*", { text: "any language" });
  await put(api, "payment/sink/de", { text: "Rechnung {{ entity_id }}", subject: "Zahlung" });
  await put(api, "*/sink/de", { text: "irgendetwas" });
  await put(api, "*/*/*", { text: "whatever {{ event_type }}" });
  work(PATIENT);

  await insert({ run_at: new Date(), entity_id: "DE" });
  await insert({ run_at: new Date(), entity_id: "FR" });
  await insert({ run_at: new Date(), entity_id: "FR", event_type: "other" });
  await insert({ run_at: new Date(), entity_id: "DE", event_type: "other" });
  await until(() => sink.received.length === 4, "all are sent");

  const bodies = Object.fromEntries(
    sink.received.map((message) => [
      `${message.reminder.eventType} ${message.reminder.entityId}`,
      render(message).body,
    ]),
  );
  expect(bodies).toEqual({
    "payment DE": "Rechnung DE",
    "payment FR": "any language",
    "other FR": "whatever other",
    "other DE": "irgendetwas",
  });
});

test("a change takes effect within 5 s: a save, an old version that is activated, a deletion", async () => {
  const { database, sink, insert, work } = await world();
  const api = await startApi(database);
  work(PATIENT);
  const bodyNow = async (): Promise<string | undefined> => {
    const before = sink.received.length;
    await insert({ run_at: new Date() });
    await until(() => sink.received.length > before, "it is sent");
    const last = sink.received.at(-1);
    return last && render(last).body;
  };
  const becomes = (text: string) => until(async () => (await bodyNow())?.includes(text), `it says ${text}`);

  await becomes("still open");
  await put(api, "payment/sink/*", { text: "first" });
  await becomes("first");
  await put(api, "payment/sink/*", { text: "second" });
  await becomes("second");
  expect(await api.call("POST", "/templates/payment/sink/*/versions/1/activate")).toMatchObject({ status: 200 });
  await becomes("first");
  await api.call("DELETE", "/templates/payment/sink/*");
  await becomes("still open");
});

test("a reminder's own words come before a template's, unless that frames them", async () => {
  const { database, sink, insert, work } = await world();
  const api = await startApi(database);
  await put(api, "plain/sink/*", { text: "template", subject: "theirs" });
  await put(api, "framed/sink/*", { text: "Dear {{ data.name }},\n{{ message | default: 'nothing' }}\nYours" });
  work(PATIENT);
  const own = { message: "pay {{ data.n }}", data: JSON.stringify({ n: 7, name: "Ann" }), run_at: new Date() };
  await insert({ ...own, event_type: "plain" });
  await insert({ ...own, event_type: "framed", subject: "mine" });
  await insert({ ...own, event_type: "framed", message: null });
  await until(() => sink.received.length === 3, "all are sent");

  const said = sink.received.map(({ written }) => `${written?.subject}: ${written?.body}`).sort();
  expect(said).toContain("mine: Dear Ann,\npay 7\nYours");
  expect(said.some((words) => words.endsWith(": pay 7"))).toBe(true);
  expect(said.some((words) => words.endsWith("Dear Ann,\nnothing\nYours"))).toBe(true);
});

test("where a template can't be filled in, the message is sent in the built-in words and the delivery says why", async () => {
  const { database, sink, insert, work, deliveryBecomes } = await world();
  const api = await startApi(database);
  await put(api, "payment/sink/*", { text: "a\n{{ data.missing.thing }}", missing: "error" });
  work(PATIENT);
  const id = await insert({ run_at: new Date() });

  expect(await deliveryBecomes(id, "sent")).toMatchObject({
    reason:
      "in the built-in words, because the text of the template payment/sink/* (version 1) is broken: undefined variable: data.missing, line:2, col:4",
  });
  expect(sink.received[0]?.written?.body).toContain("“Payment”");
  // Whoever looks for why it reads like that finds it where the rest of its story is.
  const why = "by sink, in the built-in words, because the text of the template payment/sink/* (version 1) is broken";
  const sent = (await api.timeline(id)).find(({ type }) => type === "sent");
  expect(sent?.because).toContain(why);
  const { body } = await api.call("GET", `/reminders/${id}/explain`);
  const told = (body as { history: { kind: string; sentence: string }[] }).history.find(({ kind }) => kind === "sent");
  expect(told?.sentence).toContain(why);
});

test("or it fails, where the template says so", async () => {
  const { database, sink, insert, work, deliveryBecomes } = await world();
  const api = await startApi(database);
  await put(api, "payment/sink/*", { text: "{{ data.missing }}", missing: "error", on_failure: "fail" });
  work(PATIENT);
  const id = await insert({ run_at: new Date() });

  const { reason } = await deliveryBecomes(id, "failed");
  expect(reason).toContain("is broken: undefined variable: data.missing");
  expect(sink.received).toEqual([]);
});

test("P9: one tenant's bombs keep nobody else waiting, and its people are reminded all the same", async () => {
  const { database, sink, insert, work, deliveries } = await world();
  await createTenants(database, "bomber", "other");
  const bomber = await startApi(database, { tenant: "bomber" });
  const bomb = `{% for a in data.l %}{% for b in data.l %}{% for c in data.l %}{% assign x = a | times: b %}{% endfor %}{% endfor %}{% endfor %}`;
  await put(bomber, "*/*/*", { text: bomb });
  const l = JSON.stringify({ l: Array.from({ length: 1_000 }, (_, n) => n) });
  const bombs: number[] = [];
  for (let count = 0; count < 20; count += 1) {
    bombs.push(await insert({ tenant_id: "bomber", run_at: new Date(), data: l }));
  }
  work();
  await until(() => sink.received.length > 0, "the first bomb has gone off");
  await insert({ tenant_id: "other", run_at: new Date(), message: "{{ 'mine' }}" });

  await until(() => sink.received.some(({ reminder }) => reminder.tenantId === "other"), "the other's is sent");
  expect(sink.received.length).toBeLessThan(20);
  await until(() => sink.received.length === 21, "all are sent");
  const [delivery] = await deliveries(bombs[0] as number);
  expect(delivery).toMatchObject({
    status: "sent",
    reason: expect.stringMatching(
      /in the built-in words, because the .*template .* (takes longer than 200 ms|limit exceeded)/,
    ),
  });
});

test("as long as nothing is stored, the templates are asked for once for all messages, and not for each", async () => {
  const { database, sink, insert, work } = await world();
  for (let count = 0; count < 200; count += 1) await insert({ run_at: new Date() });
  const calls = async (): Promise<number> => {
    const [row] = await database.query<{ calls: number }>(
      "select coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as calls from pg_stat_user_tables where relname = 'templates'",
    );
    return Number(row?.calls ?? 0);
  };
  const worker = work();
  await until(() => sink.received.length === 200, "all are sent");
  await worker.stop();
  await database.query("select pg_stat_force_next_flush()").catch(() => []);
  expect(await calls()).toBeLessThan(20);
});
