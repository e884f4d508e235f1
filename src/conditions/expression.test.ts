import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../core/json.ts";
import type { StopAnswer } from "../core/stop.ts";
import type { StopSubject } from "../core/stop-subject.ts";
import { MOST_MICROSECONDS } from "./cel/cost.ts";
import { stopAnswer } from "./evaluate.ts";
import { expression, expressionFlaw } from "./expression.ts";

const NOW = Date.UTC(2026, 0, 15, 10, 30);

function subjectWith(data: JsonObject = {}, more: Partial<StopSubject> = {}): StopSubject {
  return {
    reminder: {
      id: 7,
      tenantId: "default",
      entityType: "invoice",
      entityId: "42",
      eventType: "payment",
      channel: "email",
      recipient: null,
      subject: null,
      message: null,
      data,
      timeZone: null,
      nextRunAt: NOW,
      occurrenceCount: 3,
      createdAt: NOW - 86_400_000,
    },
    contact: { name: "Ada", email: "ada@example.org", timeZone: null, locale: "en" },
    counts: { occurrences: 3, sent: 2 },
    flags: new Map(),
    now: NOW,
    ...more,
  };
}

const ask = (value: string, subject = subjectWith()): StopAnswer =>
  expression.answer({ type: "expression", value, settings: null }, subject, {} as never) as StopAnswer;

const state = (value: string, data: JsonObject = {}): string => ask(value, subjectWith(data)).state;

describe("what an expression knows", () => {
  const data: JsonObject = {
    amount: 99.5,
    count: 3,
    paid: false,
    due: "2026-01-10",
    at: "2026-01-15T12:00:00+02:00",
    items: [{ open: true }, { open: false }],
    tags: ["a", "b"],
    none: null,
    constructor: "x",
  };
  test.each([
    ["data.amount > 99", "met"],
    ["data.count == 3", "met"],
    ["data.count == 3.0 && data.count in [1, 3]", "met"],
    ["!data.paid", "met"],
    ["data.items.exists(i, i.open)", "met"],
    ["data.items.all(i, i.open)", "not_met"],
    ["data.items.filter(i, i.open).size() == 1", "met"],
    ['"b" in data.tags', "met"],
    ["has(data.missing)", "not_met"],
    ["has(data.none) && data.none == null", "met"],
    ['data.constructor == "x"', "met"],
    ['data["constructor"].startsWith("x")', "met"],
    ['reminder.entity_id == "42" && reminder.id == 7', "met"],
    ["reminder.recipient == null", "met"],
    ['contact.email.endsWith("@example.org")', "met"],
    ["counts.sent >= 2 && counts.occurrences == 3", "met"],
    ['now - reminder.created_at >= duration("24h")', "met"],
    ['now == timestamp("2026-01-15T10:30:00Z")', "met"],
    ["instant(data.due) < now && instant(data.at) < now", "met"],
    ["now.getHours() == 10 && now.getDayOfWeek() == 4", "met"],
    ["reminder.next_run_at <= now", "met"],
    // What can't be worked out is neither.
    ["data.missing == 1", "unknown"],
    ['data.amount > "1"', "unknown"],
    ["data.tags", "unknown"],
    ["data.count", "unknown"],
    ["data.toString", "unknown"],
    ['data["__proto__"] == null', "unknown"],
    ["instant(data.amount) < now", "unknown"],
    ['instant("2025-02-30") < now', "unknown"],
    ['instant("2025-04-31T09:00:00Z") < now', "unknown"],
    ['instant("2024-02-29") < now', "met"],
    // But a yes is a yes, whatever the rest.
    ["data.missing == 1 || data.count == 3", "met"],
    ["data.missing == 1 && data.paid", "not_met"],
  ])("%s is %s", (text, expected) => {
    expect([expressionFlaw(text), state(text, data)]).toEqual([null, expected]);
  });

  test("flags, by keys with placeholders; one that nobody set is false", () => {
    const text = 'flags["paid:{entity_id}"] || flags.waived';
    expect(expression.flagKeys?.({ type: "expression", value: text, settings: null }, subjectWith().reminder)).toEqual([
      "paid:42",
      "waived",
    ]);
    expect(ask(text).state).toBe("not_met");
    expect(ask(text, subjectWith({}, { flags: new Map([["paid:42", true]]) })).state).toBe("met");
    expect(ask(text, subjectWith({}, { flags: new Map([["paid:{entity_id}", true]]) })).state).toBe("not_met");
  });

  test("without a contact its fields are null", () => {
    expect(ask("contact.email == null", subjectWith({}, { contact: null })).state).toBe("met");
  });

  test("the answer says what it was, and the unknown one why", () => {
    expect(ask("data.a == 1.0", subjectWith({ a: 1 }))).toMatchObject({
      because: "the expression data.a == 1.0 is true",
      gotAt: null,
    });
    expect(ask("data.a == 1.0").because).toBe("the expression can't be worked out: there is no a (column 6)");
  });
});

