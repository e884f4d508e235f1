import { asNextRun, NEVER, type NextRun } from "./decide.ts";
import { type Instant, MS_PER_MINUTE } from "./instant.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import type { ReminderRecord } from "./reminder.ts";
import { isSameJson } from "./same-json.ts";
import { boundOfOneTime } from "./schedule/begin.ts";
import {
  type ByCalendar,
  type ByCalendarFields,
  editedByCalendar,
  misplacedCount,
  missingCalendar,
  NO_CALENDARS,
  toBusinessTime,
} from "./schedule/by-calendar.ts";
import { checkTimetable } from "./schedule/check.ts";
import { fieldsOf, misplacedField, type Refusal, type ScheduleFields, toRule } from "./schedule/fields.ts";
import { type Bounds, NO_BOUNDS, type Schedule } from "./schedule/kinds.ts";
import { askedOccurrence, nextOccurrence, type Timetable } from "./schedule/schedule.ts";
import { PLAIN_SURROUNDINGS, type Surroundings } from "./schedule/surroundings.ts";
import { firstZone } from "./schedule/zone.ts";

/** The part of an edit that is about when. What is undefined stays as it is. */
export interface ScheduleEdit extends ScheduleFields {
  scheduleType?: Schedule["type"] | undefined;
  runAt?: Instant | undefined;
  timeZone?: string | null | undefined;
  bounds?: { [Name in keyof Bounds]?: Bounds[Name] | undefined } | undefined;
  business?: ByCalendarFields | undefined;
}

export type Rescheduled =
  | ({
      kind: "rescheduled";
      schedule: Schedule;
      bounds: Bounds;
      business: ByCalendar | null;
      runAt: Instant | null;
    } & NextRun)
  | Refusal;

/**
 * When a reminder is due after an edit of its schedule. Pure, and the same edit again changes nothing.
 *
 * - `runAt`: it is due then, and goes on by its rule; a recurring one in whole intervals from there. One in the past means:
 *   at once. A one-time reminder that has fired, but whose message is still on its way, is armed anew.
 * - `intervalMinutes` of a recurring one: the new interval counts from when it last fired (from its creation, if it never
 *   has). If that has passed already, it is due one new interval from now, or when it was due anyway, if that is sooner, though
 *   not before its start. A next run that was asked for by `runAt` stays, unless the start is set behind it.
 * - `scheduleType` to recurring needs an interval: the next run stays, unless it is before the start, and the intervals count from it.
 * - `scheduleType` to one_time: the next run stays and is the last.
 * - Any other change of the rule, its bounds, its zone or its calendar: due at the next occurrence from now on.
 */
export function reschedule(
  reminder: ReminderRecord,
  edit: ScheduleEdit,
  now: Instant,
  surroundings: Surroundings = PLAIN_SURROUNDINGS,
): Rescheduled {
  const type = edit.scheduleType ?? reminder.schedule.type;
  const business = editedByCalendar(reminder.business, edit.business ?? {});
  if (business !== null && "kind" in business) return business;
  const missing = missingCalendar(business, surroundings.calendars ?? NO_CALENDARS);
  if (missing) return missing;
  const isPlain = type === "one_time" || type === "recurring";
  const when =
    isPlain && business !== null
      ? byCalendar(type, reminder, edit, now, { ...surroundings, business })
      : isPlain
        ? byInterval(type, withoutCalendar(reminder, now), edit, now)
        : byRule(type, reminder, edit, now, { ...surroundings, business });
  if (when.kind === "invalid") return when;
  const miscounted = misplacedCount(when.schedule, business);
  if (miscounted) return miscounted;

  const timetable = timetableAfter(reminder, edit, when, surroundings);
  const isChanged =
    when.bounds !== reminder.bounds ||
    business !== reminder.business ||
    !isSame(timetable, plainTimetable(reminder, surroundings.contactZone));
  if (!isChanged) return when;
  const { maxOccurrences } = when.bounds;
  if (maxOccurrences !== null && maxOccurrences <= reminder.occurrenceCount) {
    return invalid("max_occurrences", `must be more than ${reminder.occurrenceCount}, as often as it has fired`);
  }
  return checkTimetable(timetable, now, surroundings.minIntervalSeconds) ?? when;
}

