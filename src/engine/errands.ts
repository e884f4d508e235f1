import type { Logger } from "pino";
import type { Channels } from "../channels/registry.ts";
import type { JsonObject } from "../core/json.ts";
import { reopen } from "../core/lifecycle.ts";
import { toAddressed } from "../core/people.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { addMarks, donenessOf, isUnderWay, sentMessages } from "../store/done-marks.ts";
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
import { readFacts } from "../store/facts.ts";
import { isDatabaseAway, type Sql } from "../store/postgres.ts";
import { QuotaReached } from "../store/quota.ts";
import { KeyIsTaken, writeReminder } from "../store/reminders.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";

/** Reminders that are reopened in one transaction. */
const PAGE = 200;
/** A message for each of more than this helps nobody. */
const MOST_TOLD = 100;
/** Of the newest so many messages of a reminder it is looked which ones are to say that it is done, and so many are. */
const MOST_LOOKED_AT = 200;
const MOST_MARKED = 20;
/** A message that is just being sent is waited for so long. */
const SENT_WITHIN_SECONDS = 60;

export interface ErrandListener {
  /** There are messages to be changed. */
  onMarks(): void;
  /** There are messages to be sent. */
  onMessages(): void;
}

/**
 * Does what completed reminders and flags that were set back leave to be done: tells those to whom a reminder was escalated that
 * it is done, finds the messages that are to say so themselves, or begins reminders anew. Each in one transaction, whoever else does the same; one that can't be done holds up no other.
 */
export class Errands {
  readonly #database: WorkerDatabase;
  readonly #channels: Channels;
  readonly #log: Pick<Logger, "error">;
  readonly #listener: ErrandListener;
  /** Up to here, those that are left failed, or come too early; they are tried again with the next round. */
  #after = 0;

  constructor(database: WorkerDatabase, channels: Channels, log: Pick<Logger, "error">, listener: ErrandListener) {
    this.#database = database;
    this.#channels = channels;
    this.#log = log;
    this.#listener = listener;
  }

  /** Does one; resolves to the milliseconds until there may be another. */
  async do(): Promise<number> {
    let errand: Errand | null = null;
    let marks: Marking | null = null;
    let isTold = false;
    try {
      marks = await this.#database.transaction(async (sql) => {
        errand = await lockErrand(sql, this.#after);
        if (errand?.kind === "tell") isTold = await tell(sql, errand);
        else if (errand?.kind === "reopen") await reopenAll(sql, errand);
        else if (errand?.kind === "mark") return await findMarks(sql, errand, this.#channels);
        return null;
      });
    } catch (error) {
      if (errand === null || isDatabaseAway(error)) throw error;
      const { id } = errand as Errand;
      this.#log.error({ err: error, errand: id }, "an errand can't be done; it is tried again later");
      this.#after = id;
      return 0;
    }
    if (marks === "found") this.#listener.onMarks();
    if (isTold) this.#listener.onMessages();
    if (marks === "early") this.#after = (errand as Errand | null)?.id ?? 0;
    if (errand !== null) return 0;
    this.#after = 0;
    return Number.POSITIVE_INFINITY;
  }
}

/** Resolves to whether anybody is told. */
async function tell(sql: Sql, errand: Extract<Errand, { kind: "tell" }>): Promise<boolean> {
  const { reminderId, tenantId } = errand;
  const known = (await readFacts(sql, [reminderId])).get(reminderId);
  // One that has only ended, like a policy after its last step, isn't done: nobody is to believe that.
  const isDone = (await donenessOf(sql, [reminderId])).has(reminderId);
  const told = known && isDone ? await escalatedTo(sql, reminderId, MOST_TOLD) : [];
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
  return told.length > 0;
}

/** What came of looking for messages to be changed; `early`: one more may just be under way. */
type Marking = "none" | "found" | "early";

async function findMarks(sql: Sql, errand: Extract<Errand, { kind: "mark" }>, channels: Channels): Promise<Marking> {
  const { reminderId, tenantId } = errand;
  const isDone = (await donenessOf(sql, [reminderId])).has(reminderId);
  if (isDone && (await isUnderWay(sql, errand, SENT_WITHIN_SECONDS))) return "early";
  let found = 0;
  for (const { name, doneMarks } of isDone ? channels.values() : []) {
    if (!doneMarks) continue;
    const sent = await sentMessages(sql, reminderId, name, MOST_LOOKED_AT);
    const marked = doneMarks.among(sent, MOST_MARKED);
    await addMarks(sql, { tenantId, reminderId, channel: name }, marked);
    found += marked.length;
  }
  await endErrand(sql, errand);
  return found > 0 ? "found" : "none";
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
