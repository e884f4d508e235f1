import type { Span } from "./evidence.ts";
import type { Random } from "./random.ts";

/** What somebody says of whoever is to be reached. */
export interface ContactWish {
  email: string;
  zone: Zone;
  quiet?: Span;
  /** True where somebody stands behind it. */
  isManaged?: boolean;
  /** What its webhook answers; see `hooks.ts`. Not set: it has none. */
  script?: string;
  preferences?: {
    /** Times of the day in milliseconds of UTC's, and the event types that don't wait for them. */
    digest?: { times: readonly number[]; except: readonly string[] };
    perDay?: number;
    isTogether?: boolean;
  };
}

/** A zone whose clocks are always so far from those of UTC. */
export interface Zone {
  name: string | null;
  aheadMs: number;
}

const DAY_MS = 24 * 3_600_000;
export const UTC: Zone = { name: null, aheadMs: 0 };
const ZONES: Zone[] = [
  UTC,
  { name: "Asia/Kolkata", aheadMs: 5.5 * 3_600_000 },
  { name: "America/Phoenix", aheadMs: -7 * 3_600_000 },
];

export function drawZone(random: Random): Zone {
  return random.pick(ZONES);
}

/** As the API takes it. `hooksUrl`: where webhooks are answered. */
export function contactBody(
  { email, zone, quiet, isManaged, script, preferences }: ContactWish,
  hooksUrl: string,
): object {
  const { digest, perDay, isTogether } = preferences ?? {};
  const told = {
    ...(digest ? { digest: { at: digest.times.map((time) => clockTime(time, zone)), except: digest.except } } : {}),
    ...(perDay ? { max_per_day: perDay, over_budget: isTogether ? "digest" : "hold" } : {}),
  };
  return {
    email,
    ...(zone.name ? { time_zone: zone.name } : {}),
    ...(quiet ? { quiet_hours: quietHoursOf(quiet, zone) } : {}),
    ...(isManaged ? { manager: { entity_type: "boss", entity_id: "1" } } : {}),
    // Each has a URL of its own: once it has answered 410, nothing goes there any more.
    ...(script ? { addresses: { webhook: `${hooksUrl}${script}?${encodeURIComponent(email)}` } } : {}),
    ...(preferences ? { preferences: told } : {}),
  };
}

/** On the clocks of a zone. */
export function quietHoursOf({ from, until }: Span, zone: Zone): { from: string; to: string }[] {
  const to = clockTime(until, zone);
  return [{ from: clockTime(from, zone), to: to === "00:00" ? "24:00" : to }];
}

/** An instant, or a time of UTC's day, as the clocks of a zone show it. */
function clockTime(time: number, { aheadMs }: Zone): string {
  const minutes = Math.floor(((time + aheadMs + DAY_MS) % DAY_MS) / 60_000);
  return [minutes / 60, minutes % 60].map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

/** When in UTC's day an instant is. */
export function timeOfDay(instant: number): number {
  return instant % DAY_MS;
}
