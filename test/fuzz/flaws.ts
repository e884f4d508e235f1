import fc from "fast-check";
import type { Json } from "./document.ts";
import { nastyWord } from "./words.ts";

/** What stands in a place where something else should. */
const wrong: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom<Json>(null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, 5e-324, 5_270_401, [], {}, [[]]),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Json>({ toString: null }, { $ref: "#" }, { when: 1 }, [null], { a: { b: { c: [] } } }),
  },
  { weight: 3, arbitrary: nastyWord },
);

interface Flaw {
  kind: "replace" | "drop" | "add" | "whole" | "wrap";
  /** Which of the places; counted round. */
  at: number;
  value: Json;
  name: string;
}

export const flaw: fc.Arbitrary<Flaw> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant<"replace">("replace") },
    { weight: 4, arbitrary: fc.constantFrom<"drop" | "add">("drop", "add") },
    { weight: 1, arbitrary: fc.constantFrom<"whole" | "wrap">("whole", "wrap") },
  ),
  at: fc.nat(200),
  value: wrong,
  name: fc.oneof(
    fc.constantFrom("id", "status", "tenant_id", "colour", "__proto__", "constructor", "Entity_Type"),
    nastyWord,
  ),
});

/** The same value with one thing wrong about it, or what is left of it. */
export function flawed(value: Json, { kind, at, value: other, name }: Flaw): Json {
  if (kind === "whole") return other;
  if (kind === "wrap") return [value];
  const places = placesOf(value);
  const place = places[at % Math.max(places.length, 1)];
  if (place === undefined) return other;
  const copy = structuredClone(value);
  const parent = place.slice(0, -1).reduce<Json>((inner, step) => (inner as Record<string, Json>)[step] as Json, copy);
  const step = place.at(-1) as string;
  if (kind === "drop") {
    if (Array.isArray(parent)) parent.splice(Number(step), 1);
    else delete (parent as Record<string, Json>)[step];
    return copy;
  }
  // Defined and not assigned: `__proto__` is to be a member like any other.
  const key = kind === "add" && !Array.isArray(parent) ? name : step;
  Object.defineProperty(parent, key, { value: other, enumerable: true, configurable: true, writable: true });
  return copy;
}

function placesOf(value: Json, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return path.length > 0 ? [path] : [];
  const inner = Object.entries(value).flatMap(([key, item]) => placesOf(item as Json, [...path, key]));
  return path.length > 0 ? [path, ...inner] : inner;
}
