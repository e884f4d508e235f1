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
