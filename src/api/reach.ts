import type { z } from "zod";
import type { Channels } from "../channels/registry.ts";
import { nameOf, toContactName } from "../core/people.ts";
import type { Preferences } from "../core/preferences.ts";
import type { Reach } from "../core/reminder.ts";
import { parseAddressIn } from "./channel-check.ts";
import { fieldError, invalid, invalidField } from "./problem.ts";
import type { PutContact } from "./schemas/contact.ts";

/** How else a contact is reached, and who stands for it. Throws a 422 that names the field. */
export function toReach(body: z.output<typeof PutContact>, channels: Channels): Reach {
  const { phone, addresses, preferences, manager, delegate, delegate_until: until } = body;
  if ((delegate == null) !== (until == null)) {
    const field = delegate == null ? "delegate" : "delegate_until";
    throw invalidField(field, "must be given too: a delegate stands for a contact until an instant");
  }
  refuseUnknown(preferences?.channels ?? [], channels);
  const named = Object.entries(addresses ?? {}).map(([channel, address]) => [
    channel,
    parseAddressIn(channels, channel, address, ["addresses", channel]),
  ]);
  return {
    phone: phone ?? null,
    addresses: named.length === 0 ? null : Object.fromEntries(named),
    preferences: preferences == null || Object.keys(preferences).length === 0 ? null : keptPreferences(preferences),
    manager: manager ? toContactName(manager) : null,
    delegate: delegate ? toContactName(delegate) : null,
    delegateUntil: until ?? null,
  };
}

/** A preference for a channel that isn't here would be kept, and never be heeded. */
function refuseUnknown(preferred: readonly string[], channels: Channels): void {
  const place = preferred.findIndex((name) => !channels.has(name));
  if (place === -1) return;
  const names = [...channels.keys()].join(", ");
  const message = `must be one of the channels of this installation: ${names || "there are none"}`;
  throw invalid([fieldError("body", ["preferences", "channels", place], message)]);
}

/** What is left out isn't kept either. */
function keptPreferences(said: NonNullable<z.output<typeof PutContact>["preferences"]>): Preferences {
  return JSON.parse(JSON.stringify(said)) as Preferences;
}

/** Throws a 422 for whoever would stand for itself. */
export function refuseItself({ entityType, entityId }: { entityType: string; entityId: string }, reach: Reach): void {
  for (const field of ["manager", "delegate"] as const) {
    const other = reach[field];
    if (other && nameOf(other) === nameOf({ entityType, entityId }))
      throw invalidField(field, "must be another contact");
  }
}
