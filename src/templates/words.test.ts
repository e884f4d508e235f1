import { describe, expect, test } from "vitest";
import {
  chooseLocale,
  chooseTimeZone,
  humanise,
  humaniseInside,
  writeDay,
  writeEntity,
  writeInstant,
} from "./words.ts";

describe("words for people", () => {
  test.each([
    ["feedback_form", "Feedback form"],
    ["invoice.payment-due", "Invoice payment due"],
    ["loanApplication", "Loan application"],
    ["SLA_breach", "SLA breach"],
    ["GDPR", "GDPR"],
    ["Feedback Form", "Feedback form"],
    ["überfällige_rechnung", "Überfällige rechnung"],
    ["リマインダー", "リマインダー"],
    ["___", "___"],
    ["", ""],
  ])("%j reads %j", (identifier, words) => {
    expect(humanise(identifier)).toBe(words);
  });

  test("within a sentence they begin small", () => {
    expect(humaniseInside("LoanApplication")).toBe("loan application");
    expect(humaniseInside("SLA_breach")).toBe("SLA breach");
  });
});

test("names that turn the writing direction turn nothing of ours, and names that are written from right to left stay", () => {
  expect(humanise("\u202Epay\u2066ment")).toBe("Payment");
  expect(humaniseInside("\u202E")).toBe("");
  expect(writeEntity({ entityType: "invoice", entityId: "\u202E001 \u05D0\u05D1\u05D2\u2069" })).toBe(
    "invoice 001 \u05D0\u05D1\u05D2",
  );
});

describe("instants for people", () => {
  const at = Date.UTC(2025, 6, 1, 22, 30);

  test("are written in the reader's zone, on the reader's day", () => {
    const style = { timeZone: "Asia/Tokyo", locale: "en" };
    expect(writeInstant(at, style)).toBe("Wednesday, July 2, 2025 at 7:30 AM GMT+9");
    expect(writeDay(at, style)).toBe("July 2, 2025");
  });

  test("are written in the reader's language", () => {
    expect(writeInstant(at, { timeZone: "Europe/Berlin", locale: "de" })).toBe("Mittwoch, 2. Juli 2025 um 00:30 MESZ");
  });

  test("take the first zone and language that this machine knows", () => {
    expect(chooseTimeZone(null, "Mars/Olympus", "Europe/Paris", "UTC")).toBe("Europe/Paris");
    expect(chooseTimeZone("", undefined)).toBe("UTC");
    expect(chooseLocale("not a locale", "fr")).toBe("fr");
    expect(chooseLocale(null)).toBe("en");
  });
});
