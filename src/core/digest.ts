import { type Instant, MS_PER_MINUTE } from "./instant.ts";
import { MS_PER_DAY } from "./schedule/calendar.ts";
import { MINUTES_PER_DAY, minuteOf } from "./schedule/clock-time.ts";
import { toInstant, toWallClock } from "./schedule/wall-clock.ts";

/** When a person gets what has come together. */
export interface DigestWish {
  /** So many minutes apart, counted from midnight by the person's clocks; or else ... */
  window_minutes?: number;
  /** ... at these times of the day. */
  at?: readonly string[];
  /** Event types that go by themselves, at once. */
  except?: readonly string[];
}

/** What of a person's preferences says so. */
type Digested = { digest?: DigestWish };

/** What is due at the very instant at which a digest goes is in it: so long it waits for that. */
export const GATHERING_MS = MS_PER_MINUTE;
export const FEWEST_WINDOW_MINUTES = 5;
export const MOST_DIGESTS_A_DAY = 24;
/** Clocks are set back by less: what they show then is shown once more. */
const FARTHEST_BACK_MS = 3 * 3_600_000;
/** More than this are several messages. */
export const MOST_ITEMS = 50;

/** True where a message of this kind is to come together with others. */
export function isDigested(preferences: Digested | null | undefined, eventType: string): boolean {
  const { digest } = preferences ?? {};
  if (digest == null || minutesOf(digest).length === 0) return false;
  return !(Array.isArray(digest.except) && digest.except.includes(eventType));
}

/**
 * When a message goes that is due at `at`, along with all that is due for the person until then: the next of the times that this
 * person named, this very instant included, and a little later. Pure; by the clocks of `zone`. A wish that plain SQL has left
 * without a time is none.
 */
export function digestAt(at: Instant, wish: DigestWish, zone: string): Instant {
  const minutes = minutesOf(wish);
  if (minutes.length === 0) return at;
  const wall = toWallClock(at, zone);
  const today = Math.floor(wall / MS_PER_DAY);
  for (let day = today - 1; ; day += 1) {
    for (const minute of minutes) {
      const time = day * MS_PER_DAY + minute * MS_PER_MINUTE;
      if (time < wall - FARTHEST_BACK_MS) continue;
      // Later readings are never earlier instants, so the first that fits is the next.
      const instant = toInstant(time, zone);
      if (instant >= at) return instant + GATHERING_MS;
    }
  }
}

/**
 * When a message goes, where its person wants all of a time in one; null: by itself. What is due at the very end of a time, and so
 * fired a moment after (`now`), still belongs to it. Pure.
 */
export function togetherAt(
  { preferences, eventType, zone }: { preferences: Digested | null; eventType: string; zone: string },
  { occurrenceAt, now }: { occurrenceAt: Instant; now: Instant },
): Instant | null {
  if (!isDigested(preferences, eventType)) return null;
  const wish = preferences?.digest ?? {};
  const wanted = digestAt(occurrenceAt, wish, zone);
  return wanted > now ? wanted : digestAt(now, wish, zone);
}

/** Of a day, in minutes since midnight, ascending. */
function minutesOf({ window_minutes: apart, at }: DigestWish): number[] {
  if (typeof apart === "number" && apart >= FEWEST_WINDOW_MINUTES) {
    return Array.from({ length: Math.ceil(MINUTES_PER_DAY / apart) }, (_, n) => n * apart);
  }
  if (!Array.isArray(at)) return [];
  const minutes = at.map((time) => minuteOf(String(time))).filter((minute) => !Number.isNaN(minute));
  return minutes.sort((a, b) => a - b);
}
