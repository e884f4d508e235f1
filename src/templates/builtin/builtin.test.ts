import { describe, expect, test } from "vitest";
import { exampleMessage, type MessageChanges } from "../../../test/support/message.ts";
import { NO_PEOPLE } from "../../core/people.ts";
import { NO_WORDS, writeMessage } from "../write.ts";
import type { Catalog } from "./catalog.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import { USE_CASES, useCaseOf } from "./use-case.ts";

test.each([
  ["interview_tomorrow", "candidate", "interview"],
  ["feedback_form", "interviewer", "feedback"],
  ["managerApproval", "invoice", "approval"],
  ["SLA_breach", "ticket", "sla"],
  ["slack_message", "thing", "general"],
  ["gdpr.training", "employee", "compliance"],
  ["payment", "invoice", "payment"],
  ["follow_up", "invoice", "payment"],
  ["document-submission", "applicant", "document"],
  ["watering", "plant", "general"],
  ["constructor", "__proto__", "general"],
])("%s for a %s is about: %s", (eventType, entityType, useCase) => {
  expect(useCaseOf({ eventType, entityType, data: {} })).toBe(useCase);
});

test("data.template says it outright, if it is one of them", () => {
  const reminder = { eventType: "payment", entityType: "invoice" };
  expect(useCaseOf({ ...reminder, data: { template: "document" } })).toBe("document");
  expect(useCaseOf({ ...reminder, data: { template: "toString" } })).toBe("payment");
  expect(useCaseOf({ ...reminder, data: { template: 7 } })).toBe("payment");
});

function write(locale: string, changes: MessageChanges = {}) {
  return writeMessage(
    exampleMessage({
      contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/Berlin", locale },
      occurrenceAt: Date.UTC(2025, 0, 16, 13, 30),
      ...changes,
      reminder: { entityType: "invoice", entityId: "42", eventType: "payment", ...changes.reminder },
    }),
    NO_WORDS,
  );
}

