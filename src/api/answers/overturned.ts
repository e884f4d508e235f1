import { doneMeans } from "../../core/answer.ts";
import { flagKey } from "../../core/flag-key.ts";
import { hasOnlyEnded } from "../../core/only-ended.ts";
import { hasDone, namesOfDone } from "../../core/people-done.ts";
import type { ReminderRecord } from "../../core/reminder.ts";
import type { GivenAnswer } from "../../store/answers.ts";
import { listDone } from "../../store/done.ts";
import { readFlag } from "../../store/flags.ts";
import { isOptedOut } from "../../store/opt-outs.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import type { Asked } from "./asked.ts";
import { type Got, isTheirs, placeOf } from "./whose.ts";

type AskedBefore = Pick<Asked, "link"> & Omit<Got, "former">;

/**
 * True where what was answered by a link before holds no more, though whoever gave it hasn't taken it back: it isn't done after all, it
 * is sent to them again, or it is theirs again. Then it may be answered anew. That something was put off ends by itself: see `stillStands`.
 */
export async function isOverturned(sql: TenantSql, asked: AskedBefore, former: GivenAnswer): Promise<boolean> {
  if (former.undoneAt !== null) return false;
  switch (asked.link.purpose) {
    case "done":
      return !(await isDoneByNow(sql, asked));
    case "stop":
      return !(await isStopped(sql, asked, former.outcome.scope === "reminder" ? "reminder" : "event_type"));
    case "not_me":
      return isGivenBack(sql, asked, former);
    default:
      return false;
  }
}

/** True for one that is COMPLETED, and not only because nothing more was due. */
export function isDone(reminder: ReminderRecord): boolean {
  return reminder.status === "COMPLETED" && !hasOnlyEnded(reminder);
}

async function isDoneByNow(sql: TenantSql, asked: AskedBefore): Promise<boolean> {
  const { reminder, person, recipient } = asked;
  if (isDone(reminder)) return true;
  const { people, stopCondition } = reminder;
  const who = placeOf(asked) ?? person ?? recipient;
  if (people.recipients !== null) {
    const marks = (await listDone(sql, reminder.id)).map((one) => one.person);
    if (hasDone(people, namesOfDone(people, marks), who)) return true;
  }
  // What was said may not have come to the reminder yet.
  const value = doneMeans(reminder) === "flag" ? (stopCondition?.value ?? null) : null;
  return value !== null && (await readFlag(sql, flagKey(value, reminder)))?.value === true;
}

async function isStopped(
  sql: TenantSql,
  { reminder, channel, recipient }: AskedBefore,
  kind: "reminder" | "event_type",
): Promise<boolean> {
  if (recipient === null) return true;
  const ofAll = { channel, address: recipient, kind: "event_type", about: reminder.eventType } as const;
  if (await isOptedOut(sql, ofAll)) return true;
  return kind === "reminder" && isOptedOut(sql, { ...ofAll, kind, about: String(reminder.id) });
}

async function isGivenBack(sql: TenantSql, asked: AskedBefore, { outcome }: GivenAnswer): Promise<boolean> {
  if (outcome.goes_on === "as before") return false;
  if (outcome.goes_on === "without them")
    return (!asked.isOwn || isTheirs(asked)) && !(await isStopped(sql, asked, "reminder"));
  return asked.reminder.status === "ACTIVE" && isTheirs(asked);
}
