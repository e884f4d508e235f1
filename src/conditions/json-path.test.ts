import fc from "fast-check";
import { query } from "jsonpath-rfc9535";
import { expect, test } from "vitest";
import type { JsonValue } from "../core/json.ts";
import { isJsonPath, valueAt } from "./json-path.ts";

const invoice = {
  status: "paid",
  lines: [{ sum: 1 }, { sum: null }],
  "due date": "x",
  "it's": 1,
  'a"b': 2,
  ünï: 3,
  "": 4,
};

test.each<[string, JsonValue | undefined]>([
  ["$", invoice],
  ["$.status", "paid"],
  ["$['status']", "paid"],
  ['$["status"]', "paid"],
  ["$.lines[0].sum", 1],
  ["$.lines[-1].sum", null],
  ["$.lines[2].sum", undefined],
  ["$ ['lines'] [ 0 ]\n.sum", 1],
  ["$['due date']", "x"],
  ["$['it\\'s']", 1],
  ["$['a\"b']", 2],
  ['$["a\\"b"]', 2],
  ["$['\\u0073tatus']", "paid"],
  ["$.ünï", 3],
  ["$['']", 4],
  ["$.nothing.at.all", undefined],
  ["$.status.length", undefined],
  ["$.status[0]", undefined],
  ["$.lines.length", undefined],
  ["$[0]", undefined],
  ["$.constructor", undefined],
  ["$.__proto__", undefined],
])("%j leads to its value, or to none", (path, value) => {
  expect(isJsonPath(path)).toBe(true);
  expect(valueAt(invoice, path)).toEqual(value);
});

test.each([
  ...[
    "",
    "status",
    "status.x",
    ".status",
    "/status",
    "$status",
    "$.",
    "$..status",
    "$.*",
    "$[*]",
    "$['a','b']",
    "$[0,1]",
  ],
  ...[
    "$[0:1]",
    "$[?@.a]",
    "$[?length(@.a)]",
    "$.a b",
    "$.a ",
    "$.1a",
    "$[01]",
    "$[-0]",
    "$['a]",
    "$[\"a']",
    "$['a\\x']",
  ],
  ...["$['\\ud800']", "$['a\nb']", "$[1.5]", "$[9007199254740993]", "$.a-b", "$['a'", "$.a[", `$${".a".repeat(300)}`],
])("%j is not a path that is taken", (path) => {
  expect(isJsonPath(path)).toBe(false);
  expect(valueAt(invoice, path)).toBeUndefined();
});

test("paths mean what another implementation of RFC 9535 takes them to mean", () => {
  const name = fc.oneof(fc.constantFrom("a", "b_1", "ü", "it's", 'a"b', "a b", "\\", "\n", "__proto__"), fc.string());
  const quoted = (text: string): string => JSON.stringify(text);
  const single = (text: string): string =>
    `'${quoted(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  const step = fc.oneof(
    fc.constantFrom(".a", ".b_1", ".ü"),
    name.map((text) => `[${quoted(text)}]`),
    name.map((text) => `[ ${single(text)} ]`),
    fc.integer({ min: -3, max: 3 }).map((index) => `[${index}]`),
  );
  const leaf = fc.oneof(fc.constantFrom(1, "x", null, true), fc.string());
  const document = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(name, tie("value"), { maxKeys: 5 }),
    ),
  })).value;
  fc.assert(
    fc.property(document, fc.array(step, { maxLength: 4 }), (value, steps) => {
      const path = `$${steps.join("")}`;
      expect(isJsonPath(path)).toBe(true);
      expect(valueAt(value, path)).toEqual(query(value, path)[0]);
    }),
    { numRuns: 2_000 },
  );
});
