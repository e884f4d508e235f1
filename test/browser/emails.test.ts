import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { MessageLinks } from "../../src/channels/channel.ts";
import { USE_CASES } from "../../src/templates/builtin/use-case.ts";
import { writeDigest } from "../../src/templates/digest.ts";
import { renderMessage } from "../../src/templates/render.ts";
import { startBrowser } from "../support/browser.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";

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

const LINKS = Object.fromEntries(
  ["done", "snooze", "promise", "not_me", "stop", "why", "answer"].map((purpose) => [
    purpose,
    `https://example.com/a/${purpose}`,
  ]),
) as unknown as MessageLinks;

const LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(3);

/** What each is to bear besides: the reminder's own words and data, and whether it is answered. */
const VARIANTS: Record<string, (useCase: keyof typeof CASES) => MessageChanges> = {
  usual: (useCase) => ({ reminder: { ...CASES[useCase], data: dataOf(useCase) }, links: LINKS }),
  bare: (useCase) => ({ reminder: CASES[useCase], contact: null, occurrenceNumber: 1, nextRunAt: null }),
  long: (useCase) => ({
    reminder: {
      ...CASES[useCase],
      ...{ entityId: LONG, subject: LONG, message: `${LONG}\n\nhttps://example.com/${"a".repeat(300)}` },
      data: { ...dataOf(useCase), amount: 123456789012.5, currency: "EUR" },
    },
    links: LINKS,
  }),
  rtl: (useCase) => ({
    reminder: {
      ...CASES[useCase],
      ...{ entityType: "פגישה", entityId: "נועה-42", eventType: "משוב_ראיון", subject: "אנא שלחו את המשוב" },
      ...{ message: "שלום נועה,\n\nטרם קיבלנו את המשוב על הריאיון.", data: dataOf(useCase) },
    },
    links: LINKS,
  }),
};

function dataOf(useCase: keyof typeof CASES) {
  const money = useCase === "payment" ? { amount: 1234.5, currency: "EUR" } : {};
  return { url: "https://example.com/42", due: "2025-01-31", ...money };
}

function page(useCase: keyof typeof CASES, locale: string, variant: string): string {
  const message = exampleMessage({
    contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/Berlin", locale },
    ...{ occurrenceAt: Date.UTC(2025, 0, 20, 13, 30), nextRunAt: Date.UTC(2025, 0, 22, 8, 0) },
    ...VARIANTS[variant]?.(useCase),
  });
  return renderMessage(message).html;
}

/** Of each use case one, in one message. */
function digest(locale: string, variant: string): string {
  const items = USE_CASES.map((useCase) => {
    const message = exampleMessage({
      contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/Berlin", locale },
      ...VARIANTS[variant]?.(useCase),
    });
    return { message, rendered: renderMessage(message) };
  });
  return writeDigest(items).html;
}

function* pages(): Generator<[name: string, html: string, variant: string]> {
  for (const variant of Object.keys(VARIANTS)) {
    for (const [index, useCase] of USE_CASES.entries()) {
      yield [`${useCase}-${variant}`, page(useCase, LOCALES[index % 4] as string, variant), variant];
    }
    for (const locale of LOCALES) yield [`digest-${locale}-${variant}`, digest(locale, variant), variant];
  }
}

const LOCALES = ["en", "de", "fr", "es"];

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

/** The lowest of what is pressed, in pixels. For the browser. */
const LOWEST_BUTTON = `Math.min(...[...document.querySelectorAll(".press a")].map((link) => link.getBoundingClientRect().height))`;

describe.each(["light", "dark"] as const)("the built-in e-mails, %s", (colorScheme) => {
  test.each([
    ["desk", 800],
    ["phone", 390],
    ["narrow", 320],
  ] as const)("can be read and pressed: %s, %i px", async (place, width) => {
    const browser = await startBrowser();
    if (PICTURES) mkdirSync(PICTURES, { recursive: true });
    const view = await browser.newPage({ colorScheme, viewport: { width, height: 700 } });
    const asked: string[] = [];
    view.on("request", (request) => asked.push(request.url()));
    for (const [name, html, variant] of pages()) {
      await view.setContent(html);
      if (PICTURES) {
        await view.screenshot({ path: join(PICTURES, `${name}-${place}-${colorScheme}.png`), fullPage: true });
      }
      expect(await view.evaluate("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(width);
      const { ratio, text } = await view.evaluate<{ ratio: number; text: string }>(LEAST_CONTRAST);
      expect(ratio, `${name}: ${text}`).toBeGreaterThanOrEqual(4.5);
      if (variant === "bare") continue;
      const lowest = await view.evaluate<number>(LOWEST_BUTTON);
      expect(Number.isFinite(lowest) && lowest >= 44, `${name}: ${lowest} px`).toBe(true);
    }
    expect(asked.filter((url) => !url.startsWith("about:"))).toEqual([]);
  });
});
