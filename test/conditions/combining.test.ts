import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "../../src/conditions/check.ts";
import { evaluate, flagKeysOf, isQuestion, stopAnswer } from "../../src/conditions/evaluate.ts";
import { isAsked, STOP_CONDITION_TYPES } from "../../src/conditions/registry.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { StopCondition } from "../../src/core/reminder.ts";
import { NO_FLAGS, type StopSubject } from "../../src/core/stop-subject.ts";
import { freshDatabase } from "../support/database.ts";
import { reminderRecord, T0 } from "../support/reminders.ts";

const subject = (flags: Record<string, boolean> = {}, fields: Partial<StopSubject> = {}): StopSubject => ({
  reminder: reminderRecord(),
  contact: null,
  counts: { occurrences: 0, sent: 0 },
  flags: Object.keys(flags).length === 0 ? NO_FLAGS : new Map(Object.entries(flags)),
  now: T0,
  ...fields,
});

const of = (type: string, value: string | null, settings: JsonObject | null = null): StopCondition => ({
  ...{ type, value, settings },
});
const flag = (key: string) => ({ type: "db_check", value: key });
/** Of a kind that nobody has: nobody can say. */
const nobodyKnows = { type: "oracle", value: "?" };

type Logic = boolean | null | { all: Logic[] } | { any: Logic[] } | { not: Logic };

const logic: fc.Arbitrary<Logic> = fc.letrec<{ any: Logic }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: "medium" },
    fc.constantFrom(true, false, null),
    fc.array(tie("any"), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie("any"), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
    tie("any").map((not) => ({ not })),
  ),
})).any;

function toJson(value: Logic): JsonObject {
  if (value === null) return nobodyKnows;
  if (typeof value === "boolean") return flag(String(value));
  if ("all" in value) return { type: "all_of", settings: { conditions: value.all.map(toJson) } };
  if ("any" in value) return { type: "any_of", settings: { conditions: value.any.map(toJson) } };
  return { type: "not", settings: { condition: toJson(value.not) } };
}

/** What it may turn out to be, each unknown by itself. */
function possible(value: Logic): boolean[] {
  if (value === null) return [true, false];
  if (typeof value === "boolean") return [value];
  if ("not" in value) return possible(value.not).map((truth) => !truth);
  const [parts, isAll] = "all" in value ? [value.all, true] : [value.any, false];
  const open = parts.map(possible);
  const may = (truth: boolean) => open.map((each) => each.includes(truth));
  // Of all: true where each may be, false where one may be; of any: the other way round.
  const truths = isAll
    ? { true: may(true).every(Boolean), false: may(false).some(Boolean) }
    : { true: may(true).some(Boolean), false: may(false).every(Boolean) };
  return [...(truths.true ? [true] : []), ...(truths.false ? [false] : [])];
}

