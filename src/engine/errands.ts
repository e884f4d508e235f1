import type { Logger } from "pino";
import { reopen } from "../core/lifecycle.ts";
import { toAddressed } from "../core/people.ts";
import type { JsonObject, ReminderRecord } from "../core/reminder.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { readFacts } from "../store/deliveries.ts";
import {
  type Errand,
  endErrand,
  escalatedTo,
  forgetProgress,
  forTenant,
  insertTelling,
  isFlagSet,
  keepErrand,
  lockErrand,
  lockReopening,
  readNow,
} from "../store/errands.ts";
import { insertEvents } from "../store/events.ts";
import { isDatabaseAway, type Sql } from "../store/postgres.ts";
import { QuotaReached } from "../store/quota.ts";
import { KeyIsTaken, writeReminder } from "../store/reminders.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";

/** Reminders that are reopened in one transaction. */
const PAGE = 200;
/** A message for each of more than this helps nobody. */
const MOST_TOLD = 100;

/**
 * Does what completed reminders and flags that were set back leave to be done: tells those to whom a reminder was escalated that
 * it is done, or begins reminders anew. Each in one transaction, whoever else does the same; one that can't be done holds up no other.
 */
export class Errands {
  readonly #database: WorkerDatabase;
  readonly #log: Pick<Logger, "error">;
  /** Up to here, those that are left failed; they are tried again with the next round. */
  #after = 0;

  constructor(database: WorkerDatabase, log: Pick<Logger, "error">) {
    this.#database = database;
    this.#log = log;
  }

  /** Does one; resolves to the milliseconds until there may be another. */
  async do(): Promise<number> {
    let errand: Errand | null = null;
    try {
      await this.#database.transaction(async (sql) => {
        errand = await lockErrand(sql, this.#after);
        if (errand?.kind === "tell") await tell(sql, errand);
        else if (errand?.kind === "reopen") await reopenAll(sql, errand);
      });
    } catch (error) {
      if (errand === null || isDatabaseAway(error)) throw error;
      const { id } = errand as Errand;
      this.#log.error({ err: error, errand: id }, "an errand can't be done; it is tried again later");
      this.#after = id;
      return 0;
    }
    if (errand !== null) return 0;
    this.#after = 0;
    return Number.POSITIVE_INFINITY;
  }
}

async function tell(sql: Sql, errand: Extract<Errand, { kind: "tell" }>): Promise<void> {
  const { reminderId, tenantId } = errand;
  const known = (await readFacts(sql, [reminderId])).get(reminderId);
  const told = known?.reminder.status === "COMPLETED" ? await escalatedTo(sql, reminderId, MOST_TOLD) : [];
  if (known && told.length > 0) {
    const rows = told.map((row) => ({
      bucket: row.bucket as number,
      channel: row.channel as string,
      recipient: row.recipient as string,
      addressed: { ...toAddressed(row.addressed as JsonObject | null), tells: true },
    }));
    // Later than any occurrence, so that it bears no other's name.
    const at = Math.max(await readNow(sql), (known.lastOccurrenceAt ?? 0) + 1);
    await insertTelling(sql, { tenantId, reminderId }, at, rows);
    const to = rows.map(({ recipient }) => recipient);
    const because = `those whom it was escalated to are told that it is done: ${to.join(", ")}`;
    await insertEvents(sql, [{ reminderId, type: "told", because, details: { to } }]);
  }
  await endErrand(sql, errand);
}

async function reopenAll(sql: Sql, errand: Extract<Errand, { kind: "reopen" }>): Promise<void> {
  const { tenantId, flagKey } = errand;
  const waiting = await lockReopening(sql, errand, PAGE);
  // Asked under the locks: whoever has completed one of them by now did so by the flag as it is or was before.
  const isSetAgain = await isFlagSet(sql, tenantId, flagKey);
  const done = waiting.filter(isDoneByFlag);
  if (!isSetAgain) for (const reminder of done) await reopenOne(sql, reminder, flagKey);
  const last = waiting.at(-1);
  if (waiting.length < PAGE || !last || isSetAgain) await endErrand(sql, errand);
  else await keepErrand(sql, errand, last.id);
}

function isDoneByFlag({ status, completionReason }: ReminderRecord): boolean {
  return status === "COMPLETED" && completionReason === "stop_condition";
}

async function reopenOne(sql: Sql, reminder: ReminderRecord, flagKey: string): Promise<void> {
  const { id: reminderId, tenantId, business } = reminder;
  const known = (await readFacts(sql, [reminderId])).get(reminderId);
  if (!known) return;
  const { zone, calendar } = known.around;
  const calendars = business && calendar ? new Map([[business.calendar, calendar]]) : new Map<string, string>();
  const note = (type: string, because: string): Promise<void> => insertEvents(sql, [{ reminderId, type, because }]);
  try {
    const moment = { now: known.now, lastOutcome: null, contactZone: zone, calendars };
    const changed = reopen(reminder, moment, flagKey);
    if (changed.kind !== "changed")
      return await note("not_reopened", changed.kind === "refused" ? changed.because : "it is open");
    await forTenant(sql, tenantId).step(async (part) => {
      await writeReminder(part, reminder, changed.reminder);
      await forgetProgress(part, reminder);
      await insertEvents(part, [{ reminderId, ...changed.change }]);
    });
  } catch (error) {
    const why = whyNot(error);
    if (why === null) throw error;
    await note("not_reopened", `the flag ${flagKey} was set back, but ${why}`);
  }
}

function whyNot(error: unknown): string | null {
  if (error instanceof KeyIsTaken) return "another reminder is ACTIVE for the same entity and event";
  if (error instanceof QuotaReached) return error.message;
  return error instanceof RuleError ? `its rule ${error.message}` : null;
}
