import { type Addressed, nameOf } from "./people.ts";
import type { Person } from "./person.ts";

/** Why a contact is told nothing of this kind; null: it is. */
export function whyOptedOut({ preferences }: Pick<Person, "preferences">, eventType: string): string | null {
  const out = preferences?.opt_out ?? [];
  if (out.includes("*")) return "the contact has opted out of all reminders";
  return out.includes(eventType) ? `the contact has opted out of ${eventType}` : null;
}

/** Who doesn't want a message, and why. */
export interface OptedOut {
  person: Person;
  because: string;
}

/**
 * Who doesn't want what goes to a stand-in; null: both do. Whom it is for comes first: what they don't want is nothing that anybody has to see
 * to in their stead. See docs/decisions/0054.
 */
export function whoOptedOut(
  { person, via }: Pick<Addressed, "person" | "via">,
  contacts: ReadonlyMap<string, Person>,
  eventType: string,
): OptedOut | null {
  if (person === null || via === undefined) return null;
  for (const [name, whose] of [
    [person, "whom it is for"],
    [via, "who stands in"],
  ] as const) {
    const known = contacts.get(name);
    const because = known && whyOptedOut(known, eventType);
    if (because) return { person: known, because: because.replace("the contact", `${nameOf(known)}, ${whose},`) };
  }
  return null;
}
