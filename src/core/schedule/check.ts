import type { Instant } from "../instant.ts";
import type { Refusal } from "./fields.ts";
import type { Schedule } from "./kinds.ts";
import { RuleError } from "./rule-error.ts";
import { nextOccurrence, type Occurrence, type Timetable } from "./schedule.ts";

/** Nobody may be reminded more often than this, unless the operator says otherwise. */
export const DEFAULT_MIN_INTERVAL_SECONDS = 60;
/** So many occurrences are looked at to see how close they come, and none that lie further ahead: looking has its price. */
const LOOKED_AT = 500;
const LOOKED_AHEAD_MS = 400 * 86_400_000;

/** The outward name of the field that makes each kind what it is. */
const RULE_FIELD: Record<Schedule["type"], string> = {
  one_time: "run_at",
  recurring: "interval_minutes",
  cron: "cron",
  rrule: "rrule",
  offsets: "offsets",
  backoff: "interval_minutes",
};

/**
 * What is wrong with a timetable that somebody wishes for, as far as its first occurrences show it: none at all, two that
 * are too close, more jitter than room between them. Null: nothing.
 */
export function checkTimetable(timetable: Timetable, now: Instant, minIntervalSeconds: number): Refusal | null {
  try {
    return checkReadable(timetable, now, minIntervalSeconds);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return { kind: "invalid", field: RULE_FIELD[timetable.schedule.type], message: error.message };
  }
}

function checkReadable(timetable: Timetable, now: Instant, minIntervalSeconds: number): Refusal | null {
  const { schedule, bounds } = timetable;
  const { startAt, endAt, jitterSeconds } = bounds;
  const refuse = (field: string, message: string): Refusal => ({ kind: "invalid", field, message });
  if (startAt !== null && endAt !== null && endAt <= startAt) return refuse("end_at", "must be later than start_at");
  if (schedule.type === "one_time") return null;

  const field = RULE_FIELD[schedule.type];
  const even = { ...timetable, bounds: { ...bounds, jitterSeconds: 0 } };
  const first = nextOccurrence(even, now);
  if (first === null) {
    const unbounded = nextOccurrence({ ...even, bounds: { ...even.bounds, endAt: null } }, now);
    if (unbounded !== null) return refuse("end_at", "must be later than the first occurrence");
    const isPast =
      schedule.type === "offsets"
        ? "all of them have passed, or lie beyond the year 9999"
        : "it never comes to an occurrence";
    return refuse(field, `would never fire: ${isPast}`);
  }
  // What a calendar moves may come close to the next; that is at most once for each time that it is closed.
  const unmoved = timetable.business
    ? { ...even, business: { ...timetable.business, outside: "send" as const } }
    : even;
  const gapSeconds = closestSeconds(unmoved, first);
  if (gapSeconds < minIntervalSeconds) {
    return refuse(field, `would fire ${gapSeconds} s after the one before: the least is ${minIntervalSeconds} s`);
  }
  if (jitterSeconds > gapSeconds) {
    return refuse("jitter_seconds", `must be at most ${gapSeconds}, the time from one occurrence to the next`);
  }
  return null;
}

/** The shortest time between two of the first occurrences, in seconds. */
function closestSeconds(timetable: Timetable, first: Occurrence): number {
  const { schedule } = timetable;
  if (schedule.type === "recurring" || schedule.type === "backoff") return schedule.intervalMinutes * 60;
  let closestMs = Number.POSITIVE_INFINITY;
  let last = first;
  for (let seen = 1; seen < LOOKED_AT; seen += 1) {
    const next = nextOccurrence(timetable, last.at, last.wallAt);
    if (next === null) break;
    closestMs = Math.min(closestMs, next.at - last.at);
    if (next.at - first.at > LOOKED_AHEAD_MS) break;
    last = next;
  }
  return closestMs / 1_000;
}
