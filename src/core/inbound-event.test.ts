import { describe, expect, test } from "vitest";
import { type EventRule, isAbout, meaningOf, templateFlaw } from "./inbound-event.ts";
import type { JsonObject } from "./json.ts";

const flagRule = (flagKey: string): EventRule => ({
  name: "rule",
  event: "*",
  source: null,
  isEnabled: true,
  effect: { action: "set_flag", flagKey, flagValue: true },
});

const keyFor = (flagKey: string, body: JsonObject): string => {
  const meaning = meaningOf(flagRule(flagKey), { type: "a", id: null, source: null, body: { type: "a", ...body } });
  return meaning.kind === "flag" ? meaning.flagKey : meaning.kind === "nothing" ? `- ${meaning.because}` : "";
};

test.each([
  ["invoice.paid", "invoice.paid", true],
  ["invoice.paid", "invoice.paid.late", false],
  ["invoice.*", "invoice.paid.late", true],
  ["invoice.*", "invoice", false],
  ["*", "anything", true],
  ["invoice.%", "invoice.paid", false],
])("a rule about %s and an event of the type %s: %s", (pattern, type, expected) => {
  expect(isAbout(pattern, type)).toBe(expected);
});

describe("placeholders", () => {
  const body: JsonObject = {
    entity_id: "42",
    data: { invoice: { id: 7, open: false }, lines: [{ id: "a" }, { id: "b" }], empty: "", none: null, big: 2 ** 60 },
  };
  test.each([
    ["paid:{entity_id}", "paid:42"],
    ["{type}/{data.invoice.id}", "a/7"],
    ["{data.lines.1.id}", "b"],
    ["open:{data.invoice.open}", "open:false"],
    ["no placeholder", "no placeholder"],
    ["{data.nothing}", "- the event has no data.nothing"],
    ["{data.none}", "- the event has no data.none"],
    ["{data.invoice}", "- data.invoice is neither text nor a number in this event"],
    ["{data.lines.9.id}", "- the event has no data.lines.9.id"],
    ["{data.empty}", "- {data.empty} is empty in this event"],
    ["{data.big}", "- data.big is a number too large to be exact: it has to be sent as text"],
    // What objects inherit was sent by nobody.
    ["{constructor.name}", "- the event has no constructor.name"],
    ["{__proto__.x}", "- the event has no __proto__.x"],
    ["{data.toString}", "- the event has no data.toString"],
  ])("%s is %s", (template, expected) => {
    expect(keyFor(template, body)).toBe(expected);
  });

  test("what an event holds is text, never a placeholder of its own or a pattern", () => {
    expect(keyFor("x:{data}", { data: "{entity_id}$&$1" })).toBe("x:{entity_id}$&$1");
  });

  test.each([["two\nlines"], ["\u0000"], ["\ud800"], ["a\u2028b"]])("%j makes nothing that can be stored", (data) => {
    expect(keyFor("x:{data}", { data })).toContain("is no single line of text");
  });

  test("lengths are counted in characters", () => {
    expect(keyFor("{data}", { data: "😀".repeat(500) })).toHaveLength(1_000);
    expect(keyFor("{data}", { data: "😀".repeat(501) })).toContain("more than 500 characters");
  });

  test.each(["{", "}", "a{b", "{a}}", "{{a}}", "{}", "{a..b}", "{.a}", "{a.}"])("%s is no template", (template) => {
    expect(templateFlaw(template)).toMatch(/^must have/);
  });
});