function byInterval(
  type: "one_time" | "recurring",
  reminder: ReminderRecord,
  edit: ScheduleEdit,
  now: Instant,
): Rescheduled {
  const formerInterval = reminder.schedule.type === "recurring" ? reminder.schedule.intervalMinutes : null;
  const intervalMinutes = edit.intervalMinutes === undefined ? formerInterval : edit.intervalMinutes;
  const misplaced = misplacedField(type, {
    ...edit,
    intervalMinutes: type === "one_time" ? edit.intervalMinutes : intervalMinutes,
  });
  if (misplaced) return misplaced;

  const { bounds, areMoved } = boundsAfter(type === "one_time" ? onceOnly(reminder) : reminder, edit);
  const misbound = type === "one_time" ? boundOfOneTime(bounds) : null;
  if (misbound) return misbound;
  const runAt = edit.runAt ?? reminder.runAt;
  const askedFor = askedForNext(reminder, edit.runAt, now);
  const done = (schedule: Schedule, nextRunAt: Instant | null): Rescheduled => ({
    ...{ kind: "rescheduled", schedule, bounds, business: null, runAt, nextRunAt },
    nextWallAt: null,
  });

  if (type === "one_time") return done({ type }, askedFor ?? reminder.nextRunAt);
  if (askedFor === null && intervalMinutes === formerInterval) {
    if (!areMoved) return done(reminder.schedule, reminder.nextRunAt);
    const timetable = { schedule: reminder.schedule, bounds, zone: "UTC", of: reminder };
    return done(reminder.schedule, nextFromNow(timetable, reminder, now).nextRunAt);
  }
  const nextRunAt = askedFor ?? nextByInterval(reminder, intervalMinutes as number, bounds.startAt, now);
  const anchorAt = askedFor === null ? nextRunAt : (runAt ?? askedFor);
  return done({ type, intervalMinutes: intervalMinutes as number, anchorAt }, nextRunAt);
}

/** One that goes by a calendar, or is to: due where that lets it be, and in intervals from when it last fired, if they change. */
function byCalendar(
  type: "one_time" | "recurring",
  reminder: ReminderRecord,
  edit: ScheduleEdit,
  now: Instant,
  surroundings: Surroundings & { business: ByCalendar },
): Rescheduled {
  const { business } = surroundings;
  const when = byInterval(type, reminder, edit, now);
  if (when.kind === "invalid") return when;
  const { runAt, bounds } = when;
  const last = Math.max(now, reminder.lastOccurrenceAt ?? now);
  const isChanged = business !== reminder.business || edit.timeZone !== undefined || when.bounds !== reminder.bounds;
  if (!isChanged && isSame(asTimetable(when, reminder), asTimetable(reminder, reminder)) && edit.runAt === undefined) {
    return { ...when, business, nextRunAt: reminder.nextRunAt, nextWallAt: reminder.nextWallAt };
  }
  const isNewInterval =
    when.schedule !== reminder.schedule && when.schedule.type === "recurring" && edit.runAt === undefined;
  const anchorAt = reminder.lastOccurrenceAt ?? reminder.createdAt;
  const schedule: Schedule =
    isNewInterval && when.schedule.type === "recurring" ? { ...when.schedule, anchorAt } : when.schedule;
  const timetable = timetableAfter(reminder, edit, { schedule, bounds, business }, surroundings);
  const asked = askedForNext(reminder, edit.runAt, now) ?? (type === "one_time" ? meantOnce(reminder) : null);
  const next = asked === null ? nextOccurrence(timetable, last) : askedOccurrence(timetable, asked);
  const isDone = type === "one_time" && asked === null;
  return { ...when, schedule, business, runAt, ...(isDone ? NEVER : asNextRun(next)) };
}

/** As it would be if no calendar had moved when it is due next; the same where none has. */
function withoutCalendar(reminder: ReminderRecord, now: Instant): ReminderRecord {
  const { schedule, bounds, business, nextRunAt } = reminder;
  if (business === null || nextRunAt === null) return reminder;
  if (schedule.type === "one_time") return { ...reminder, nextRunAt: meantOnce(reminder) };
  if (schedule.type !== "recurring") return reminder;
  return { ...reminder, ...nextFromNow({ schedule, bounds, zone: "UTC", of: reminder }, reminder, now) };
}

/** When a reminder that is due once was meant to be, before a calendar moved it. */
function meantOnce({
  schedule,
  business,
  lastOccurrenceAt,
  runAt,
  createdAt,
  nextRunAt,
}: ReminderRecord): Instant | null {
  const isMoved = schedule.type === "one_time" && business !== null && lastOccurrenceAt === null && nextRunAt !== null;
  return isMoved ? (runAt ?? createdAt) : nextRunAt;
}

function asTimetable({ schedule, bounds }: { schedule: Schedule; bounds: Bounds }, of: ReminderRecord): Timetable {
  return { schedule, bounds, zone: "UTC", of };
}

function byRule(
  type: Exclude<Schedule["type"], "one_time" | "recurring">,
  reminder: ReminderRecord,
  edit: ScheduleEdit,
  now: Instant,
  surroundings: Surroundings & { business: ByCalendar | null },
): Rescheduled {
  const { contactZone, business } = surroundings;
  const zone = zoneAfter(reminder, edit, contactZone);
  const { bounds, areMoved } = boundsAfter(reminder, edit);
  const schedule = toRule(type, edit, { former: reminder.schedule, beginsAt: bounds.startAt ?? now, zone });
  if ("kind" in schedule) return schedule;

  const runAt = edit.runAt ?? reminder.runAt;
  const kept = { kind: "rescheduled", schedule, bounds, business, runAt } as const;
  const askedFor = askedForNext(reminder, edit.runAt, now);
  const timetable = timetableAfter(reminder, edit, kept, surroundings);
  if (askedFor !== null) return { ...kept, ...asNextRun(askedOccurrence(timetable, askedFor)) };
  const areSame = isSame(timetable, plainTimetable(reminder, contactZone)) && business === reminder.business;
  if (areSame && !areMoved) {
    return { ...kept, schedule: reminder.schedule, nextRunAt: reminder.nextRunAt, nextWallAt: reminder.nextWallAt };
  }
  const wrong = misplacedCount(schedule, business);
  return wrong ?? { ...kept, ...nextFromNow(timetable, reminder, now) };
}

