import { asNextRun, type NextRun } from "./decide.ts";
import { placed, stepToCome } from "./escalation.ts";
import type { People } from "./people.ts";
import type { Policy } from "./policy.ts";
import { againByPolicy } from "./policy-again.ts";
import type { Bounds, Instant, ReminderRecord, Schedule } from "./reminder.ts";
import type { ByCalendar } from "./schedule/by-calendar.ts";
import { nextOccurrence, type Occurrence, type Timetable, timetableOf } from "./schedule/schedule.ts";
import type { Surroundings } from "./schedule/surroundings.ts";

/** What an edit makes of a reminder, as far as its policy may have a say in it. */
interface Edited extends NextRun {
  schedule: Schedule;
  bounds: Bounds;
  business: ByCalendar | null;
  runAt: ReminderRecord["runAt"];
  people: People;
  timeZone: string | null;
  /** True where it says itself when it is due. */
  isAsked: boolean;
}

/**
 * When a reminder is due by its policy, though its rule, its bounds or its deadline are others: no step waits for the schedule to come round because of
 * that. Where it goes by another policy from now on, or by none, its schedule says when. Null: it is due as the edit says.
 */
export function byItsPolicy(
  edited: Edited,
  reminder: ReminderRecord,
  { now, policy, contactZone, calendars }: Surroundings & { now: Instant; policy: Policy | null },
): NextRun | null {
  const { schedule, bounds, business, runAt, people, timeZone, nextRunAt } = edited;
  const { lastOccurrenceAt, occurrenceCount } = reminder;
  const isMoved = nextRunAt !== reminder.nextRunAt;
  const isAnother = people.policy !== reminder.people.policy;
  const isSame = !isMoved && people.deadlineAt === reminder.people.deadlineAt;
  if (isAnother ? reminder.people.escalation === null : policy === null || isSame) return null;
  const isAsked =
    edited.isAsked || schedule.type === "one_time" || (!isMoved && nextRunAt !== null && nextRunAt === runAt);
  const isDue = !isMoved && nextRunAt !== null && nextRunAt <= now;
  const isLast = bounds.maxOccurrences !== null && occurrenceCount >= bounds.maxOccurrences;
  if (isAsked || isDue || isLast) return null;
  const calendar = business && calendars?.get(business.calendar);
  const timetable = timetableOf({ ...reminder, schedule, bounds, business, timeZone }, contactZone, calendar);
  const after = Math.max(now, lastOccurrenceAt ?? now);
  const scheduled = isMoved ? asOccurrence(edited) : nextOccurrence(timetable, after);
  // When the next step of the former policy was due is nothing to it.
  if (isAnother || policy === null) return scheduled && asNextRun(scheduled);
  // Nothing comes after its last message, which is on its way or due again.
  if (people.escalation?.isOver) return asItWas(reminder);
  const step = againByPolicy({ people, lastOccurrenceAt }, policy, timetable, now, scheduled);
  if (step?.nextRunAt == null) return null;
  const hasBegun = ({ escalation, deadlineAt }: People): boolean => {
    const begin = escalation && stepToCome(policy, escalation, deadlineAt, timetable.business);
    return begin !== null && begin <= after;
  };
  const formerStart = reminder.bounds.startAt;
  const waitedForStart = formerStart !== null && formerStart > now && formerStart !== bounds.startAt;
  // It comes later only because the message of the one before it was held back, and keeps its distance to that.
  const isPutOff = !waitedForStart && hasBegun(people) && hasBegun(reminder.people);
  const putOff = isPutOff ? stillPutOff(reminder, timetable, now) : null;
  return putOff ?? step;
}

/** When what was put off comes, where the calendar lets it be; null: it wasn't put off, or not before its end. */
function stillPutOff({ nextRunAt, nextWallAt }: NextRun, timetable: Timetable, now: Instant): NextRun | null {
  if (nextRunAt === null || nextRunAt <= now) return null;
  const at = placed(timetable, nextRunAt, now);
  const { endAt } = timetable.bounds;
  if (endAt !== null && at > endAt) return null;
  return { nextRunAt: at, nextWallAt: at === nextRunAt ? nextWallAt : null };
}

function asItWas({ nextRunAt, nextWallAt }: NextRun): NextRun {
  return { nextRunAt, nextWallAt };
}

function asOccurrence({ nextRunAt, nextWallAt }: NextRun): Occurrence | null {
  return nextRunAt === null ? null : { at: nextRunAt, meantAt: nextRunAt, wallAt: nextWallAt };
}