test("three-valued logic says met or not met exactly where that holds whatever the unknown is", () => {
  fc.assert(
    fc.property(logic, (value) => {
      const { type, settings } = toJson(value) as { type: string; settings: JsonObject };
      const root = settings ? of(type, null, settings) : of("any_of", null, { conditions: [toJson(value)] });
      const truths = possible(value);
      const expected = truths.length === 2 ? "unknown" : truths[0] ? "met" : "not_met";
      expect(stopAnswer(root, subject({ true: true, false: false })).state).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

describe("what a condition is made of", () => {
  test("its flags are those of all parts, placeholders filled in", () => {
    const inner = { type: "not", settings: { condition: flag("hold:{entity_id}") } };
    const condition = of("all_of", null, { conditions: [flag("paid"), inner] });
    expect(flagKeysOf(condition, reminderRecord({ entityId: "7" }))).toEqual(["paid", "hold:7"]);
  });

  test("a deadline is an instant, or a time after the reminder's creation", () => {
    const created = subject().reminder.createdAt;
    const at = (value: string, now: number) => stopAnswer(of("deadline", value), subject({}, { now })).state;
    expect(at("P14D", created + 14 * 86_400_000 - 1)).toBe("not_met");
    expect(at("P14D", created + 14 * 86_400_000)).toBe("met");
    expect(at("2026-01-15T12:30:00+02:00", Date.UTC(2026, 0, 15, 10, 29))).toBe("not_met");
    expect(at("2026-01-15T12:30:00+02:00", Date.UTC(2026, 0, 15, 10, 30))).toBe("met");
    expect(at("never", T0)).toBe("unknown");
  });

  test("what plain SQL wrote and nobody can read is unknown, and says what is wrong with it", () => {
    const answer = stopAnswer(of("any_of", null, { conditions: [] }), subject());
    expect(answer).toMatchObject({ state: "unknown", because: expect.stringContaining("settings.conditions") });
    expect(stopAnswer(of("all_of", null, null), subject()).state).toBe("unknown");
  });

  test("what plain SQL nested without end is unknown, and not gone down", () => {
    let settings: JsonObject = { condition: flag("x") };
    for (let depth = 0; depth < 3_000; depth += 1) settings = { condition: { type: "not", settings } };
    const condition = of("not", null, settings);
    expect(stopAnswer(condition, subject())).toMatchObject({
      ...{ state: "unknown", because: expect.stringContaining("settings must be nested at most 32 deep") },
    });
    expect(flagKeysOf(condition, subject().reminder)).toEqual([]);
    expect(check(condition)).toMatchObject([{ path: ["settings"] }]);
  });
});

describe("what isn't right is refused, naming where it stands", () => {
  const nested = (depth: number): JsonObject =>
    depth === 0 ? flag("x") : { type: "not", settings: { condition: nested(depth - 1) } };
  const { settings: deepest } = nested(4) as { settings: JsonObject };
  const { settings: tooDeep } = nested(5) as { settings: JsonObject };
  const many = (count: number) => ({ conditions: Array.from({ length: count }, () => flag("x")) });
  const broad = { conditions: [1, 2].map(() => ({ type: "all_of", settings: many(11) })) };

  test("four around another are enough, and twenty in all", () => {
    expect(check(of("not", null, deepest))).toHaveProperty("type", "not");
    expect(check(of("all_of", null, many(20)))).toHaveProperty("type", "all_of");
  });

  test.each([
    [
      "too deep",
      of("not", null, tooDeep),
      "settings.condition.settings.condition.settings.condition.settings.condition",
    ],
    ["too many in all", of("any_of", null, broad), "settings"],
    ["an unknown kind inside", of("not", null, { condition: nobodyKnows }), "settings.condition.type"],
    ["a value where none is taken", of("all_of", "x", many(1)), "value"],
    ["settings where none are taken", of("db_check", "x", {}), "settings"],
    ["a field that isn't known", of("not", null, { condition: flag("x"), also: 1 }), "settings.also"],
    ["a deadline that is none", of("deadline", "soon"), "value"],
    ["a deadline before the creation", of("deadline", "-P1D"), "value"],
    ["a count that is none", of("max_attempts", "0"), "value"],
    [
      "a part whose value is wrong",
      of("any_of", null, { conditions: [flag("x"), { type: "deadline", value: "P" }] }),
      "settings.conditions.1.value",
    ],
  ])("%s", (_, condition, path) => {
    const flaws = check(condition);
    if ("type" in flaws) throw new Error("it was taken");
    expect(flaws.map((flaw) => flaw.path.join("."))).toEqual([path]);
  });
});

test("the database agrees which kinds are asked before they fire", async () => {
  const database = await freshDatabase();
  const rows = await database.query<{ type: string; asked: boolean }>(
    "select type, reminder_is_asked(type) as asked from unnest($1::text[]) as t(type)",
    [[...STOP_CONDITION_TYPES, "oracle"]],
  );
  expect(rows.map(({ asked }) => asked)).toEqual(rows.map(({ type }) => isAsked(of(type, null))));
});

test("what is settled by what was read is not asked outside", () => {
  const outcome = evaluate(of("all_of", null, { conditions: [nobodyKnows, flag("x")] }), subject(), () => null);
  expect(isQuestion(outcome)).toBe(false);
  expect(outcome).toMatchObject({ state: "not_met", because: 'flag "x" is not set' });
});
