import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countMembers, findRepeated, outline } from "../../src/api/json-members.ts";
import { readAnswer, startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

const nastyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    "\0",
    "\ud800",
    "\udc00x",
    "",
    " ",
    "'; drop table reminder_jobs; --",
    "\u2028",
    "x".repeat(30_000),
    "__proto__",
    "{entity_id}",
  ),
);
const nastyValue = fc.oneof(
  nastyText,
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1e308,
    2 ** 53,
    1.5,
    [],
    {},
    [[]],
    { $gt: 1 },
    "9999-12-31T23:59:59-12:00",
  ),
);
const FIELDS = [
  ...Object.keys(wish()),
  "run_at",
  "time_zone",
  "data",
  "subject",
  "message",
  "recipient",
  "stop_condition_type",
  "stop_condition_value",
  "id",
  "status",
  "__proto__",
  "constructor",
];

/** A body that is right but for a few fields. Written as text, so that `__proto__` is a member like any other. */
const nastyBody = fc
  .array(fc.tuple(fc.constantFrom(...FIELDS), nastyValue), { maxLength: 4 })
  .map((wrong) => [...new Map([...Object.entries(wish()), ...wrong])])
  .map((members) => members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`))
  .map((members) => `{${members.join(",")}}`);

const RUNS = { numRuns: 150 };

describe("whatever is sent, the answer is a success or a problem of the 400s", () => {
  const send = async (url: string, method: string, body: string | Uint8Array<ArrayBuffer>): Promise<number> => {
    const response = await fetch(url, { method, body, headers: { "content-type": "application/json" } });
    return (await readAnswer(response)).status;
  };

  test("to creating and editing reminders", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    await fc.assert(
      fc.asyncProperty(nastyBody, async (body) => {
        expect(await send(`${api.url}/reminders/`, "POST", body)).toBeLessThan(500);
        expect(await send(`${api.url}/reminders/${id}`, "PATCH", body)).toBeLessThan(500);
      }),
      RUNS,
    );
  });

  test("as the one field that an edit changes", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...FIELDS), nastyValue, async (field, value) => {
        const body = `{${JSON.stringify(field)}:${JSON.stringify(value)}}`;
        expect(await send(`${api.url}/reminders/${id}`, "PATCH", body)).toBeLessThan(500);
      }),
      RUNS,
    );
  });

  test("as bytes instead of JSON", async () => {
    const api = await startApi(await freshDatabase());
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 100 }), async (bytes) => {
        const status = await send(`${api.url}/reminders/`, "POST", new Uint8Array(bytes));
        expect([400, 422]).toContain(status);
      }),
      RUNS,
    );
  });

  test("in paths and query strings", async () => {
    const api = await startApi(await freshDatabase());
    const piece = fc.oneof(
      nastyText.filter((text) => text.length < 2_000).map(percentEncode),
      fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[^!-~]|[#\\]/g, "%")),
    );
    const path = fc.oneof(
      piece.map((id) => `/reminders/${id}`),
      piece.map((id) => `/reminders/${id}/timeline`),
      piece.map((key) => `/flags/${key}`),
      fc.tuple(piece, piece).map(([type, id]) => `/contacts/${type}/${id}`),
      fc
        .tuple(
          fc.constantFrom("status", "entity_id", "due_before", "limit", "cursor", "include_deleted", "x", "__proto__"),
          piece,
        )
        .map(([name, value]) => `/reminders?${name}=${value}`),
      fc
        .tuple(fc.constantFrom("/flags", "/reminders/1/deliveries"), piece)
        .map(([at, value]) => `${at}?cursor=${value}`),
    );
    await fc.assert(
      fc.asyncProperty(path, async (path) => {
        const { status } = await readAnswer(await fetch(`${api.url}${path}`));
        expect(status).toBeLessThan(500);
      }),
      RUNS,
    );
  });
});

test("keys like __proto__ in data are refused by name, and constructor is a name like any other", async () => {
  const api = await startApi(await freshDatabase());
  const body = JSON.stringify(wish({ data: { inner: { proto: { admin: true } } } })).replace('"proto"', '"__proto__"');
  const response = await fetch(`${api.url}/reminders`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  expect(await readAnswer(response)).toMatchObject({
    status: 422,
    body: { errors: [{ field: "data.inner.__proto__" }] },
  });

  const data = { constructor: { prototype: { admin: true } }, toString: 1, hasOwnProperty: null };
  expect(await api.create({ data })).toMatchObject({ data });
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
});

describe("a name that is there twice in a JSON object is refused by name, since others may take the first of the two", () => {
  const send = async (url: string, method: string, body: string) =>
    readAnswer(await fetch(url, { method, body, headers: { "content-type": "application/json" } }));

  test.each([
    ['{"value": false, "value": true}', "value"],
    ['{"value": true, "value": true}', "value"],
    ['{"value": true, "v\\u0061lue": false}', "value"],
    ['{"value": [{"a": 1, "b": ":,{"}, {"a": {"\\"": 1, "c": 0, "\\u0022": 2}}]}', 'value.1.a."'],
    ['{"value": true, "__proto__": 1, "__proto__": 2}', "__proto__"],
    ['{"value": true, "": 1, "": 2}', ""],
  ])("%s", async (body, field) => {
    const api = await startApi(await freshDatabase());
    const answer = await send(`${api.url}/flags/paid`, "PUT", body);
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ in: "body", field, message: "is there more than once: give it once" }] },
    });
    await api.refused(404, "GET", "/flags/paid");
  });

  test("also beside a text of some megabytes", async () => {
    const api = await startApi(await freshDatabase());
    const long = "x".repeat(9 * 1024 * 1024);
    const answer = await send(`${api.url}/reminders/bulk`, "POST", `{"ids": "${long}", "filter": {}, "filter": {}}`);
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ in: "body", field: "filter" }] } });
  });

  test("and one that is only twice in different objects, or within a text, is not", async () => {
    const api = await startApi(await freshDatabase());
    const data = { a: { a: [{ a: 1 }, { a: 2 }] }, b: { a: '{"a":1,"a":2}' }, 'x"': "\\", "c:": [":", ["{"], {}] };
    expect(await api.create({ data })).toMatchObject({ data });
  });

  test("whatever JSON it is", async () => {
    await fc.assert(
      fc.property(fc.json(), fc.json(), (one, other) => {
        const [value, body] = [JSON.parse(one) as unknown, Buffer.from(one)];
        expect(countMembers(value)).toBe(outline(body, 64).members);
        expect(findRepeated(one)).toBeNull();
        const twice = `[0,{"x":${one},"y":${other},"x":${other}}]`;
        expect(countMembers(JSON.parse(twice))).toBeLessThan(outline(Buffer.from(twice), 64).members);
        expect(findRepeated(twice)).toEqual([1, "x"]);
      }),
    );
  });
});

function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
