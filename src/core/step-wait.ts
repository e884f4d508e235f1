import type { Instant } from "./instant.ts";
import type { Step } from "./policy.ts";
import type { BusinessTime } from "./schedule/business.ts";
import { addWorkingDays, addWorkingMs } from "./schedule/business-time.ts";
import { MS_PER_DAY } from "./schedule/calendar.ts";

interface Waiting {
  occurrenceAt: Instant;
  base: Instant;
  deadlineAt: Instant | null;
  business: BusinessTime | undefined;
}

/** When a step is given again after it was due at `occurrenceAt`: later than `base`, and how many of its instants have passed besides. */
export function waited(
  interval: NonNullable<Step["interval"]>,
  { occurrenceAt, base, deadlineAt, business }: Waiting,
): { at: Instant; missed: number } {
  // Counted from when it was due, so that firing late doesn't shift what follows; unless that has passed as well.
  const from = (at: Instant): Instant => waitFrom(interval, at, deadlineAt, business);
  if (interval.kind === "cadence" || isCounted(interval.ms, business)) {
    const at = from(occurrenceAt);
    return { at: at > base ? at : from(base), missed: 0 };
  }
  const passed = Math.floor((base - occurrenceAt) / interval.ms);
  return { at: occurrenceAt + (passed + 1) * interval.ms, missed: passed };
}

function waitFrom(
  interval: NonNullable<Step["interval"]>,
  at: Instant,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): Instant {
  if (interval.kind === "cadence") {
    const { shortestMs, longestMs, share } = interval;
    const distance = deadlineAt === null ? Number.POSITIVE_INFINITY : Math.abs(deadlineAt - at);
    return at + Math.round(Math.min(longestMs, Math.max(shortestMs, distance * share)));
  }
  const worked = business ? addCounted(business, at, interval.ms) : null;
  return worked === null || worked <= at ? at + interval.ms : worked;
}

/** Whether the reminder's calendar counts it: of working days only whole ones, others are elapsed time. */
function isCounted(ms: number, business: BusinessTime | undefined): boolean {
  return business?.countsIn === "working_time" || (business?.countsIn === "working_days" && ms % MS_PER_DAY === 0);
}

function addCounted({ calendar, countsIn }: BusinessTime, at: Instant, ms: number): Instant | null {
  return countsIn === "working_days" ? addWorkingDays(calendar, at, ms / MS_PER_DAY) : addWorkingMs(calendar, at, ms);
}
