import fc from "fast-check";
import { expect, test } from "vitest";
import { getTypeParser } from "./instants.ts";

const parse = getTypeParser(1184);

/** As PostgreSQL writes an instant in a session in UTC, without the zeros at its end. */
function written(ms: number, micros: number): string {
  const [day, time = ""] = new Date(ms).toISOString().slice(0, -1).split("T");
  const digits = `${time}${String(micros).padStart(3, "0")}`.replace(/\.?0+$/, "");
  return `${day} ${digits.length < 8 ? time.slice(0, 8) : digits}+00`;
}

test("an instant is read to the millisecond, whatever its year and its microseconds", () => {
  const from = Date.parse("1000-01-01T00:00:00Z");
  const until = Date.parse("9999-12-31T23:59:59.999Z");
  const instants = fc.tuple(fc.integer({ min: from, max: until }), fc.integer({ min: 0, max: 999 }));
  fc.assert(
    fc.property(instants, ([ms, micros]) => {
      expect(parse(written(ms, micros))).toBe(ms);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["2026-01-01 00:00:00+00", "2026-01-01T00:00:00.000Z"],
  ["2024-02-29 23:59:59.9+00", "2024-02-29T23:59:59.900Z"],
  ["2026-03-29 03:30:00.25+02", "2026-03-29T01:30:00.250Z"],
  ["0099-12-31 12:00:00+00", "0099-12-31T12:00:00.000Z"],
  ["10000-01-01 00:00:00+00", "+010000-01-01T00:00:00.000Z"],
  ["0044-03-15 00:00:00+00 BC", "-000043-03-15T00:00:00.000Z"],
])("%s", (text, iso) => expect(new Date(parse(text) as number).toISOString()).toBe(iso));

test("what is none is an infinity", () => {
  expect(parse("infinity")).toBe(Number.POSITIVE_INFINITY);
  expect(parse("-infinity")).toBe(Number.NEGATIVE_INFINITY);
});
