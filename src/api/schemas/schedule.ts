import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import type { ReminderRecord } from "../../core/reminder.ts";
import { MAX_FACTOR, MIN_FACTOR } from "../../core/schedule/backoff.ts";
import { COUNTS_IN, OUTSIDE_WORKING_TIME } from "../../core/schedule/business.ts";
import type { ByCalendarFields } from "../../core/schedule/by-calendar.ts";
import { fieldsOf, type ScheduleFields } from "../../core/schedule/fields.ts";
import { type Bounds, MISFIRE_POLICIES, NO_BOUNDS, SCHEDULE_TYPES } from "../../core/schedule/kinds.ts";
import { MOST_OFFSETS } from "../../core/schedule/offsets.ts";
import { MAX_INTERVAL_MINUTES } from "../../core/schedule/recurring.ts";
import { LONGEST_RRULE } from "../../core/schedule/rrule.ts";
import { instant, isoInstant, line, text, wholeNumber } from "./fields.ts";

const DAY_SECONDS = 86_400;
const MOST_OCCURRENCES = 1_000_000;
const FACTOR = `must be a number from ${MIN_FACTOR} to ${MAX_FACTOR}`;

export const scheduleType = z
  .enum(SCHEDULE_TYPES)
  .describe(
    "`one_time`: once. `recurring`: every so many minutes. `cron`, `rrule`: by a rule on the wall clock. `offsets`: around a " +
      "date. `backoff`: after ever longer waits.",
  );

/** The fields of a request that say when, besides `schedule_type` and `run_at`. */
export const scheduleFields = {
  interval_minutes: wholeNumber({ min: 1, max: MAX_INTERVAL_MINUTES })
    .nullish()
    .describe("For `recurring`: minutes from one occurrence to the next. For `backoff`: the first wait."),
  interval_factor: z
    .number({ error: FACTOR })
    .min(MIN_FACTOR, FACTOR)
    .max(MAX_FACTOR, FACTOR)
    .nullish()
    .describe("For `backoff`: each wait is this many times the one before; 2 if you don't say."),
  max_interval_minutes: wholeNumber({ min: 1, max: MAX_INTERVAL_MINUTES })
    .nullish()
    .describe("For `backoff`: no wait is longer; 43200 (30 days) if you don't say."),
  cron: line(200)
    .nullish()
    .describe("For `cron`: minute, hour, day of month, month, day of week, as in `0 9 * * MON-FRI`; with L, W and #.")
    .meta({ example: "0 9 * * MON-FRI" }),
  rrule: text(LONGEST_RRULE)
    .nullish()
    .describe(
      "For `rrule`: RRULE, DTSTART, RDATE and EXDATE of RFC 5545 in lines, a bare `FREQ=...`, or a whole VEVENT or VTODO.",
    )
    .meta({ example: "DTSTART;TZID=Europe/Berlin:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR" }),
  offsets: z
    .array(line(50))
    .min(1)
    .max(MOST_OFFSETS)
    .nullish()
    .describe("For `offsets`: durations of ISO 8601 before and after `anchor_at`.")
    .meta({ example: ["-P7D", "-P1D", "PT0S", "P3D", "P7D"] }),
  anchor_at: instant.nullish().describe("For `offsets`: what they are counted from, a due date for instance."),
  start_at: instant
    .nullish()
    .describe("Nothing is due before. A rule or series that doesn't say where it begins begins here."),
  end_at: instant.nullish().describe("Nothing is due after."),
  max_occurrences: wholeNumber({ min: 1, max: MOST_OCCURRENCES })
    .nullish()
    .describe("It has fired for the last time when it has fired so often."),
  jitter_seconds: wholeNumber({ min: 0, max: DAY_SECONDS })
    .nullish()
    .describe(
      "Each occurrence is up to this much later, always the same for the same occurrence, so that not all come at once.",
    ),
  calendar: line(100).nullish().describe("The calendar that it goes by: see `/calendars`."),
  counts_in: z
    .enum(COUNTS_IN)
    .nullish()
    .describe(
      "What `interval_minutes` and `offsets` are counted in by the calendar. `working_time`: minutes and hours of it, and in " +
        "offsets working days. `working_days`: days, at the same time of day. `all_time` if you don't say.",
    ),
  outside_working_time: z
    .enum(OUTSIDE_WORKING_TIME)
    .nullish()
    .describe(
      "What becomes of an occurrence outside the calendar's working time. `next` (if you don't say): it moves to the next " +
        "opening. `previous`: to the last minute of the working time before. `send`: it stays.",
    ),
  misfire_policy: z
    .enum(MISFIRE_POLICIES)
    .nullish()
    .describe(
      "What becomes of occurrences that no worker fired within a minute. `catch_up_once` (if you don't say): one message " +
        "stands for all. `skip`: none. `all`: each has its own, of very many the ten newest.",
    ),
};

