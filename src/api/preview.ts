import type { Channels } from "../channels/registry.ts";
import { waysOf } from "../channels/ways.ts";
import { evaluate, isQuestion, NOTHING_KNOWN, notAsked } from "../conditions/evaluate.ts";
import { completionReasonOf, countsSent, isAsked } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import { type Ceiling, NO_CEILING } from "../core/ceiling.ts";
import type { Instant } from "../core/instant.ts";
import type { Asked, FactsThen, Standing } from "../core/life/world.ts";
import { awaitsOutcome } from "../core/lifecycle.ts";
import { prepare } from "../core/prepare.ts";
import { type Foreseen, type Foresight, foresee } from "../core/preview.ts";
import { type SaidEnd, type SaidOccurrence, sayEnd, sayOccurrence, saySummary } from "../core/preview-words.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import { clockOf, zoneOf } from "../core/schedule/origin.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { timetableOf } from "../core/schedule/schedule.ts";
import { readAnswer, type StopAnswer } from "../core/stop.ts";
import { lastOutcome } from "../store/ledger.ts";
import { asIfInserted } from "../store/new-reminders.ts";
import { readProspect } from "../store/prospect.ts";
import { findActive } from "../store/reminders.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { noReminder } from "./change-reminder.ts";
import type { ApiContext } from "./context.ts";
import { inTurns } from "./in-turns.ts";
import { readWith, toNewReminder, type Wish } from "./new-reminder.ts";
import { readSurroundings, type Surroundings } from "./surroundings.ts";

export type PreviewContext = Pick<ApiContext, "channels" | "minIntervalSeconds" | "ceiling" | "installation">;

/** A preview may take so long of this process's time, in milliseconds. */
const MOST_WORK_MS = 500;

/** How far is looked. */
export interface Reach {
  until: Instant;
  most: number;
}

/** What is seen from now on. */
export interface Preview {
  now: Instant;
  /** As it is; for a reminder that isn't there, as it would be. */
  reminder: ReminderRecord;
  /** Whose clocks instants are written by. */
  zone: string;
  occurrences: (Foreseen & SaidOccurrence)[];
  end: (SaidEnd & { at: Instant }) | null;
  stoppedBy: Foresight["stoppedBy"] | "state";
  summary: string;
  /** What all this takes for granted, in sentences. */
  assumptions: string[];
}

/** From where somebody looks. */
interface Viewpoint extends Surroundings {
  now: Instant;
  standing: Standing;
  isOutdated: boolean;
  ceiling: Ceiling;
  channels: Channels;
}

const ALL_GOES_WELL =
  "Workers are at work, messages arrive at the first attempt, no cap delays them, and nobody changes anything.";
/** Nothing has become of a new one yet. */
const NEW: Standing = { sentCount: 0 };

/** What would come of a reminder that somebody thinks of creating. Throws what creating it would throw. */
export async function previewNew(
  database: TenantDatabase,
  wish: Wish,
  context: PreviewContext,
  reachFrom: (now: Instant) => Reach,
): Promise<Preview> {
  const moment = await readWith(database, [wish]);
  const { now } = moment;
  const reach = reachFrom(now);
  const wanted = toNewReminder(wish, context, moment, database.tenant);
  const reminder = asIfInserted(wanted, database.tenant, now);
  const [holder] = await findActive(database, [wanted]);
  const preview = await look(reminder, reminder, reach, {
    ...{ now, standing: NEW, isOutdated: false, ceiling: context.ceiling ?? NO_CEILING },
    channels: context.channels,
    ...(await readSurroundings(database, reminder, context.channels)),
  });
  if (!holder) return preview;
  const exists = `Reminder ${holder.id} is ACTIVE for the same entity and event: creating this now would only find that one.`;
  return { ...preview, assumptions: [exists, ...preview.assumptions] };
}

/** What comes of a reminder that there is. Throws 404. */
export async function previewKnown(
  database: TenantDatabase,
  id: number,
  { ceiling = NO_CEILING, channels }: PreviewContext,
  reachFrom: (now: Instant) => Reach,
): Promise<Preview> {
  const prospect = await readProspect(database, id);
  if (!prospect) throw noReminder(id);
  const { reminder, standing, now, isUnplanned } = prospect;
  const reach = reachFrom(now);
  const surroundings = await readSurroundings(database, reminder, channels);
  const { around, calendars } = surroundings;
  if (surroundings.known?.flaw) {
    return nothing(reminder, around.zone, now, `its ${surroundings.known.flaw}: a worker will pause it`);
  }
  const outcome = awaitsOutcome(reminder) ? await lastOutcome(database, id) : null;
  const policy = surroundings.known?.policy ?? null;
  const prepared = prepare({ ...prospect, around, contactZone: around.zone, calendars, lastOutcome: outcome, policy });
  if (prepared.kind === "still") return nothing(reminder, around.zone, now, prepared.because);
  const isOutdated = isUnplanned && reminder.nextWallAt !== null;
  try {
    return await look(reminder, prepared.reminder, reach, {
      ...surroundings,
      now,
      standing,
      isOutdated,
      ceiling,
      channels,
    });
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return nothing(
      reminder,
      around.zone,
      now,
      `its ${reminder.schedule.type} ${error.message}: a worker will pause it`,
    );
  }
}