describe("refused when it is written, with its place", () => {
  test.each([
    ["", "column 1: it ends where something must follow"],
    ["data.a ==", "column 10: it ends where something must follow"],
    ["true &&\n  nobody", "line 2, column 3: unknown variable: nobody"],
    ["reminder.entityid == '1'", "column 10: there is no entityid"],
    ["contact.phone == null", "column 9: there is no phone"],
    ["counts.sent == 'a'", "column 1: no such overload: int == string"],
    ["counts.sent", "comes to int, and must come to true or false"],
    ["flags", "column 1: a flag is named in quotes"],
    ["flags[data.key]", "column 1: a flag is named in quotes"],
    ["'a' in flags", "column 8: a flag is named in quotes"],
    ["data.s.matches('(a+)+$')", "matches() can't be called here: patterns may take for ever"],
    ["cel.bind(a, 'x', a == 'x')", "bind() can't be called here"],
    ["bytes('a') == b'a'", "bytes() can't be called here"],
    ["timestamp('2026-01-15T10:30:00.000') < now", "timestamp() takes a text such as"],
    ["timestamp('2026-02-30T10:30:00Z') < now", "timestamp() takes a text such as"],
    ["timestamp(data.at) < now", "timestamp() takes a text such as"],
    ["duration('1'+'h') < duration('2h')", "duration() takes a text such as"],
    [`duration('${"1".repeat(1_000)}') < duration('2h')`, "duration() takes a text such as"],
    ["now.getHours('Europe/Berlin') == 1", "takes no time zone here"],
    ["data.l.exists(x, data.m.exists(y, x == y))", "a loop in a loop takes too long"],
    ["data.l.map(x, x + x).map(x, x + x).size() == 1", "a loop in a loop takes too long"],
    [
      Array(21)
        .fill(0)
        .map((_, n) => `flags.f${n}`)
        .join("||"),
      "names more than 20 flags",
    ],
    [`${"(".repeat(40)}true${")".repeat(40)}`, "nested more than 30 deep"],
    [Array(200).fill("true").join("||"), "more than 300 parts"],
    ["true || ".repeat(300), "more than 2000 characters"],
  ])("%s", (text, message) => {
    expect(expressionFlaw(text)).toContain(message);
  });
});

