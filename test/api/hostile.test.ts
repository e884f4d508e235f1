import fc from "fast-check";
import { describe, expect, test } from "vitest";
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
  .map((wrong) => JSON.stringify(Object.entries(wish()).concat(wrong)).replace(/^\[|\]$/g, ""))
  .map(
    (pairs) =>
      `{${(JSON.parse(`[${pairs}]`) as [string, unknown][]).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
  );

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

function percentEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
