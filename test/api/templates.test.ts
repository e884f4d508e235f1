import { expect, test } from "vitest";
import { client, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";

const PATH = "/templates/payment/email/de";

test("a template is saved, listed, read, gone back to and deleted, each as often as you like", async () => {
  const api = await startApi(await freshDatabase());
  expect(await api.call("PUT", PATH, { text: "one", subject: "s" })).toMatchObject({
    status: 201,
    body: {
      event_type: "payment",
      channel: "email",
      locale: "de",
      version: 1,
      text: "one",
      missing: "empty",
      html: null,
    },
  });
  expect(await api.call("PUT", PATH, { text: "one", subject: "s" })).toMatchObject({
    status: 200,
    body: { version: 1 },
  });
  expect(await api.call("PUT", PATH, { text: "two" })).toMatchObject({
    status: 200,
    body: { version: 2, subject: null },
  });
  expect(await api.call("PUT", "/templates/*/*/*", { text: "any" })).toMatchObject({ status: 201 });
  expect(await api.call("PUT", "/templates/a%2Fb/sink/pt-br", { text: "x" })).toMatchObject({
    status: 201,
    body: { event_type: "a/b", locale: "pt-BR" },
  });

  const all = (await api.all("/templates?limit=1")) as { event_type: string; version: number }[];
  expect(all.map(({ event_type, version }) => [event_type, version])).toEqual([
    ["*", 1],
    ["a/b", 1],
    ["payment", 2],
  ]);
  expect(
    (await api.all(`${PATH}/versions?limit=1`)).map((version) => (version as { version: number }).version),
  ).toEqual([2, 1]);
  expect(await api.call("GET", `${PATH}/versions/1`)).toMatchObject({ status: 200, body: { text: "one" } });
  await api.refused(404, "GET", `${PATH}/versions/3`);

  expect(await api.call("POST", `${PATH}/versions/1/activate`)).toMatchObject({ body: { version: 1, text: "one" } });
  expect(await api.call("GET", PATH)).toMatchObject({ body: { version: 1 } });
  await api.refused(404, "POST", `${PATH}/versions/9/activate`);
  expect(await api.call("PUT", PATH, { text: "three" })).toMatchObject({ body: { version: 3 } });

  expect(await api.call("DELETE", PATH)).toMatchObject({ status: 204 });
  expect(await api.call("DELETE", PATH)).toMatchObject({ status: 204 });
  await api.refused(404, "GET", PATH);
  expect(await api.call("POST", `${PATH}/versions/2/activate`)).toMatchObject({ body: { version: 2, text: "two" } });
  await api.call("DELETE", PATH);
  expect(await api.call("PUT", PATH, { text: "four" })).toMatchObject({ status: 201, body: { version: 4 } });
});

test("edits don't overwrite each other: ETag, If-Match, If-None-Match", async () => {
  const api = await startApi(await freshDatabase());
  const created = await api.call("PUT", PATH, { text: "one" }, { "if-none-match": "*" });
  const etag = created.headers.get("etag") as string;
  expect(created.status).toBe(201);
  expect(await api.call("PUT", PATH, { text: "x" }, { "if-none-match": "*" })).toMatchObject({ status: 412 });
  expect(await api.call("GET", PATH, undefined, { "if-none-match": etag })).toMatchObject({ status: 304 });
  expect(await api.call("PUT", PATH, { text: "two" }, { "if-match": etag })).toMatchObject({ status: 200 });
  expect(await api.call("PUT", PATH, { text: "two" }, { "if-match": etag })).toMatchObject({ status: 200 });
  expect(await api.call("PUT", PATH, { text: "three" }, { "if-match": etag })).toMatchObject({ status: 412 });
  expect(await api.call("POST", `${PATH}/versions/1/activate`, undefined, { "if-match": etag })).toMatchObject({
    status: 412,
  });
  expect(await api.call("DELETE", PATH, undefined, { "if-match": etag })).toMatchObject({ status: 412 });
});

test("who saves at once makes a version each, and none is lost", async () => {
  const api = await startApi(await freshDatabase());
  const saves = Array.from({ length: 10 }, (_, n) => api.call("PUT", PATH, { text: `text ${n}` }));
  const versions = (await Promise.all(saves)).map(({ body }) => (body as { version: number }).version);
  expect(versions.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect((await api.all(`${PATH}/versions`)).length).toBe(10);
});

test.each([
  [{ text: "fine", subject: "{{ data.x" }, "subject", 'output "{{ data.x" not closed, line:1, col:1'],
  [{ text: "a\n b {% if x %}" }, "text", "tag {% if x %} not closed, line:2, col:4"],
  [{ text: "x", html: "<p>\n{{ x | shout }}</p>" }, "html", "undefined filter: shout, line:2, col:1"],
  [{ text: "{% include 'x' %}" }, "text", 'tag "include" not found, line:1, col:1'],
  [{ text: "{{ x | raw }}" }, "text", "undefined filter: raw, line:1, col:1"],
  [{ text: "x", missing: "no" }, "missing", '"empty", "error"'],
  [{ subject: "x" }, "text", "is required"],
  [{ text: "x".repeat(20_001) }, "text", "must have at most 20000 characters"],
])("a mistake is refused by name, line and column: %j", async (template, field, sentence) => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "PUT", PATH, template);
  expect(errors).toMatchObject([{ field, message: expect.stringContaining(sentence) }]);
});

test("a place that can't be is refused", async () => {
  const api = await startApi(await freshDatabase());
  expect(await api.refused(422, "PUT", "/templates/payment/pigeon/de", { text: "x" })).toMatchObject({
    errors: [{ field: "channel" }],
  });
  expect(await api.refused(422, "PUT", "/templates/payment/email/not_a_locale", { text: "x" })).toMatchObject({
    errors: [{ field: "locale" }],
  });
  await api.refused(422, "GET", `${PATH}/versions/0`);
});

test("P9: a tenant sees and changes its own templates alone; each change is in the audit", async () => {
  const database = await freshDatabase();
  await createTenants(database, "a", "b");
  const api = await startApi(database);
  const all = ["templates:read", "templates:write", "audit:read"] as const;
  const a = client(api.url, (await giveKey(database, { tenant: "a", scopes: [...all] })).text);
  const b = client(api.url, (await giveKey(database, { tenant: "b", scopes: [...all] })).text);
  await a.call("PUT", PATH, { text: "of a" });
  await b.refused(404, "GET", PATH);
  expect(await b.all("/templates")).toEqual([]);
  expect(await b.all(`${PATH}/versions`)).toEqual([]);
  expect(await b.call("DELETE", PATH)).toMatchObject({ status: 204 });
  await b.refused(404, "POST", `${PATH}/versions/1/activate`);
  expect(await a.call("GET", PATH)).toMatchObject({ status: 200, body: { text: "of a" } });
  expect((await a.all("/audit")).map((line) => (line as { operation: string }).operation)).toEqual(["putTemplate"]);
});
