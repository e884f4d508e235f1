import type { Calendars } from "./by-calendar.ts";
import { DEFAULT_MIN_INTERVAL_SECONDS } from "./check.ts";

/** What else decides whether and when a reminder is due. */
export interface Surroundings {
  /** The contact's time zone, else the tenant's. */
  contactZone: string | null;
  /** The calendars that it goes by or is to go by; not set: none. */
  calendars?: Calendars;
  /** Nobody may be reminded more often than this. */
  minIntervalSeconds: number;
}

export const PLAIN_SURROUNDINGS: Surroundings = {
  contactZone: null,
  minIntervalSeconds: DEFAULT_MIN_INTERVAL_SECONDS,
};
