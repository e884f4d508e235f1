import type { Instant } from "./instant.ts";
import { MS_PER_DAY } from "./schedule/calendar.ts";

/** Over what messages go that a channel can't deliver. */
export interface Fallback {
  channel: string;
  /** Also once a message has only failed for so long, in milliseconds; null: only when it has failed for good. */
  afterMs: number | null;
}

/** By the channel that can't deliver; null: over none, whatever holds for others. */
export type Fallbacks = ReadonlyMap<string, Fallback | null>;

export const NO_FALLBACKS: Fallbacks = new Map();

export const SHORTEST_DOWN_MS = 60_000;
export const LONGEST_DOWN_MS = 7 * MS_PER_DAY;

/**
 * A message over a fallback bears the number of the one that it stands in for and this. Those whom an occurrence is for have smaller
 * ones, and each channel is tried once, so that a `smallint` has room for all.
 */
export const PER_HOP = 1_000;

/** What a tenant has said itself counts before what the installation says, channel by channel. */
export function fallbacksWith(shared: Fallbacks, own: Fallbacks): Fallbacks {
  return own.size === 0 ? shared : new Map([...shared, ...own]);
}

/** The channels that are left for a message which `channel` can't deliver, in their order: each once, and none of those tried. */
export function channelsAfter(channel: string, tried: readonly string[], fallbacks: Fallbacks): string[] {
  const seen = new Set([...tried, channel]);
  const left: string[] = [];
  for (let next = nextOf(channel, fallbacks); next !== null && !seen.has(next); next = nextOf(next, fallbacks)) {
    seen.add(next);
    left.push(next);
  }
  return left;
}

/** A way that leads back to a channel that it has passed, as far as there; null: there is none. */
export function circleIn(fallbacks: Fallbacks): string[] | null {
  for (const channel of fallbacks.keys()) {
    const way = [channel, ...channelsAfter(channel, [], fallbacks)];
    const next = nextOf(way.at(-1) as string, fallbacks);
    if (next !== null) return [...way.slice(way.indexOf(next)), next];
  }
  return null;
}

function nextOf(channel: string, fallbacks: Fallbacks): string | null {
  return fallbacks.get(channel)?.channel ?? null;
}

/** In how many milliseconds what has only failed goes over its fallback though it may pass: 0 is now; null: not before it has failed for good. */
export function goesOverInMs(
  fallback: Fallback | null | undefined,
  firstFailedAt: Instant,
  now: Instant,
): number | null {
  if (!fallback || fallback.afterMs === null) return null;
  return Math.max(0, firstFailedAt + fallback.afterMs - now);
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: MS_PER_DAY };

/** Completes "must be". */
export const DOWN_RULE = "a time from 1m to 7d, like 15m, 2h or 1d";

/** A time like 15m, in milliseconds; null for what is none. */
export function readDownTime(text: string): number | null {
  const [, digits = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
  return ms >= SHORTEST_DOWN_MS && ms <= LONGEST_DOWN_MS ? ms : null;
}

/** What is wrong with fallbacks between channels of these names, in words that go on from "must be"; null: nothing. */
export function flawOfFallbacks(fallbacks: Fallbacks, names: readonly string[]): string | null {
  const named = [...fallbacks].flatMap(([channel, fallback]) => (fallback ? [channel, fallback.channel] : [channel]));
  const unknown = named.find((name) => !names.includes(name));
  if (unknown !== undefined)
    return `made of channels that there are: ${JSON.stringify(unknown)} is none of ${names.join(", ")}`;
  const itself = [...fallbacks].find(([channel, fallback]) => fallback?.channel === channel);
  if (itself) return `for each channel another one: ${itself[0]} can't stand in for itself`;
  const circle = circleIn(fallbacks);
  return circle && `without a circle: ${circle.join(" -> ")}`;
}

/** Fallbacks as settings write them: `slack:email:15m,sms:email`. A text is what is wrong with them, and goes on from "must be". */
export function readFallbacks(text: string, names: readonly string[]): Fallbacks | string {
  const fallbacks = new Map<string, Fallback>();
  for (const part of text.split(",").map((part) => part.trim())) {
    const [channel = "", to = "", after, ...more] = part.split(":").map((word) => word.trim());
    if (channel === "" || to === "" || more.length > 0) return "a list like slack:email:15m,sms:email";
    if (fallbacks.has(channel)) return `for each channel one fallback: ${channel} has more than one`;
    const afterMs = after === undefined ? null : readDownTime(after);
    if (after !== undefined && afterMs === null)
      return `with ${DOWN_RULE} after the channels, which ${JSON.stringify(after)} isn't`;
    fallbacks.set(channel, { channel: to, afterMs });
  }
  return flawOfFallbacks(fallbacks, names) ?? fallbacks;
}
