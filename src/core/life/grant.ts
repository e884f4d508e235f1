import { answerTo } from "../answer.ts";
import type { Instant } from "../instant.ts";
import { transition } from "../lifecycle.ts";
import type { DeliveryStatus, ReminderRecord } from "../reminder.ts";
import { NO_CALENDARS } from "../schedule/by-calendar.ts";
import { PLAIN_SURROUNDINGS, type Surroundings } from "../schedule/surroundings.ts";
import { update } from "../update.ts";
import type { Wish } from "./wish.ts";
import type { World } from "./world.ts";

const SOMEBODY = { who: "somebody", details: {} };

/** The reminder after a wish: the same where nothing comes of it. `lastOutcome`: see `Moment`. */
export function grant(
  wish: Exclude<Wish, { kind: "person_done" }>,
  reminder: ReminderRecord,
  lastOutcome: DeliveryStatus | null,
  world: Pick<World, "zone" | "calendar" | "audience">,
  now: Instant,
): ReminderRecord {
  const surroundings = surroundingsOf(reminder, world);
  const moment = { now, lastOutcome, policy: world.audience?.known.policy ?? null, ...surroundings };
  const granted =
    typeof wish === "string"
      ? transition(wish, reminder, moment)
      : "kind" in wish
        ? answerTo(reminder, wish, SOMEBODY, moment)
        : update(reminder, wish, now, surroundings, moment.policy);
  return granted.kind === "changed" ? { ...granted.reminder, updatedAt: now } : reminder;
}

function surroundingsOf(
  { business }: ReminderRecord,
  { zone = null, calendar }: Pick<World, "zone" | "calendar">,
): Surroundings {
  const calendars = business && calendar ? new Map([[business.calendar, calendar]]) : NO_CALENDARS;
  return { ...PLAIN_SURROUNDINGS, contactZone: zone, calendars };
}
