import type { JsonValue } from "../core/json.ts";
import type { Contact } from "../core/reminder.ts";
import { isSameJson } from "../core/same-json.ts";

/** True when all of this is what the contact says already. */
export function isSaid(wanted: Partial<Contact>, contact: Contact): boolean {
  return Object.entries(wanted).every(([name, value]) =>
    isSameJson(value as JsonValue, contact[name as keyof Contact] as JsonValue),
  );
}