function nothing(reminder: ReminderRecord, otherZone: string | null, now: Instant, because: string): Preview {
  const zone = clockOf(reminder, otherZone);
  const summary = `Nothing is sent: ${because}.`;
  return { now, reminder, zone, occurrences: [], end: null, stoppedBy: "state", summary, assumptions: [] };
}

/** `reminder` is as it is, `start` as the next worker has it. */
async function look(
  reminder: ReminderRecord,
  start: ReminderRecord,
  { until, most }: Reach,
  view: Viewpoint,
): Promise<Preview> {
  const { now, standing, around, channels } = view;
  const timetable = timetableOf(start, around.zone, around.calendar);
  const zone = zoneOf(timetable);
  const facts = (about: Asked) => factsThen(about, view);
  const audience = view.known && { known: view.known, ways: waysOf(channels) };

  const preview = await inTurns(
    function* (mayGoOn): Generator<void, Omit<Preview, "assumptions">> {
      const foresight = yield* foresee(start, { ...view, ...around, until, most, facts, mayGoOn, audience });
      const { stoppedBy } = foresight;
      const end = foresight.end && { at: foresight.end.at, ...sayEnd(foresight.end, foresight.reminder, timetable) };
      const occurrences: Preview["occurrences"] = [];
      for (const foreseen of foresight.occurrences) {
        occurrences.push({ ...foreseen, ...sayOccurrence(foreseen, start, timetable, end) });
        yield;
      }
      const summary = saySummary(foresight, end, { zone, until });
      return { now, reminder, zone, occurrences, end, stoppedBy, summary };
    },
    { mostMs: MOST_WORK_MS, whose: reminder.tenantId },
  );
  const { sentCount } = standing;
  return { ...preview, assumptions: assumptionsOf(start, answerThen({ reminder: start, now, sentCount }, view)) };
}

/** What the engine would rest its decision on then, if nothing outside changes. */
function factsThen(about: Asked, view: Viewpoint): FactsThen {
  const { stopCondition, onUnknown } = about.reminder;
  const { stop, isOpen } = answerThen(about, view);
  return {
    // What can't be said before somebody outside is asked is taken to be not so.
    stop: isOpen ? readAnswer("not_met", stop.because) : stop,
    isAsked: isAsked(stopCondition),
    doneBecause: completionReasonOf(stopCondition),
    countsSent: countsSent(stopCondition),
    onUnknown,
    ceiling: view.ceiling,
  };
}

/** `isOpen`: nobody can say before somebody outside is asked. */
interface AnswerThen {
  stop: StopAnswer;
  isOpen: boolean;
}

function answerThen({ reminder, now, sentCount }: Asked, { contact, flags }: Surroundings): AnswerThen {
  const subject = subjectOf({ reminder, contact, flags, now, standing: { sentCount } });
  const outcome = evaluate(reminder.stopCondition, subject, NOTHING_KNOWN);
  if (!isQuestion(outcome)) return { stop: outcome, isOpen: false };
  return { stop: notAsked(outcome), isOpen: true };
}

function assumptionsOf({ stopCondition, onUnknown }: ReminderRecord, { stop, isOpen }: AnswerThen): string[] {
  if (stopCondition === null) return [ALL_GOES_WELL];
  const { state, because } = stop;
  if (state === "unknown" && !isOpen) {
    const meanwhile = onUnknown === "hold" ? "nothing is sent" : "messages are sent all the same";
    return [ALL_GOES_WELL, `Nobody can say whether the stop condition is met, and ${meanwhile}: ${because}.`];
  }
  const condition = {
    met: `The stop condition stays met: ${because}.`,
    not_met: `Nothing from outside changes the stop condition (now: ${because}). Once it is met, nothing more is sent.`,
    unknown: `The stop condition is asked before each message, and taken to be not met: ${because}.`,
  }[state];
  return [ALL_GOES_WELL, condition];
}
