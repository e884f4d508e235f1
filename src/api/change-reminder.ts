import type { Answered } from "../core/answered.ts";
import { awaitsOutcome, type Moment } from "../core/lifecycle.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import type { Updated } from "../core/update.ts";
import { readCalendarTexts } from "../store/calendars.ts";
import { insertEvents } from "../store/events.ts";
import { putFlag } from "../store/flags.ts";
import { lastOutcome } from "../store/ledger.ts";
import { readMoment } from "../store/moment.ts";
import { isHeldElsewhere } from "../store/postgres.ts";
import { QuotaReached } from "../store/quota.ts";
import {
  findActive,
  isWithoutCalendar,
  isWithoutPolicy,
  KeyIsTaken,
  lockReminder,
  readReminder,
  writeReminder,
} from "../store/reminders.ts";
import type { TenantDatabase, TenantSql } from "../store/tenant-database.ts";
import { reminderEtag } from "./etag.ts";
import { type Conditions, isUnconditional, mustPermit } from "./etag-conditions.ts";
import { type Policies, policyOf, readNamedPolicies } from "./new-reminder.ts";
import { conflict, invalidField, notFound, overQuota, Problem } from "./problem.ts";
import { toReminderJson } from "./schemas/reminder.ts";

/** The names of what a change may turn to. */
interface Named {
  calendars: readonly string[];
  policies: readonly string[];
}

/**
 * Changes a reminder under its row lock: reads it, asks `change` what becomes of it, and writes that and the timeline's
 * line and what `noteWithin` writes, all or nothing. Returns the reminder as it is then. Throws 403, 404, 409, 412 or 422, and 503 while somebody else
 * holds the row.
 */
export async function changeReminder(
  database: TenantDatabase,
  id: number,
  conditions: Conditions,
  change: (reminder: ReminderRecord, moment: Moment & { policies: Policies }) => Updated | Answered,
  noteWithin: (sql: TenantSql) => Promise<void>,
  named: Named = { calendars: [], policies: [] },
): Promise<ReminderRecord> {
  try {
    return await database.transaction(async (sql) => {
      const reminder = await changeLocked(sql, id, conditions, change, named);
      await noteWithin(sql);
      return reminder;
    });
  } catch (error) {
    if (isHeldElsewhere(error)) throw busy();
    if (isWithoutCalendar(error)) throw invalidField("calendar", "must be the name of a calendar: it was just deleted");
    if (isWithoutPolicy(error)) throw invalidField("policy", "must be the name of a policy: it was just deleted");
    if (error instanceof QuotaReached) throw overQuota(error.message);
    throw error instanceof KeyIsTaken ? await keyConflict(database, id) : error;
  }
}

async function changeLocked(
  sql: TenantSql,
  id: number,
  conditions: Conditions,
  change: (reminder: ReminderRecord, moment: Moment & { policies: Policies }) => Updated | Answered,
  named: Named,
): Promise<ReminderRecord> {
  const locked = await lockReminder(sql, id);
  if (!locked) throw noReminder(id);
  const { reminder, now } = locked;
  const outcome = awaitsOutcome(reminder) || reminder.silence !== null ? await lastOutcome(sql, id) : null;

  const contactZone = goesByContactZone(reminder) ? await otherZoneOf(sql, reminder) : null;
  const names = reminder.business ? [reminder.business.calendar, ...named.calendars] : named.calendars;
  const calendars = await readCalendarTexts(sql, names);
  const policyNames = reminder.people.policy ? [reminder.people.policy, ...named.policies] : named.policies;
  const policies = await readNamedPolicies(sql, policyNames);
  const moment = { now, lastOutcome: outcome, contactZone, calendars, policies, policy: policyOf(reminder, policies) };
  const result = decided(id, () => change(reminder, moment));
  if (!isUnconditional(conditions)) {
    mustPermit(conditions, reminderEtag(toReminderJson(reminder)), { isDone: result.kind === "unchanged" });
  }
  switch (result.kind) {
    case "unchanged":
      return reminder;
    case "refused":
      throw conflict(`reminder ${id} can't be changed like that: ${result.because}`);
    case "invalid":
      throw invalidField(result.field, result.message);
    case "changed":
    case "noted":
      return writeChange(sql, reminder, result);
  }
}

/** Writes what becomes of a locked reminder, and the timeline's line; and sets the flag that somebody said is done. */
export async function writeChange(
  sql: TenantSql,
  reminder: ReminderRecord,
  result: Extract<Answered, { kind: "changed" | "noted" }>,
): Promise<ReminderRecord> {
  const written = result.kind === "changed" ? await writeReminder(sql, reminder, result.reminder) : reminder;
  if (result.kind === "noted" && result.flagKey !== null) await putFlag(sql, result.flagKey, true);
  await insertEvents(sql, [{ reminderId: reminder.id, ...result.change }]);
  return written;
}

/** Whether the zone of the contact or the tenant may have a say: in a reminder that has none of its own, and goes by the clock or soon may. */
function goesByContactZone({ timeZone, status, deletedAt }: ReminderRecord): boolean {
  return timeZone === null && status !== "COMPLETED" && deletedAt === null;
}

async function otherZoneOf(sql: TenantSql, reminder: ReminderRecord): Promise<string | null> {
  return (await readMoment(sql, [reminder], [])).zoneOf(reminder);
}

/** A rule that plain SQL wrote and nobody can read is the reminder's fault, and not a bug. */
function decided(id: number, decide: () => Updated | Answered): Updated | Answered {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    throw conflict(`reminder ${id} can't be changed like that: its rule ${error.message}; correct it first`);
  }
}

function busy(): Problem {
  return new Problem(503, "somebody else is just changing this; try again", { headers: { "retry-after": "1" } });
}

async function keyConflict(database: TenantDatabase, id: number): Promise<Problem> {
  const reminder = await readReminder(database, id);
  const [holder] = reminder ? await findActive(database, [reminder]) : [];
  const other = holder ? `reminder ${holder.id}` : "another reminder";
  return conflict(
    `reminder ${id} can't be ACTIVE: ${other} is, for the same entity and event; complete, pause or delete that one first`,
  );
}

export function noReminder(id: number): Problem {
  return notFound(`there is no reminder ${id}`);
}
