import type { ReminderRecord } from "../core/reminder.ts";
import type { Database } from "../store/postgres.ts";
import { findActive, insertReminder, type NewReminder } from "../store/reminders.ts";
import { Problem } from "./problem.ts";
import { TENANT_ID } from "./tenant.ts";

/** Each try but the last found its key taken, and then free again: somebody creates and completes it all the time. */
const MOST_TRIES = 20;

/** Creates a reminder, or finds the ACTIVE one that has its key already, however many ask for it at once. */
export async function createReminder(
  database: Database,
  wanted: NewReminder,
): Promise<{ reminder: ReminderRecord; isNew: boolean }> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const created = await insertReminder(database, TENANT_ID, wanted);
    if (created) return { reminder: created, isNew: true };
    const existing = await findActive(database, TENANT_ID, wanted);
    if (existing) return { reminder: existing, isNew: false };
  }
  throw new Problem(503, "the reminder is being created and ended over and over by others; try again", {
    headers: { "retry-after": "1" },
  });
}
