import { isQuestion, stopAnswer } from "../../conditions/evaluate.ts";
import { completionReasonOf } from "../../conditions/registry.ts";
import { subjectOf } from "../../conditions/subject.ts";
import { type Decision, decide } from "../../core/decide.ts";
import { askAgainMs, noteOf } from "../../core/hold.ts";
import type { Instant } from "../../core/instant.ts";
import { whyDoneByNow } from "../../core/people-done.ts";
import { timetableOf } from "../../core/schedule/schedule.ts";
import { endsSilence } from "../../core/silence.ts";
import type { StopAnswer } from "../../core/stop.ts";
import type { DueReminder } from "../../store/firing.ts";
import { escalatingOf } from "../audience.ts";
import { Stint } from "../stint.ts";
import { planDeliveries } from "./deliveries.ts";
import { complete, nothingPlanned, type Plan, type Planning, pause } from "./plan.ts";
import { missed, silenceEnded } from "./timeline.ts";

/**
 * Turns claimed reminders into what is to be written and sent, as many as one `Stint` has time for; at least the first. Touches neither the
 * database nor the network, but lets others have their turn.
 */
export async function planFiring(due: readonly DueReminder[], planning: Planning): Promise<Plan> {
  const plan = nothingPlanned();
  const stint = new Stint();
  for (const [place, reminder] of due.entries()) {
    if (stint.isTurnOver) await stint.rest();
    if (!stint.mayGoOn) {
      plan.left = due.slice(place);
      break;
    }
    planOne(plan, reminder, planning);
  }
  return plan;
}

function planOne(plan: Plan, due: DueReminder, planning: Planning): void {
  const { asked } = planning;
  const { reminder } = due;
  const stop = asked ? asked.stopOf(due) : stopAnswer(reminder.stopCondition, subjectOf(due));
  if (isQuestion(stop)) {
    // Somebody changed it while it was asked: it is asked anew, at once.
    plan.released.push({ id: reminder.id, retryInMs: null });
    return;
  }
  if (due.audience?.flaw) {
    pause(plan, reminder.id, `its ${due.audience.flaw}; correct it, then resume it`);
    if (asked) plan.released.push({ id: reminder.id, retryInMs: null });
    return;
  }
  const because = due.audience && whyDoneByNow(reminder.people, due.audience.done);
  if (because) {
    complete(plan, reminder.id, "people_done", because);
    if (asked) plan.released.push({ id: reminder.id, retryInMs: null });
    return;
  }
  const decision = decideOn(due, stop, planning);
  if (asked) keepWatch(plan, due, stop, decision, planning);
  switch (decision.kind) {
    case "complete":
      complete(plan, reminder.id, decision.reason, decision.because);
      return;
    case "pause":
      pause(plan, reminder.id, decision.because);
      return;
    case "hold":
      // What is in the row itself will not be answered another time either.
      if (!asked) pause(plan, reminder.id, `${decision.because}; correct it, then resume it`);
      return;
  }
  const next = { nextRunAt: decision.nextRunAt, nextWallAt: decision.nextWallAt };
  if (decision.kind === "send") plan.fired.push({ id: reminder.id, occurrenceAt: decision.occurrenceAt, ...next });
  else plan.moved.push({ id: reminder.id, ...next });
  if (decision.kind !== "postpone" && decision.missed > 0) plan.events.push(missed(due, decision));
  if (decision.kind === "send" && endsSilence(decision.occurrenceAt, reminder.silence))
    plan.events.push(silenceEnded(due, decision.occurrenceAt));
  if (decision.kind === "send") planDeliveries(plan, due, decision, planning);
}

function decideOn(due: DueReminder, stop: StopAnswer, { ceiling }: Planning): Decision {
  const { reminder, around, standing, lastOccurrenceAt, isOutdated, now } = due;
  const { stopCondition, createdAt, occurrenceCount, nextWallAt, silence } = reminder;
  const nextRunAt = reminder.nextRunAt as Instant; // what was claimed is due
  const timetable = timetableOf(reminder, around.zone, around.calendar);
  const { countedFrom, onUnknown, unknownCount } = standing;
  return decide(
    {
      ...{ timetable, nextRunAt, nextWallAt, lastOccurrenceAt, occurrenceCount, createdAt, isOutdated },
      ...{ countedFrom, wasHeld: unknownCount > 0, silence, escalating: escalatingOf(due) },
    },
    { stop, doneBecause: completionReasonOf(stopCondition), onUnknown, ceiling },
    // What is fired a little ahead is decided as of the instant it is due.
    Math.max(now, nextRunAt),
  );
}

/** What an asked reminder's answer, or the want of one, leads to besides the decision. */
function keepWatch(
  plan: Plan,
  { reminder, standing }: DueReminder,
  stop: StopAnswer,
  { kind }: Decision,
  { hold }: Planning,
): void {
  const { id } = reminder;
  const note = noteOf(stop, standing.unknownCount, standing.onUnknown, hold);
  if (note) {
    plan.noted.push({ id, ...note });
    plan.events.push(...note.events.map((event) => ({ reminderId: id, ...event })));
  }
  const retryInMs = kind === "hold" ? askAgainMs(hold, standing.unknownCount + 1, Math.random()) : null;
  plan.released.push({ id, retryInMs });
}