const ScheduleWish = z.object(scheduleFields);
type ScheduleWish = Partial<z.output<typeof ScheduleWish>>;

/** The rule's fields of a request. */
export function toScheduleFields(wish: ScheduleWish): ScheduleFields {
  return {
    intervalMinutes: wish.interval_minutes,
    intervalFactor: wish.interval_factor,
    maxIntervalMinutes: wish.max_interval_minutes,
    cron: wish.cron,
    rrule: wish.rrule,
    offsets: wish.offsets,
    anchorAt: wish.anchor_at,
  };
}

/** What a request says about a calendar. */
export function toByCalendarFields(wish: ScheduleWish): ByCalendarFields {
  return { calendar: wish.calendar, countsIn: wish.counts_in, outside: wish.outside_working_time };
}

type BoundsEdit = { [Name in keyof Bounds]: Bounds[Name] | undefined };

/** What a request says about a schedule's bounds: null takes one away. */
export function toBoundsEdit(wish: ScheduleWish): BoundsEdit {
  return {
    startAt: wish.start_at,
    endAt: wish.end_at,
    maxOccurrences: wish.max_occurrences,
    jitterSeconds: wish.jitter_seconds === null ? NO_BOUNDS.jitterSeconds : wish.jitter_seconds,
    misfirePolicy: wish.misfire_policy === null ? NO_BOUNDS.misfirePolicy : wish.misfire_policy,
  };
}

/** The bounds of a new reminder: `NO_BOUNDS` itself where nothing unusual is said. */
export function toBounds(wish: ScheduleWish): Bounds {
  const bounds: Bounds = {
    startAt: wish.start_at ?? NO_BOUNDS.startAt,
    endAt: wish.end_at ?? NO_BOUNDS.endAt,
    maxOccurrences: wish.max_occurrences ?? NO_BOUNDS.maxOccurrences,
    jitterSeconds: wish.jitter_seconds ?? NO_BOUNDS.jitterSeconds,
    misfirePolicy: wish.misfire_policy ?? NO_BOUNDS.misfirePolicy,
  };
  return isUsual(bounds) ? NO_BOUNDS : bounds;
}

function isUsual(bounds: Bounds): boolean {
  return (
    bounds.startAt === NO_BOUNDS.startAt &&
    bounds.endAt === NO_BOUNDS.endAt &&
    bounds.maxOccurrences === NO_BOUNDS.maxOccurrences &&
    bounds.jitterSeconds === NO_BOUNDS.jitterSeconds &&
    bounds.misfirePolicy === NO_BOUNDS.misfirePolicy
  );
}

/** The same fields in an answer. */
export const shownSchedule = {
  interval_minutes: z.int().nullable(),
  interval_factor: z.number().nullable(),
  max_interval_minutes: z.int().nullable(),
  cron: z.string().nullable(),
  rrule: z.string().nullable().describe("As it was given, and with the DTSTART that it began with."),
  offsets: z.array(z.string()).nullable(),
  anchor_at: isoInstant.nullable(),
  start_at: isoInstant.nullable(),
  end_at: isoInstant.nullable(),
  max_occurrences: z.int().nullable(),
  jitter_seconds: z.int(),
  misfire_policy: z.enum(MISFIRE_POLICIES),
  calendar: z.string().nullable(),
  counts_in: z.enum(COUNTS_IN).nullable(),
  outside_working_time: z.enum(OUTSIDE_WORKING_TIME).nullable(),
};
const ShownSchedule = z.object(shownSchedule);

export function toScheduleJson({
  schedule,
  bounds,
  business,
}: Pick<ReminderRecord, "schedule" | "bounds" | "business">): z.output<typeof ShownSchedule> {
  const fields = fieldsOf(schedule);
  return {
    interval_minutes: fields.intervalMinutes ?? null,
    interval_factor: fields.intervalFactor ?? null,
    max_interval_minutes: fields.maxIntervalMinutes ?? null,
    cron: fields.cron ?? null,
    rrule: fields.rrule ?? null,
    offsets: fields.offsets ? [...fields.offsets] : null,
    anchor_at: toIso(fields.anchorAt ?? null),
    start_at: toIso(bounds.startAt),
    end_at: toIso(bounds.endAt),
    max_occurrences: bounds.maxOccurrences,
    jitter_seconds: bounds.jitterSeconds,
    misfire_policy: bounds.misfirePolicy,
    calendar: business?.calendar ?? null,
    counts_in: business?.countsIn ?? null,
    outside_working_time: business?.outside ?? null,
  };
}

export const exampleSchedule = {
  interval_minutes: 60,
  interval_factor: null,
  max_interval_minutes: null,
  cron: null,
  rrule: null,
  offsets: null,
  anchor_at: null,
  start_at: null,
  end_at: null,
  max_occurrences: null,
  jitter_seconds: 0,
  misfire_policy: "catch_up_once",
  calendar: null,
  counts_in: null,
  outside_working_time: null,
};
