import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { KEYS_ONLY } from "../../src/api/access/settings.ts";
import { startApi } from "../support/api.ts";
import { startBrowser } from "../support/browser.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";

const APP = "https://app.example.com";
const allowing = (...corsOrigins: string[]) => ({ ...KEYS_ONLY, corsOrigins });
const PREFLIGHT = { "access-control-request-method": "PUT", "access-control-request-headers": "authorization" };

describe("a page of a site on the list", () => {
  test("may ask beforehand, without a key, and then do what its key may", async () => {
    const database = await freshDatabase();
    const { text } = await giveKey(database);
    const api = await startApi(database, { access: allowing("https://other.example.com", APP) });
    const preflight = await fetch(`${api.url}/flags/a`, { method: "OPTIONS", headers: { origin: APP, ...PREFLIGHT } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(APP);
    expect(preflight.headers.get("access-control-allow-methods")).toContain("PUT");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();

    const set = await fetch(`${api.url}/flags/a`, {
      method: "PUT",
      headers: {
        origin: APP,
        "sec-fetch-site": "cross-site",
        authorization: `Bearer ${text}`,
        "content-type": "application/json",
      },
      body: '{"value":true}',
    });
    expect(set.status).toBe(201);
    expect(set.headers.get("access-control-allow-origin")).toBe(APP);
    expect(set.headers.get("vary")).toBe("Origin");
    expect(set.headers.get("access-control-expose-headers")).toContain("Retry-After");
  });

  test("can read why it was refused", async () => {
    const database = await freshDatabase();
    await giveKey(database);
    const api = await startApi(database, { access: allowing(APP) });
    const refused = await fetch(`${api.url}/flags`, { headers: { origin: APP } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("access-control-allow-origin")).toBe(APP);
  });
});

describe("a page of any other site", () => {
  test.each([
    "https://app.example.com.evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "null",
    "*",
  ])("is told nothing, and may change nothing: %s", async (origin) => {
    const api = await startApi(await freshDatabase(), { access: allowing(APP) });
    const preflight = await fetch(`${api.url}/flags/a`, { method: "OPTIONS", headers: { origin, ...PREFLIGHT } });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
    const put = await fetch(`${api.url}/flags/a`, { method: "PUT", headers: { origin }, body: "{}" });
    expect(put.status).toBe(403);
    expect(put.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("is any at all, as long as there is no list", async () => {
    const api = await startApi(await freshDatabase());
    const answer = await fetch(`${api.url}/flags`, { headers: { origin: APP } });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });
});

test("in a real browser, the documentation works with a key, and a page elsewhere only from the list", async () => {
  const database = await freshDatabase();
  const { text } = await giveKey(database);
  const [listed, other] = [await startSite(), await startSite()];
  const api = await startApi(database, { access: allowing(listed) });
  const page = await (await startBrowser()).newPage();

  const setFlag = ([url, key]: string[]) =>
    fetch(`${url}/flags/paid`, {
      method: "PUT",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: '{"value":true}',
    }).then(
      (answer) => answer.status,
      (error: Error) => error.name,
    );
  await page.goto(other);
  expect(await page.evaluate(setFlag, [api.url, text])).toBe("TypeError");
  await page.goto(listed);
  expect(await page.evaluate(setFlag, [api.url, text])).toBe(201);

  await page.goto(`${api.url}/docs`);
  await page.getByRole("button", { name: "Authorize" }).click();
  await page.getByLabel("Value:").or(page.locator(".auth-container input")).first().fill(text);
  await page.locator(".auth-btn-wrapper button.authorize").first().click();
  await page.locator(".auth-btn-wrapper button.btn-done").first().click();
  await page.getByText("List flags").click();
  await page.getByRole("button", { name: "Execute" }).click();
  await page.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
});

/** A web site of somebody else's, with one page. Returns its origin. */
async function startSite(): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html").end("<p>a page</p>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
