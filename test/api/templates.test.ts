import { expect, onTestFinished, test } from "vitest";
import { checkTemplateTexts } from "../../src/api/check-template.ts";
import { Cage, MjmlCage } from "../../src/templates/cage/cage.ts";
import { client, startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

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

const MJML = `<mjml lang="de">
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text>Hallo {% if data.n < 3 and data.x != "a>b" %}{{ data.x }}{% endif %}</mj-text>
        <mj-raw>{% for line in data.lines %}</mj-raw>
        <mj-text color="{{ data.colour }}"><pre>{{ line }}\n  !</pre></mj-text>
        <mj-raw>{% endfor %}</mj-raw>
        <mj-button href="{{ data.url | default: "https://example.com/" }}">Los</mj-button>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>`;

test("MJML is compiled when it is saved, kept beside its page, and shown and sent with its Liquid filled in", async () => {
  const { database, sink, work } = await world();
  const api = await startApi(database);
  const saved = (await api.call("PUT", PATH, { text: "t", mjml: MJML })).body as { html: string; mjml: string };
  expect(saved).toMatchObject({ version: 1, mjml: MJML });
  expect(saved.html).toContain('{% if data.n < 3 and data.x != "a>b" %}{{ data.x }}{% endif %}');
  expect(saved.html).not.toContain("<mj-");
  expect(await api.call("PUT", PATH, { text: "t", mjml: MJML })).toMatchObject({ status: 200, body: { version: 1 } });
  expect(await api.call("PUT", PATH, { text: "t", html: "<p>plain</p>" })).toMatchObject({
    body: { version: 2, mjml: null, html: "<p>plain</p>" },
  });
  expect(await api.call("POST", `${PATH}/versions/1/activate`)).toMatchObject({
    body: { mjml: MJML, html: saved.html },
  });

  const data = { n: 1, x: "<b>", lines: ["one", "two"], colour: "#123456" };
  const preview = async (template?: object) => {
    const wish = { locale: "de", sample: { data }, ...(template ? { template } : {}) };
    return ((await api.call("POST", "/templates/preview", wish)).body as { html: string }).html;
  };
  const shown = await preview();
  for (const part of [
    "Hallo &lt;b&gt;<",
    "<pre>one\n  !</pre>",
    "two",
    "color:#123456",
    'href="https://example.com/"',
  ]) {
    expect(shown).toContain(part);
  }
  expect(shown).not.toMatch(/fonts\.googleapis|<link|@import/);
  expect(await preview({ text: "t", mjml: MJML })).toBe(shown);

  work();
  const wish = {
    channel: "sink",
    to: "me@example.com",
    locale: "de",
    sample: { data },
    template: { text: "t", mjml: MJML },
  };
  expect(await api.call("POST", "/templates/test-send", wish)).toMatchObject({ status: 202 });
  await until(() => sink.received.length === 1, "the test is sent");
  expect(sink.received[0]?.written?.html).toBe(shown);
});

const within = (inner: string): string =>
  `<mjml><mj-body><mj-section><mj-column>\n${inner}</mj-column></mj-section></mj-body></mjml>`;

test.each([
  [
    "{% if\n data.x %}<mj-text>a</mj-text>{% endif %}",
    ["stands where nothing is shown", "line:2, col:1", "line:3, col:31"],
  ],
  ["{{ data.x }}\n  <mj-text colour='red'>a</mj-text>", ["Attribute colour is illegal", "line:3, col:3"]],
  ["\n  <mj-text(x>a</mj-text(x>", ["mj-text(x doesn't exist", "line:3, col:3"]],
  [
    "<mj-raw>{% if\n x %}</mj-raw>\n<mj-txet>a</mj-txet><mj-raw>{% endif %}</mj-raw>",
    ["mj-txet doesn't exist", "line:4, col:1"],
  ],
  ['<mj-button width="{{ data.w }}">a</mj-button>', ["invalid value: {{ data.w }} for type Unit", "line:2, col:1"]],
  ["<mj-text>a</mj-tex>", ["</mj-tex> stands where </mj-text> should, line:2, col:11"]],
  ["<MJ-Text>a</MJ-Text>", ["<MJ-Text> must be written in small letters, line:2, col:1"]],
  ["<mj-text>a", ["</mj-column> stands where </mj-text> should"]],
  ['<mj-include path="/etc/passwd" />', ["there are no files to include, line:2, col:1"]],
  ["<mj-text>{{ x | shout }}</mj-text>", ["must be a Liquid template: undefined filter: shout, line:2, col:10"]],
  [`<mj-text>${"x ".repeat(9_000)}</mj-text>${"<mj-spacer/>".repeat(500)}`, ["compiles to more than 65536 characters"]],
])("a mistake in MJML is refused by line and column: %j", async (inner, sentences) => {
  const api = await startApi(await freshDatabase());
  const { errors } = (await api.refused(422, "PUT", PATH, { text: "t", mjml: within(inner) })) as {
    errors: { field: string; message: string }[];
  };
  expect(new Set(errors.map(({ field }) => field))).toEqual(new Set(["mjml"]));
  for (const sentence of sentences) expect(errors.map(({ message }) => message).join("\n")).toContain(sentence);
  const draft = { template: { text: "t", mjml: within(inner) } };
  expect(await api.refused(422, "POST", "/templates/preview", draft)).toMatchObject({
    errors: [{ field: "template.mjml" }, ...errors.slice(1).map(() => ({ field: "template.mjml" }))],
  });
});

test("MJML that takes too long, or that the compiler stumbles over, is refused by its field, in words for people", async () => {
  const patient = { timeMs: 60_000 };
  const cages = { cage: new Cage({ limits: patient }), mjmlCage: new MjmlCage({ limits: { timeMs: 5 } }) };
  const others = { ...cages, mjmlCage: new MjmlCage({ limits: patient }) };
  onTestFinished(async () => {
    await Promise.all([cages.cage, cages.mjmlCage, others.mjmlCage].map((cage) => cage.close()));
  });
  const check = (here: typeof cages, mjml: string) =>
    checkTemplateTexts(here, "default", { subject: null, text: "t", html: null, mjml }).catch((error) => error.errors);
  const large = "<mj-section></mj-section>".repeat(2_000);
  expect(await check(cages, `<mjml><mj-body>${large}</mj-body></mjml>`)).toMatchObject([
    { field: "mjml", message: "must be MJML: it takes longer than 5 ms to compile" },
  ]);
  expect(await check(others, within("<constructor/>"))).toMatchObject([
    { field: "mjml", message: "must be MJML: it can't be read, or is nested too deeply" },
  ]);
});

test.each([
  [{ mjml: "<p>Hello</p>" }, "mjml", "one <mjml>...</mjml>"],
  [{ mjml: `${within("")}<p>more</p>` }, "mjml", "with nothing around it, line:2"],
  [{ mjml: within(""), html: "<p>x</p>" }, "html", "must be left out beside `mjml`"],
  [{ mjml: "x".repeat(60_001) }, "mjml", "must have at most 60000 characters"],
])("what is no MJML is refused: %j", async (template, field, sentence) => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "PUT", PATH, { text: "t", ...template });
  expect(errors).toMatchObject([{ field, message: expect.stringContaining(sentence) }]);
});
