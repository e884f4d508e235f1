import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { answering } from "../support/answers.ts";
import { startBrowser } from "../support/browser.ts";

test("in a real browser, without scripts, a person puts it off and takes that back, and nothing is refused or loaded from elsewhere", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const browser = await startBrowser();
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 640 } });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("console", (message) => troubles.push(message.text()));
  page.on("requestfailed", (request) => troubles.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== here.api.url && protocol !== "data:") troubles.push(`elsewhere: ${request.url()}`);
  });

  await page.goto(links.snooze);
  await page.getByLabel("On a date").fill(new Date(Date.now() + 9 * 86_400_000).toISOString().slice(0, 10));
  await page.getByRole("button", { name: "Remind me then" }).click();
  await page.getByText("You will be reminded again on").waitFor();
  expect(await here.reminder(id)).toMatchObject({ silent_by: "snooze" });
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("That was taken back.").waitFor();
  expect(await here.reminder(id)).toMatchObject({ silent_until: null });

  const [box, width] = [await page.locator("main").boundingBox(), 360];
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
  expect(troubles).toEqual([]);
});

/** What is in nobody's way on a small phone: nothing sticks out, and a thumb meets each button. */
async function expectGood(page: Page, width: number): Promise<void> {
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
  for (const one of await page.locator("button, a").all()) {
    const box = await one.boundingBox();
    expect(box?.height, (await one.textContent()) ?? "").toBeGreaterThanOrEqual(44);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
  }
}

test.each(["light", "dark"] as const)(
  "in a real browser, %s, one link leads to every answer; done takes one press",
  async (colorScheme) => {
    const here = await answering();
    const { id, links } = await here.send({ entity_id: "INV_2026-0042" });
    const browser = await startBrowser();
    const viewport = { width: 360, height: 640 };
    const context = await browser.newContext({ javaScriptEnabled: false, viewport, colorScheme });
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on("console", (message) => troubles.push(message.text()));
    page.on("requestfailed", (request) => troubles.push(`failed: ${request.url()}`));

    await page.goto(links.answer);
    await expectGood(page, viewport.width);
    // The foremost answer is seen without scrolling.
    const done = page.getByRole("button", { name: "Yes, it is done" });
    expect(((await done.boundingBox())?.y ?? 0) + 52).toBeLessThan(viewport.height);
    const titles = {
      ...{ Snooze: "Remind you later?", "I’ll do it by…": "By when will you do it?", "Not me": "Isn't it yours?" },
      ...{ "Stop these": "Stop these messages?", "Why do I get this?": "Why you get this" },
    };
    for (const [name, title] of Object.entries(titles)) {
      await page.getByRole("link", { name }).click();
      await page.getByRole("heading", { name: title }).waitFor();
      await page.goBack();
    }
    await page.getByRole("link", { name: "Snooze" }).click();
    await page.getByRole("button", { name: "In 1 week" }).click();
    await page.getByText("You will be reminded again on").waitFor();
    await page.goto(links.answer);
    await page.getByText("It is silent until").waitFor();
    await expectGood(page, viewport.width);
    await done.click();
    await page.getByText("Thank you. It is marked as done.").waitFor();
    await here.becomes(id, { status: "COMPLETED", completion_reason: "done" });
    await page.goto(links.answer);
    await expectGood(page, viewport.width);
    expect(await done.count()).toBe(0);
    expect(troubles).toEqual([]);
  },
);
