import { asNextRun, type NextRun } from "./decide.ts";
import { placed, stepInForce, stepToCome } from "./escalation.ts";
import type { Instant } from "./instant.ts";
import type { People } from "./people.ts";
import type { Policy } from "./policy.ts";
import { againByPolicy } from "./policy-again.ts";
import type { ReminderRecord } from "./reminder.ts";
import type { ByCalendar } from "./schedule/by-calendar.ts";
import type { Bounds, Schedule } from "./schedule/kinds.ts";
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
  const { schedule, bounds, business, people, timeZone } = edited;
  const { lastOccurrenceAt } = reminder;
  const isMoved = edited.nextRunAt !== reminder.nextRunAt;
  const isAnother = people.policy !== reminder.people.policy;
  const isSame = !isMoved && people.deadlineAt === reminder.people.deadlineAt;
  if (isAnother ? reminder.people.escalation === null : policy === null || isSame) return null;
  if (isDueAsItSays(edited, reminder, now)) return null;
  const calendar = business && calendars?.get(business.calendar);
  const timetable = timetableOf({ ...reminder, schedule, bounds, business, timeZone }, contactZone, calendar);
  const scheduled = isMoved ? asOccurrence(edited) : nextOccurrence(timetable, afterAll(now, reminder));
  // When the next step of the former policy was due is nothing to it.
  if (isAnother || policy === null) return scheduled && asNextRun(scheduled);
  // Nothing comes after its last message, which is on its way or due again.
  if (people.escalation?.isOver) return asItWas(reminder);
  const step = againByPolicy({ people, lastOccurrenceAt }, policy, timetable, now, scheduled);
  if (step?.nextRunAt == null) return null;
  const putOff = isPutOff(edited, reminder, { now, policy, timetable }) ? stillPutOff(reminder, timetable, now) : null;
  if (putOff === null) return step;
  return isMoved && comesFirst(scheduled, putOff, people, policy) ? asNextRun(scheduled) : putOff;
}

/** True where the instant was asked for or has come already, or nothing comes after what was. */
function isDueAsItSays(
  edited: Edited,
  { nextRunAt: formerly, occurrenceCount }: ReminderRecord,
  now: Instant,
): boolean {
  const { nextRunAt, runAt, schedule, bounds } = edited;
  const isKept = nextRunAt === formerly && nextRunAt !== null;
  const isLast = bounds.maxOccurrences !== null && occurrenceCount >= bounds.maxOccurrences;
  const isAsked = edited.isAsked || schedule.type === "one_time" || (isKept && nextRunAt === runAt);
  return isAsked || isLast || (isKept && nextRunAt <= now);
}

/**
 * True where the next step had begun before the edit, and comes later only because the message of the one before it was held back: it keeps its
 * distance to that. False where a start that the edit moves or takes away has it come later.
 */
function isPutOff(
  { bounds, people }: Edited,
  reminder: ReminderRecord,
  { now, policy, timetable }: { now: Instant; policy: Policy; timetable: Timetable },
): boolean {
  const { startAt } = reminder.bounds;
  if (startAt !== null && startAt > now && startAt !== bounds.startAt) return false;
  return [people, reminder.people].every(({ escalation, deadlineAt }) => {
    const begin = escalation && stepToCome(policy, escalation, deadlineAt, timetable.business);
    return begin !== null && begin <= afterAll(now, reminder);
  });
}

/** When what was put off comes, where the calendar lets it be; null: it wasn't put off, or not before its end. */
function stillPutOff({ nextRunAt, nextWallAt }: NextRun, timetable: Timetable, now: Instant): NextRun | null {
  if (nextRunAt === null || nextRunAt <= now) return null;
  const at = placed(timetable, nextRunAt, now);
  const { endAt } = timetable.bounds;
  if (endAt !== null && at > endAt) return null;
  return { nextRunAt: at, nextWallAt: at === nextRunAt ? nextWallAt : null };
}

/** True where its schedule, which goes on while a step is put off, comes before that; a step with an interval doesn't go by it. */
function comesFirst(
  scheduled: Occurrence | null,
  { nextRunAt }: NextRun,
  { escalation }: People,
  policy: Policy,
): scheduled is Occurrence {
  const goesBySchedule = escalation !== null && stepInForce(policy, escalation).interval === null;
  return goesBySchedule && scheduled !== null && nextRunAt !== null && scheduled.at < nextRunAt;
}

/** What is due later than this is neither past nor an occurrence that was. */
function afterAll(now: Instant, { lastOccurrenceAt }: Pick<ReminderRecord, "lastOccurrenceAt">): Instant {
  return Math.max(now, lastOccurrenceAt ?? now);
}

function asItWas({ nextRunAt, nextWallAt }: NextRun): NextRun {
  return { nextRunAt, nextWallAt };
}

function asOccurrence({ nextRunAt, nextWallAt }: NextRun): Occurrence | null {
  return nextRunAt === null ? null : { at: nextRunAt, meantAt: nextRunAt, wallAt: nextWallAt };
}
