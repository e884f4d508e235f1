import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { USE_CASES } from "../../src/templates/builtin/use-case.ts";
import { NO_WORDS, writeMessage } from "../../src/templates/write.ts";
import { startBrowser } from "../support/browser.ts";
import { exampleMessage } from "../support/message.ts";

/** Set to a folder, it gets the pictures: for people to look at. */
const PICTURES = process.env.TEST_PICTURES;

const CASES = {
  interview: { entityType: "candidate", entityId: "CAN_7", eventType: "interview_tomorrow" },
  feedback: { entityType: "interviewer", entityId: "INT_100", eventType: "feedback_form" },
  approval: { entityType: "purchase_order", entityId: "PO-2291", eventType: "approval" },
  sla: { entityType: "ticket", entityId: "4711", eventType: "sla_breach" },
  compliance: { entityType: "employee", entityId: "E-88", eventType: "compliance_training" },
  payment: { entityType: "invoice", entityId: "2025-0042", eventType: "payment" },
  document: { entityType: "applicant", entityId: "A-19", eventType: "document_submission" },
  general: { entityType: "plant", entityId: "ficus", eventType: "watering" },
};

function page(useCase: keyof typeof CASES, locale: string): string {
  const message = exampleMessage({
    contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/Berlin", locale },
    occurrenceAt: Date.UTC(2025, 0, 20, 13, 30),
    reminder: {
      ...CASES[useCase],
      data: {
        url: "https://example.com/42",
        due: "2025-01-31",
        ...(useCase === "payment" ? { amount: 1234.5, currency: "EUR" } : {}),
      },
    },
  });
  return writeMessage(message, NO_WORDS).html;
}

/** How much lighter the one is than the other (WCAG 2.2), of all text that is shown against what is behind it; the least. For the browser. */
const LEAST_CONTRAST = `(() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [r = 0, g = 0, b = 0] = channels(colour).map((part) => {
      const c = part / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let least = { ratio: 99, text: "" };
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === 3)
      .map((node) => node.textContent?.trim())
      .join("");
    if (!text || getComputedStyle(element).fontSize === "0px") continue;
    let behind = element;
    while (behind && channels(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind ?? document.body).backgroundColor].map(
      light,
    );
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least.ratio) least = { ratio, text };
  }
  return least;
})()`;

test.each(["light", "dark"] as const)(
  "the built-in e-mails can be read, %s, on a desk and on a phone",
  async (colorScheme) => {
    const browser = await startBrowser();
    if (PICTURES) mkdirSync(PICTURES, { recursive: true });
    for (const [place, width] of [
      ["desk", 800],
      ["phone", 360],
    ] as const) {
      const view = await browser.newPage({ colorScheme, viewport: { width, height: 700 } });
      const asked: string[] = [];
      view.on("request", (request) => asked.push(request.url()));
      for (const useCase of USE_CASES) {
        const locale = ["en", "de", "fr", "es"][USE_CASES.indexOf(useCase) % 4] as string;
        await view.setContent(page(useCase, locale));
        if (PICTURES)
          await view.screenshot({ path: join(PICTURES, `${useCase}-${place}-${colorScheme}.png`), fullPage: true });
        expect(await view.evaluate("document.documentElement.scrollWidth"), useCase).toBeLessThanOrEqual(width);
        const { ratio, text } = await view.evaluate<{ ratio: number; text: string }>(LEAST_CONTRAST);
        expect(ratio, `${useCase}: ${text}`).toBeGreaterThanOrEqual(4.5);
      }
      expect(asked.filter((url) => !url.startsWith("about:"))).toEqual([]);
      await view.close();
    }
  },
);
