// Makes the pictures of docs/images/ that show messages: from the very code that writes them, in a real browser.
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import type { Message, MessageLinks } from "../src/channels/channel.ts";
import { writeDigest } from "../src/templates/digest.ts";
import { renderMessage } from "../src/templates/render.ts";
import { launchBrowser } from "../test/support/launch-browser.ts";
import { exampleMessage, type MessageChanges } from "../test/support/message.ts";

/** Readers of the docs shouldn't wait for a picture. */
const MOST_BYTES = 100_000;
const LINKS = Object.fromEntries(
  ["done", "snooze", "promise", "not_me", "stop", "why"].map((purpose) => [
    purpose,
    `https://reminders.example/a/${purpose}`,
  ]),
) as unknown as MessageLinks;

const toAnn = (reminder: MessageChanges["reminder"]): Message =>
  exampleMessage({
    contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/London", locale: "en-GB" },
    ...{ occurrenceAt: Date.UTC(2026, 0, 20, 9), nextRunAt: Date.UTC(2026, 0, 22, 9), links: LINKS },
    reminder: { createdAt: Date.UTC(2026, 0, 16, 9), ...reminder },
  });

const payment = toAnn({
  ...{ entityType: "invoice", entityId: "2026-0042", eventType: "payment" },
  data: { url: "https://pay.example/2026-0042", due: "2026-01-31", amount: 1234.5, currency: "EUR" },
});
const feedback = toAnn({ entityType: "interviewer", entityId: "INT_100", eventType: "feedback_form", data: {} });
const page = renderMessage(payment).html;
const digest = writeDigest([payment, feedback].map((message) => ({ message, rendered: renderMessage(message) }))).html;

const browser = await launchBrowser();
try {
  await draw(browser, page, "email.png", "light", 600);
  await draw(browser, page, "email-dark.png", "dark", 390);
  await draw(browser, digest, "digest.png", "light", 600);
} finally {
  await browser.close();
}

async function draw(
  browser: Browser,
  html: string,
  name: string,
  colorScheme: "light" | "dark",
  width: number,
): Promise<void> {
  const view = await browser.newPage({ colorScheme, viewport: { width, height: 100 } });
  await view.setContent(html);
  const { byteLength } = await view.screenshot({
    path: fileURLToPath(new URL(`../docs/images/${name}`, import.meta.url)),
    fullPage: true,
  });
  console.log(`docs/images/${name}: ${byteLength} bytes`);
  if (byteLength > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
}
