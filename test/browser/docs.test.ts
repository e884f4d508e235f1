import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { startApi, type TestApi } from "../support/api.ts";
import { startBrowser } from "../support/browser.ts";
import { freshDatabase } from "../support/database.ts";

/** Opens a page and notes whatever goes wrong in it, and whatever it asks of anybody but us. */
async function open(api: TestApi, path: string): Promise<{ page: Page; troubles: string[] }> {
  const browser = await startBrowser();
  const page = await browser.newPage();
  const troubles: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("requestfailed", (request) => troubles.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== api.url && protocol !== "data:" && protocol !== "blob:")
      troubles.push(`elsewhere: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
  });
  await page.goto(`${api.url}${path}`);
  return { page, troubles };
}

test.each(["/docs", "/docs/"])(
  "Swagger UI at %s shows the operations and tries them out, from our origin alone",
  async (path) => {
    const api = await startApi(await freshDatabase());
    const { page, troubles } = await open(api, path);

    await page.getByText("Create a reminder").click();
    const { paths } = (await (await fetch(`${api.url}/openapi.json`)).json()) as { paths: Record<string, object> };
    const operations = Object.values(paths).flatMap((path) => Object.keys(path));
    expect(operations.length).toBeGreaterThan(20);
    expect(await page.locator(".opblock").count()).toBe(operations.length);
    await page.getByRole("button", { name: "Execute" }).click();
    await page.locator(".live-responses-table .response-col_status", { hasText: "201" }).waitFor();

    expect(await api.list()).toMatchObject([{ entity_id: "INT_100", schedule_type: "recurring" }]);
    expect(troubles).toEqual([]);
  },
);

test("ReDoc at /redoc shows the operations, from our origin alone", async () => {
  const api = await startApi(await freshDatabase());
  const { page, troubles } = await open(api, "/redoc");

  await page.getByRole("heading", { name: "Create a reminder" }).waitFor();
  await page.getByRole("heading", { name: "Read a reminder's timeline" }).waitFor();
  await page.getByRole("heading", { name: "Whether reminders are taken and sent" }).waitFor();

  expect(troubles).toEqual([]);
});

test("nothing that the documentation's pages are made of names a CDN as a source", async () => {
  const api = await startApi(await freshDatabase());
  const script = await (await fetch(`${api.url}/redoc/redoc.js`)).text();
  expect(script.length).toBeGreaterThan(500_000);
  expect(script.includes("cdn.redoc.ly")).toBe(false);
  for (const path of ["/docs", "/redoc"]) {
    const response = await fetch(`${api.url}${path}`);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).not.toMatch(/(src|href)="(https?:)?\/\//);
  }
});