function nextFromNow(timetable: Timetable, reminder: ReminderRecord, now: Instant): NextRun {
  return asNextRun(nextOccurrence(timetable, Math.max(now, reminder.lastOccurrenceAt ?? now)));
}

/** What narrows a series means nothing for its single last run. */
function onceOnly(reminder: ReminderRecord): ReminderRecord {
  const { misfirePolicy } = reminder.bounds;
  const bounds = boundOfOneTime(reminder.bounds) === null ? reminder.bounds : { ...NO_BOUNDS, misfirePolicy };
  return { ...reminder, bounds };
}

/** The same object where nothing changes. `areMoved`: whether that may move the next run. */
function boundsAfter(reminder: ReminderRecord, edit: ScheduleEdit): { bounds: Bounds; areMoved: boolean } {
  const former = reminder.bounds;
  const said = Object.entries(edit.bounds ?? {}).filter(([, value]) => value !== undefined);
  const bounds = { ...former, ...Object.fromEntries(said) } as Bounds;
  const isLast = former.maxOccurrences !== null && reminder.occurrenceCount >= former.maxOccurrences;
  const areMoved =
    bounds.startAt !== former.startAt ||
    bounds.endAt !== former.endAt ||
    bounds.jitterSeconds !== former.jitterSeconds ||
    // What had fired for the last time goes on, if it may more often.
    (isLast && bounds.maxOccurrences !== former.maxOccurrences);
  const isSame =
    !areMoved && bounds.maxOccurrences === former.maxOccurrences && bounds.misfirePolicy === former.misfirePolicy;
  return { bounds: isSame ? former : bounds, areMoved };
}

function zoneAfter(reminder: ReminderRecord, edit: ScheduleEdit, contactZone: string | null): string {
  return firstZone(edit.timeZone === undefined ? reminder.timeZone : edit.timeZone, contactZone);
}

function timetableAfter(
  reminder: ReminderRecord,
  edit: ScheduleEdit,
  { schedule, bounds, business }: { schedule: Schedule; bounds: Bounds; business: ByCalendar | null },
  { contactZone, calendars }: Surroundings,
): Timetable {
  const timetable = { schedule, bounds, zone: zoneAfter(reminder, edit, contactZone), of: reminder };
  if (business === null) return timetable;
  return {
    ...timetable,
    business: toBusinessTime(business, calendars?.get(business.calendar)),
    since: reminder.createdAt,
  };
}

/** As it is, whatever calendar it goes by. */
function plainTimetable(reminder: ReminderRecord, contactZone: string | null): Timetable {
  const { schedule, bounds, timeZone } = reminder;
  return { schedule, bounds, zone: firstZone(timeZone, contactZone), of: reminder };
}

function isSame(a: Timetable, b: Timetable): boolean {
  return a.zone === b.zone && a.schedule.type === b.schedule.type && isSameJson(plain(a.schedule), plain(b.schedule));
}

function plain(schedule: Schedule): { [name: string]: string | number | string[] } {
  return Object.fromEntries(
    Object.entries(fieldsOf(schedule)).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]),
  );
}

/** The next run that the edit asks for by its `runAt`; null when it asks for none that was not asked for before. */
function askedForNext(reminder: ReminderRecord, runAt: Instant | undefined, now: Instant): Instant | null {
  if (runAt === undefined || (runAt === reminder.runAt && runAt <= now)) return null;
  return afterLastOccurrence(runAt, reminder);
}

function nextByInterval(
  reminder: ReminderRecord,
  intervalMinutes: number,
  startAt: Instant | null,
  now: Instant,
): Instant {
  const { nextRunAt, runAt, schedule, bounds, lastRunAt, createdAt } = reminder;
  const isStartSetBehind = startAt !== null && startAt !== bounds.startAt && nextRunAt !== null && nextRunAt < startAt;
  if (nextRunAt !== null && nextRunAt === runAt && !isStartSetBehind) return nextRunAt;

  const notBeforeStart = (at: Instant): Instant => Math.max(at, startAt ?? at);
  if (nextRunAt !== null && schedule.type !== "recurring") return notBeforeStart(nextRunAt);
  const intervalMs = intervalMinutes * MS_PER_MINUTE;
  const counted = (lastRunAt ?? createdAt) + intervalMs;
  const next = counted > now ? counted : Math.min(nextRunAt ?? Number.POSITIVE_INFINITY, now + intervalMs);
  return afterLastOccurrence(notBeforeStart(next), reminder);
}

function invalid(field: string, message: string): Refusal {
  return { kind: "invalid", field, message };
}
