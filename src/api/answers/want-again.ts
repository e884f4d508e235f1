import { deleteOptOut, type OptOutName, remindersGivenUp } from "../../store/opt-outs.ts";
import { lockReminder } from "../../store/reminders.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { momentOf, recordAnswer } from "./take.ts";

/** Of very many, the others go on to say that a person must look at them. */
const MOST_REMINDERS = 1_000;

/** Sends to an address again what it wanted no more of; the reminders that needed a person for that alone need none any more. */
export async function wantAgain(sql: TenantSql, optOut: OptOutName, by: string): Promise<void> {
  if (!(await deleteOptOut(sql, optOut))) return;
  const { address, kind } = optOut;
  const scope = kind as "reminder" | "event_type";
  for (const id of await remindersGivenUp(sql, optOut, MOST_REMINDERS)) {
    const found = await lockReminder(sql, id);
    if (!found?.reminder.needsAttention?.toLowerCase().includes(`${address.toLowerCase()} wants no more of`)) continue;
    const moment = await momentOf(sql, found);
    await recordAnswer(
      sql,
      found.reminder,
      { kind: "start", scope },
      { who: address, details: { address, scope, by } },
      moment,
    );
  }
}
