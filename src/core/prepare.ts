import { type Moment, transition } from "./lifecycle.ts";
import type { ReminderRecord } from "./reminder.ts";
import { isPlanned, replan } from "./replan.ts";
import { clockOf } from "./schedule/origin.ts";
import { RuleError } from "./schedule/rule-error.ts";
import { saidInstant } from "./schedule/wall-text.ts";

/** A reminder as it stands, and what is known of it besides its own row. */
export interface AsItIs extends Moment {
  reminder: ReminderRecord;
  /** The zone of its contact or tenant, and the calendar that it goes by. */
  around: { zone: string | null; calendar: string | null };
  /** True when nobody has worked out when it is due, or by older rules of its zone. */
  isUnplanned: boolean;
  wasPlanned: boolean;
  /** True while a message of it is under way that is still to be sent. */
  isUnderWay: boolean;
}

/** Why nothing comes of a reminder as it is; or the reminder as the next worker that looks at it has it. */
export type Prepared = { kind: "still"; because: string } | { kind: "going"; reminder: ReminderRecord };

/** Whether anything will fire, by what production would do before it fires: nothing else than its own rules is asked. */
export function prepare(asItIs: AsItIs): Prepared {
  const { reminder, now } = asItIs;
  const still = (because: string): Prepared => ({ kind: "still", because });
  const zone = clockOf(reminder, asItIs.around.zone);
  if (reminder.deletedAt !== null) {
    return still(`it was deleted on ${saidInstant(reminder.deletedAt, zone)}${ifItWere("restore", asItIs, zone)}`);
  }
  if (reminder.status === "COMPLETED") {
    const when = reminder.completedAt === null ? "" : ` on ${saidInstant(reminder.completedAt, zone)}`;
    return still(`it was COMPLETED${when} (${reminder.completionReason ?? "for a reason that nobody wrote down"})`);
  }
  if (reminder.status === "PAUSED") return still(`it is PAUSED${ifItWere("resume", asItIs, zone)}`);

  const isDue = reminder.nextRunAt !== null && reminder.nextRunAt <= now;
  const isToBePlanned = asItIs.isUnplanned && isPlanned(reminder) && !isDue;
  const { runAt, lastOccurrenceAt } = reminder;
  const planned = isToBePlanned ? replan({ ...asItIs, runAt, lastOccurrenceAt }) : reminder;
  if (planned instanceof RuleError) return still(`its ${reminder.schedule.type} ${planned.message}`);
  if (planned === "ended") return still("its schedule has no further occurrence");
  const { nextRunAt, nextWallAt } = planned;
  if (nextRunAt !== null) return { kind: "going", reminder: { ...reminder, nextRunAt, nextWallAt } };
  return still(
    asItIs.isUnderWay
      ? "it has fired for the last time, and waits for that message to end"
      : "no next due instant is set",
  );
}

/** What would be, if somebody did this now. */
function ifItWere(action: "resume" | "restore", { reminder, ...moment }: AsItIs, zone: string): string {
  const what = action === "resume" ? "resumed" : "restored";
  let changed: ReturnType<typeof transition>;
  try {
    changed = transition(action, reminder, moment);
  } catch (error) {
    if (error instanceof RuleError) return "";
    throw error;
  }
  if (changed.kind !== "changed") return "";
  const { status, nextRunAt } = changed.reminder;
  if (status === "COMPLETED") return `; ${what} now, it would be done`;
  if (status === "PAUSED") return `; ${what} now, it would be PAUSED`;
  return nextRunAt === null ? "" : `; ${what} now, it would be due on ${saidInstant(nextRunAt, zone)}`;
}
