import type { JsonValue } from "../core/json.ts";
import type { StopReminder } from "../core/stop-subject.ts";

type Source = Pick<StopReminder, "entityType" | "entityId" | "eventType" | "data">;

const PLACEHOLDER = /\{(entity_type|entity_id|event_type|data(?:\.[A-Za-z0-9_-]+)+)\}/g;

/** What only looks like a placeholder, as where its name is misspelt; null where there is none. */
export function strayBraces(text: string): string | null {
  return /\{[^{}]*\}?|\}/.exec(text.replaceAll(PLACEHOLDER, ""))?.[0] ?? null;
}

/** A placeholder that can't be filled in, or not where it stands. The message goes on from "it". */
export class CannotFill extends Error {
  override name = "CannotFill";
}

/**
 * Fills in `{entity_type}`, `{entity_id}`, `{event_type}` and, for what is in the reminder's data, `{data.invoice.number}`.
 * Each value goes through `write`. Throws `CannotFill` where the data has no text, number or boolean there.
 */
export function fillIn(text: string, source: Source, write: (value: string, placeholder: string) => string): string {
  return text.replaceAll(PLACEHOLDER, (placeholder, name: string) => write(filling(name, source), placeholder));
}

/** The same for all texts within a JSON value, whose shape nothing that is filled in can change. */
export function fillInJson(value: JsonValue, source: Source): JsonValue {
  if (typeof value === "string") return fillIn(value, source, (filled) => filled);
  if (Array.isArray(value)) return value.map((item) => fillInJson(item, source));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, fillInJson(inner, source)]));
}

/**
 * For the path or the query of a URL: a value is one part of it and nothing more, whatever is in it. Throws `CannotFill` for
 * values that would be a step up the path, or would leave a part of it out.
 */
export function fillInUrl(url: string, source: Source): string {
  return fillIn(url, source, (value, placeholder) => {
    if (/^\.*$/.test(value))
      throw new CannotFill(`has a URL in which ${placeholder} can't be ${JSON.stringify(value)}`);
    return encodeURIComponent(value.toWellFormed());
  });
}

function filling(name: string, { entityType, entityId, eventType, data }: Source): string {
  if (name === "entity_type") return entityType;
  if (name === "entity_id") return entityId;
  if (name === "event_type") return eventType;
  let value: JsonValue | undefined = data;
  for (const step of name.split(".").slice(1)) {
    value = memberOf(value, step);
  }
  if (value === null || value === undefined || typeof value === "object") {
    throw new CannotFill(`needs the reminder's ${name}, which is no text, number or boolean`);
  }
  return String(value);
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? value[name] : undefined;
}
