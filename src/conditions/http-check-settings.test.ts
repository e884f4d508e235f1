import { describe, expect, test } from "vitest";
import { httpCheckSettings, httpCheckUrl } from "./http-check-settings.ts";

test.each([
  "https://billing.example.com",
  "https://billing.example.com/invoices/{entity_id}?type={entity_type}&event={event_type}#x",
  "http://billing.internal:8080/{data.invoice.no}/{data.a-b_c}",
  "https://billing.example.com?id={entity_id}",
  "https://[2606:4700::1111]/",
])("%s is taken", (url) => expect(httpCheckUrl.safeParse(url)).toMatchObject({ success: true }));

test.each([
  ["", "not a URL"],
  ["billing.example.com", "not a URL"],
  ["ftp://billing.example.com/", "neither https nor http"],
  ["https://user:pass@billing.example.com/", "password"],
  ["https://{entity_id}/", "path and its query only"],
  ["https://{entity_id}.example.com/", "path and its query only"],
  ["https://billing.example.com:{entity_id}/", "URL"],
  ["{entity_id}", "not a URL"],
  ["https://billing.example.com\\{entity_id}", "path and its query only"],
  ["https:billing.example.com/{entity_id}", "path and its query only"],
  ["https://billing.example.com/{invoice_id}", "{invoice_id} is no placeholder"],
  ["https://billing.example.com/{entity_id", "{entity_id is no placeholder"],
  ["https://billing.example.com/{data}", "{data} is no placeholder"],
  ["https://billing.example.com/a b", "spaces"],
  [`https://billing.example.com/${"x".repeat(2_000)}`, "2000"],
])("%j is refused, with the reason", (url, reason) => {
  expect(
    httpCheckUrl
      .safeParse(url)
      .error?.issues.map(({ message }) => message)
      .join(),
  ).toContain(reason);
});

const flaws = (settings: object): string[] =>
  (httpCheckSettings.safeParse(settings).error?.issues ?? []).map(
    ({ path, message }) => `${path.join(".")} ${message}`,
  );

test("what is left out is as documented", () => {
  expect(httpCheckSettings.parse({})).toEqual({ method: "GET", headers: {}, timeout_ms: 5_000, cache_seconds: 30 });
});

describe("settings that aren't right are refused, and the field named", () => {
  test.each([
    [{ method: "DELETE" }, "method"],
    [{ body: {} }, "body must be left out, or method be POST"],
    [{ method: "POST", body: "x".repeat(10_000) }, "body"],
    [{ status: 99 }, "status"],
    [{ status: [] }, "status"],
    [{ status: "200" }, "status"],
    [{ json_path: "$.a" }, "equals must be set"],
    [{ equals: 1 }, "json_path must be set"],
    [{ json_path: "$..a", equals: 1 }, "json_path must be a path"],
    [{ json_path: "$[?@.a]", equals: 1 }, "json_path must be a path"],
    [{ json_path: "$.a", equals: {} }, "equals must be a text, a number, true, false or null"],
    [{ headers: { a: "1", A: "2" } }, "must be there once, however it is written"],
    [{ headers: { a: 1 } }, "must be a text, or a secret"],
    [{ timeout_ms: 10_001 }, "timeout_ms"],
    [{ timeout_ms: 0 }, "timeout_ms"],
    [{ cache_seconds: 3_601 }, "cache_seconds"],
    [{ cache_seconds: -1 }, "cache_seconds"],
    [{ follow: true }, ""],
    [{ headers: { Host: "x" } }, "headers.Host must be another one"],
    [{ headers: { "content-length": "1" } }, "headers.content-length must be another one"],
    [{ headers: { "a b": "1" } }, "headers.a b must be another one"],
    [{ headers: { a: "1\r\nb: 2" } }, "headers.a"],
    [{ headers: { Authorization: "Bearer abc" } }, "headers.Authorization must be a secret"],
    [{ headers: { "X-API-Key": "abc" } }, "headers.X-API-Key must be a secret"],
    [{ headers: { a: { secret: "" } } }, "headers.a"],
    [{ headers: { a: { secret: "x", origin: "https://evil.example" } } }, "headers.a"],
    [
      { headers: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, "1"])) },
      "headers must have at most 20",
    ],
  ])("%j: %s", (settings, flaw) => {
    const found = flaws(settings);
    expect(found.length).toBeGreaterThan(0);
    expect(found.join("\n")).toContain(flaw);
    expect(found.join("\n")).not.toContain("abc");
  });
});
