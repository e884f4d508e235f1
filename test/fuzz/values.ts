import fc from "fast-check";
import { combinationsOf, combined } from "./combinations.ts";
import { type Document, type Json, resolve, type Schema } from "./document.ts";
import { textOf, wordsFor } from "./words.ts";

const anyJson: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;

const EARLIEST = new Date("1970-01-01T00:00:00Z");
const LATEST = new Date("9999-12-31T23:59:59.999Z");
const iso = (date: Date): string => date.toISOString();
// The engine's own time runs on: instants near the present are what fires.
const instant: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "2020-01-01T00:00:00Z",
    "2026-01-31T09:00:00+05:30",
    "2099-06-01T12:00:00.123456Z",
    "1970-01-01T00:00:00Z",
  ),
  fc.date({ min: EARLIEST, max: LATEST, noInvalidDate: true }).map(iso),
);

/** Values that fit a schema; and, where it says less than the service demands, mostly what the service takes too. */
export function fitting(document: Document, schema: Schema, name = ""): fc.Arbitrary<Json> {
  const {
    type,
    const: only,
    enum: choices,
    anyOf,
    oneOf,
    format,
    minLength = 0,
    maxLength = 60,
  } = resolve(document, schema);
  if (only !== undefined) return fc.constant(only);
  if (choices !== undefined) return fc.constantFrom(...choices);
  const alternatives = anyOf ?? oneOf;
  if (alternatives) return fc.oneof(...alternatives.map((alternative) => fitting(document, alternative, name)));
  if (Array.isArray(type)) {
    const { type: _, ...rest } = resolve(document, schema);
    return fc.oneof(
      ...type.map((one) => ({
        weight: one === "null" ? 1 : 5,
        arbitrary: fitting(document, { ...rest, type: one }, name),
      })),
    );
  }
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return numberOf(resolve(document, schema));
    case "string":
      return format === "date-time" ? instant : stringOf(minLength, maxLength, name);
    case "array":
      return arrayOf(document, resolve(document, schema), name);
    case "object":
      return objectOf(document, resolve(document, schema));
    default:
      return anyJson;
  }
}

function numberOf({ minimum = -1_000, maximum = 1_000_000 }: Schema): fc.Arbitrary<number> {
  const small = Math.min(maximum, minimum + 100);
  return fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: Math.ceil(minimum), max: Math.floor(small) }) },
    { weight: 1, arbitrary: fc.constantFrom(minimum, maximum) },
  );
}

function stringOf(min: number, max: number, name: string): fc.Arbitrary<string> {
  const words = wordsFor(name);
  if (!words) return textOf(min, max);
  return fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: textOf(min, max) });
}

function arrayOf(
  document: Document,
  { items = {}, minItems = 0, maxItems = 10 }: Schema,
  name: string,
): fc.Arbitrary<Json[]> {
  return fc.array(fitting(document, items, name), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 5) });
}

function objectOf(document: Document, { properties, required = [] }: Schema): fc.Arbitrary<Json> {
  if (!properties)
    return fc.dictionary(
      fc.string({ maxLength: 8 }).filter((key) => key !== "__proto__"),
      anyJson,
      { maxKeys: 4 },
    );
  const fields = Object.entries(properties).map(([name, schema]) => {
    const value = fitting(document, schema, name);
    return [
      name,
      required.includes(name)
        ? value
        : fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value }),
    ] as const;
  });
  const record: fc.Arbitrary<{ [name: string]: Json }> = fc
    .record(Object.fromEntries(fields))
    .map((all) =>
      Object.fromEntries(Object.entries(all).filter((field): field is [string, Json] => field[1] !== undefined)),
    );
  return combinationsOf(Object.keys(properties)).reduce(
    (object, list) =>
      fc
        .tuple(
          object,
          fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 5, arbitrary: fc.constantFrom(...list) }),
        )
        .map(([value, chosen]) => (chosen === null ? value : combined(value, list, chosen))),
    record,
  );
}
