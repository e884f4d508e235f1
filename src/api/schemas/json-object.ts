import type { JsonObject, JsonValue } from "../../core/json.ts";
import { whyNotText } from "./text.ts";

const MAX_JSON_BYTES = 64 * 1024;
const MAX_JSON_DEPTH = 32;

export interface JsonFlaw {
  path: (string | number)[];
  message: string;
}

/** What keeps a JSON object from being stored and given back as it is; null when nothing does. */
export function jsonFlaw(value: JsonObject): JsonFlaw | null {
  const flaw = flawIn(value, []);
  if (flaw) return flaw;
  const bytes = Buffer.byteLength(JSON.stringify(value)) + expansion(value);
  if (bytes <= MAX_JSON_BYTES) return null;
  return { path: [], message: `must be at most ${MAX_JSON_BYTES} bytes of JSON; this is ${bytes}` };
}

function flawIn(value: JsonValue, path: (string | number)[]): JsonFlaw | null {
  if (typeof value === "string") return flaw(whyNotText(value), path);
  if (typeof value === "number") {
    return flaw(Number.isFinite(value) ? null : "must be a number that a 64-bit float can hold", path);
  }
  if (typeof value !== "object" || value === null) return null;
  if (path.length >= MAX_JSON_DEPTH) return { path, message: `must be nested at most ${MAX_JSON_DEPTH} deep` };
  if (Array.isArray(value)) {
    return first(value.entries(), ([index, item]) => flawIn(item, [...path, index]));
  }
  return first(Object.entries(value), ([key, item]) => {
    const at = [...path, key];
    if (key === "__proto__") return { path: at, message: "must have another name" };
    return flaw(whyNotText(key), at) ?? flawIn(item, at);
  });
}

function flaw(message: string | null, path: (string | number)[]): JsonFlaw | null {
  return message === null ? null : { path, message };
}

function first<T>(items: Iterable<T>, find: (item: T) => JsonFlaw | null): JsonFlaw | null {
  for (const item of items) {
    const found = find(item);
    if (found) return found;
  }
  return null;
}

/** PostgreSQL writes `1e300` out in full: the digits that a value grows by when it is read back. */
function expansion(value: JsonValue): number {
  if (typeof value === "number") return Math.abs(Number(/e([+-]\d+)$/.exec(String(value))?.[1] ?? 0));
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + expansion(item), 0);
}
