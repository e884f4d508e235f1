// Makes the pictures of docs/images/ that show messages: from the very code that writes them, in a real browser.
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import type { MessageLinks } from "../src/channels/channel.ts";
import { renderMessage } from "../src/templates/render.ts";
import { launchBrowser } from "../test/support/launch-browser.ts";
import { exampleMessage } from "../test/support/message.ts";

/** Readers of the docs shouldn't wait for a picture. */
const MOST_BYTES = 100_000;
const LINKS = Object.fromEntries(
  ["done", "snooze", "promise", "not_me", "stop", "why"].map((purpose) => [
    purpose,
    `https://reminders.example/a/${purpose}`,
  ]),
) as unknown as MessageLinks;

const page = renderMessage(
  exampleMessage({
    contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/London", locale: "en-GB" },
    ...{ occurrenceAt: Date.UTC(2026, 0, 20, 9), nextRunAt: Date.UTC(2026, 0, 22, 9), links: LINKS },
    reminder: {
      ...{ entityType: "invoice", entityId: "2026-0042", eventType: "payment", createdAt: Date.UTC(2026, 0, 16, 9) },
      data: { url: "https://pay.example/2026-0042", due: "2026-01-31", amount: 1234.5, currency: "EUR" },
    },
  }),
).html;

const browser = await launchBrowser();
try {
  await draw(browser, "email.png", "light", 600);
  await draw(browser, "email-dark.png", "dark", 390);
} finally {
  await browser.close();
}

async function draw(browser: Browser, name: string, colorScheme: "light" | "dark", width: number): Promise<void> {
  const view = await browser.newPage({ colorScheme, viewport: { width, height: 100 } });
  await view.setContent(page);
  const { byteLength } = await view.screenshot({
    path: fileURLToPath(new URL(`../docs/images/${name}`, import.meta.url)),
    fullPage: true,
  });
  console.log(`docs/images/${name}: ${byteLength} bytes`);
  if (byteLength > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
}