/** As large as data may be, and such that what is asked of it takes longest. */
const HOSTILE_DATA: JsonObject[] = [
  { l: Array.from({ length: 20_000 }, (_, n) => n), s: "a".repeat(10_000), k: [], m: {} },
  { l: Array.from({ length: 500 }, (_, n) => n), s: "a".repeat(60_000), k: "a".repeat(500), m: {} },
  { l: [1], s: "a".repeat(40_000), k: `${"a".repeat(10_000)}b${"a".repeat(10_000)}`, m: {} },
  {
    l: Array.from({ length: 400 }, (_, n) => n),
    s: "a".repeat(200),
    k: Array.from({ length: 400 }, (_, n) => n),
    m: Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${n}`, n])),
  },
];
const list = (part: string): string => Array.from({ length: 30 }, () => part).join(", ");
const wide = (part: string, joint: string, count: number): string => Array(count).fill(part).join(joint);
const HOSTILE = [
  "data.l.exists(x, x == 0.5)",
  "data.l.exists(x, data.missing == 1)",
  `data.l.exists(x, ${wide("x.f", "||", 70)})`,
  `${wide("data.l.exists(x, x.f)", "||", 20)}`,
  `data.l.all(x, ${wide("x in data.k", "||", 20)})`,
  "data.l.exists(x, data.s.size() == 1)",
  "data.l.exists(x, data.s.contains(data.k))",
  `${wide("data.s.contains(data.k)", "||", 30)}`,
  `${wide("data.k in data.s", "||", 30)}`,
  `data.s.contains('${"a".repeat(900)}b${"a".repeat(900)}')`,
  `(${wide("data.s", "+", 80)}).size() == 1`,
  `(${wide("data.s", "+", 50)}).contains(${wide("data.s", "+", 30)})`,
  `data.l.map(x, ${wide("data.s", "+", 60)}).size() == 1`,
  `(${wide("data.l", "+", 80)}).exists(x, x == 0.5)`,
  `${wide("data == data", "&&", 40)}`,
  "data.l.exists(x, data == data && x == 0.5)",
  `${wide("data.s.lowerAscii().upperAscii().trim().size() == 1", "||", 20)}`,
  `data.m.exists(k, ${wide("int(k) == 1", "||", 20)})`,
  `data.l.exists_one(x, string(x) == "${"1".repeat(500)}")`,
  `${wide("data.missing == 1", "||", 45)}`,
  `${wide("[data.l, data.k, data.m] == [data.l, data.k, data.m]", "&&", 12)}`,
  "data.l.filter(x, data.l.size() > 1).size() == 1",
  "data.l.map(x, data.m) == data.l.map(x, data.m)",
  `[${list("data.l")}].map(x, [${list("x")}]) != [${list("data.l")}].map(x, [${list("x")}])`,
  `[[${list("data")}]].exists(x, ${wide("x == x", "&&", 20)})`,
  `data.l.exists(x, [${list("data.m")}] == [${list("data.m")}] && x == 0.5)`,
  `[${list("data.m")}] in [[${list("data.m")}], [${list("data.l")}]]`,
];

test("all the expressions of a condition share what one of them may take", () => {
  const data = { l: Array.from({ length: 500 }, (_, n) => n) };
  const one = { type: "expression", value: "data.l.all(x, x >= 0 && x < 500)", settings: null };
  const subject = subjectWith(data);
  expect(stopAnswer(one, subject).state).toBe("met");
  const conditions = Array.from({ length: 20 }, () => ({ type: "expression", value: one.value }));
  const all = { type: "all_of", value: null, settings: { conditions } };
  expect(stopAnswer(all, subject)).toMatchObject({ state: "unknown", because: expect.stringContaining("too long") });
});

test("no hostile expression holds the process for 50 ms: either it is quick, or it isn't begun", { retry: 2 }, () => {
  const slow: string[] = [];
  let begun = 0;
  for (const text of HOSTILE) {
    expect(expressionFlaw(text), text).toBeNull();
    for (const data of HOSTILE_DATA) {
      const subject = subjectWith(data);
      const { user: before } = process.cpuUsage();
      const answer = ask(text, subject);
      const ms = (process.cpuUsage().user - before) / 1_000;
      if (!answer.because.includes("could take too long")) begun += 1;
      if (ms > 50) slow.push(`${ms} ms: ${text.slice(0, 60)}`);
    }
  }
  expect(slow).toEqual([]);
  expect(begun).toBeGreaterThan(10);
});

test("what people ask of lists of a usual size is begun", () => {
  const items = Array.from({ length: 1_000 }, (_, n) => ({ id: n, status: "closed" }));
  expect(state('data.items.all(i, i.status == "closed")', { items })).toBe("met");
  expect(MOST_MICROSECONDS).toBeLessThan(50_000);
});

test("whatever the text, it is an expression or is refused with a sentence, and answers one of three", () => {
  const word = fc.constantFrom(
    ...[
      "data",
      "flags",
      "reminder",
      ".a",
      '["a"]',
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      " == ",
      " && ",
      " || ",
      "!",
      "-",
      "1",
      "1.5",
    ],
    ...[
      "'x'",
      "true",
      "null",
      ".exists(x, ",
      ".size()",
      "has(",
      "x",
      " + ",
      " in ",
      "?",
      ":",
      "now",
      "\n",
      ",",
      "b'a'",
      "0x1",
      "1u",
    ],
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 14 }), fc.jsonValue(), (words, value) => {
      const text = words.join("");
      const flaw = expressionFlaw(text);
      if (flaw !== null) return flaw.length > 0;
      const answer = ask(text, subjectWith({ a: value as never }));
      return ["met", "not_met", "unknown"].includes(answer.state) && answer.because.length > 0;
    }),
    { numRuns: 2_000 },
  );
});