describe("the built-in words", () => {
  test("say in German what, until when, how often so far, and why", () => {
    const data = { due: "2025-01-31", amount: 1234.5, currency: "EUR", url: "https://pay.example/42" };
    const stopCondition = { type: "deadline", value: "2025-02-14T11:00:00Z", settings: null };
    expect(write("de", { reminder: { data, stopCondition } }).text).toBe(`Payment (invoice 42)

Guten Tag Ann,

„Payment“ für invoice 42 ist noch offen.

Bitte zahlen Sie. Falls Sie das gerade getan haben, ist nichts mehr zu tun.

Jetzt zahlen: https://pay.example/42

Fällig: 31. Januar 2025
Betrag: 1.234,50 €
Erinnerung: 3-mal fällig seit dem 15. Januar 2025
Offen: seit 1 Tag
Die nächste: Mittwoch, 15. Januar 2025 um 15:30 MEZ
Bis: es erledigt ist, spätestens Freitag, 14. Februar 2025 um 12:00 MEZ

-- 
Diese Erinnerungen hören von selbst auf, sobald es erledigt ist.
Sie erhalten das, weil Sie für invoice 42 erinnert werden (Erinnerung 1).
`);
  });

  test.each([
    ["en-GB", "for 2 days", "come up 3 times since 15 January 2025"],
    ["de-AT", "seit 2 Tagen", "3-mal fällig seit dem 15. Jänner 2025"],
    ["fr", "depuis 2 jours", "déclenché 3 fois depuis le 15 janvier 2025"],
    ["es", "desde hace 2 días", "activado 3 veces desde el 15 de enero de 2025"],
    ["ja", "for 2 days", "come up 3 times since January 15, 2025"],
  ])("in %s: %s", (locale, days, number) => {
    const { text, html } = write(locale, { occurrenceAt: Date.UTC(2025, 0, 17, 13, 30) });
    for (const part of [text, html]) {
      expect(part).toContain(days);
      expect(part).toContain(number);
    }
  });

  test("say of an interview when and where it is, in every form, by the reader's clocks", () => {
    const data = { starts_at: "2025-01-20T14:00:00Z", ends_at: "2025-01-20T15:00:00Z", location: "Room 5,\n2nd floor" };
    const written = write("en-GB", { reminder: { eventType: "interview", data } });
    const when = "When: Monday 20 January 2025 at 15:00 CET to Monday 20 January 2025 at 16:00 CET";
    for (const part of [written.text, written.body]) {
      expect(part.replaceAll("Monday,", "Monday")).toContain(`${when}\nWhere: Room 5, 2nd floor`);
    }
    expect(written.html).toContain("Room 5, 2nd floor");
    const wholeDay = write("de", { reminder: { eventType: "interview", data: { starts_at: "2025-01-20" } } });
    expect(wholeDay.text).toContain("Wann: 20. Januar 2025\n");
    for (const starts_at of ["soon", 7, "2025-13-99", null])
      expect(write("en", { reminder: { data: { starts_at, location: "x" } } }).text).not.toMatch(/When|Where/);
  });

  test("say until when a policy counts, where the data names no other day", () => {
    const people = { ...NO_PEOPLE, deadlineAt: Date.UTC(2025, 0, 20, 11) };
    expect(write("en-GB", { reminder: { people } }).text).toMatch(/Due: Monday,? 20 January 2025 at 12:00 CET/);
    expect(write("de", { reminder: { people, data: { due: "2025-01-31" } } }).text).toContain(
      "Fällig: 31. Januar 2025",
    );
  });

  test("ask of whom it was escalated to that it gets done, and say why each of several, or who stands in, gets it", () => {
    const as = (addressed: object, people = NO_PEOPLE) =>
      write("en", {
        addressee: null,
        addressed: { step: 1, template: null, ...addressed } as never,
        reminder: { people },
      }).text;
    const manager = as({ person: "person/boss", as: "manager of invoice/42" });
    expect(manager).toContain("Please see to it that it gets done.");
    expect(manager).not.toContain("Please pay it.");
    expect(manager).toContain("goes to you as well");
    expect(as({ person: "sales_rep/7", as: "recipient", via: "sales_rep/8" })).toContain(
      "You get this because you stand in for sales rep 7, who is to be reminded about invoice 42 (reminder 1).",
    );
    const recipients = [{ address: "a@example.com" }, { address: "b@example.com" }];
    expect(as({ person: "a@example.com", as: "recipient" }, { ...NO_PEOPLE, recipients })).toContain(
      "You get this because you are one of those to remind about invoice 42 (reminder 1).",
    );
  });

  test("lead to the web alone, whatever the data says", () => {
    for (const url of ["javascript:alert(1)", "https://x.example/'onclick='", "data:text/html,x", 7, null]) {
      const { html, text } = write("en", { reminder: { data: { url } } });
      expect(html).not.toContain("<a ");
      expect(text).not.toContain("Pay now");
    }
    expect(write("en", { reminder: { data: { link: "https://x.example/?a=1&b=2" } } }).html).toContain(
      'href="https://x.example/?a=1&amp;b=2"',
    );
  });

  test("are there for every use case in every language, and each names what it may", () => {
    const catalogs: Catalog[] = [en, de, fr, es];
    const flat = (catalog: Catalog) =>
      JSON.stringify(catalog, (_key, value) =>
        typeof value === "string" ? (value.match(/\{\w+/g) ?? []).sort().join() : value,
      );
    for (const catalog of catalogs) {
      expect(flat(catalog)).toBe(flat(en));
      for (const useCase of USE_CASES) {
        expect(catalog.label[useCase]).not.toBe("");
        expect(catalog.ask[useCase] === "").toBe(useCase === "general");
      }
    }
    for (const locale of ["en", "de", "fr", "es"]) {
      for (const template of USE_CASES) {
        const { text, html } = write(locale, { reminder: { data: { template, url: "https://x.example" } } });
        expect(`${text}${html}`).not.toMatch(/\{\w|undefined|NaN/);
      }
    }
  });
});
