import { toIso } from "../core/instant.ts";
import { quietUntil, quietZone } from "../core/quiet-hours.ts";
import type { Instant } from "../core/reminder.ts";
import type { ReminderWithFacts } from "../store/engine-row.ts";

/** Why a message waits, and until when. */
export interface Quiet {
  until: Instant;
  because: string;
}

/** The quiet hours that hold back a message at an instant, by the clocks of the person; null: none do. */
export function quietAt({ reminder, contact, around }: ReminderWithFacts, at: Instant): Quiet | null {
  if (around.quietHours.length === 0) return null;
  const { timeZone } = reminder;
  const zone = quietZone({ contact: contact?.timeZone ?? null, reminder: timeZone, tenant: around.tenantZone });
  const until = quietUntil(at, around.quietHours, zone);
  return until === null
    ? null
    : { until, because: `waits for the end of the quiet hours (${zone}) at ${toIso(until)}` };
}
