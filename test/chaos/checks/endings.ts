import type { ReminderInput, ReminderRow, Tables } from "../evidence.ts";
import { type Case, type Court, groupBy } from "./case.ts";
import { wasRefused } from "./deliveries.ts";
import { hasGoneOver } from "./fallbacks.ts";
import { isHeld as isHeldByRight } from "./held.ts";

/** How a one-time reminder may end by its only message, by how that ended. */
const LAST_REASON: Record<string, string> = {
  sent: "one_time_sent",
  failed: "delivery_failed",
  unknown: "delivery_unknown",
};

/** Each reminder is as its inputs and its deliveries say in the end, and tells why. */
export function judgeEnding(one: Case, court: Court): void {
  const { input, row, events } = one;
  if (!row) {
    court.accuse("P8", input.id, "it was created, and its row is gone");
    return;
  }
  const told = events.filter((event) => event.type === "completed").length;
  const least = row.status === "COMPLETED" ? 1 : 0;
  if (told < least || told > least + timesBegunAgain(input)) {
    court.accuse("P2", input.id, `it is ${row.status}, and its timeline tells ${told} times that it was completed`);
  }
  judgeReason(one, row, court);
  if (input.isLoose) return;
  judgeStopped(one, row, court);
  judgeWaiting(one, row, court);
}

/** One that is completed only because nothing more was due begins again when it is put off, and may be said to be done. */
function timesBegunAgain({ changes, said, people }: ReminderInput): number {
  return changes.filter(({ kind }) => kind === "silenced").length + (said ? 1 : 0) + (people ? 1 : 0);
}

function judgeReason(one: Case, row: ReminderRow, court: Court): void {
  const { input, causes } = one;
  if (row.status !== "COMPLETED") return;
  const accuse = (what: string) => court.accuse("P2", input.id, `it is completed by ${row.completionReason}: ${what}`);
  switch (row.completionReason) {
    case "stop_condition":
    case "people_done":
    case "done": {
      const by = causes.filter(({ reason }) => reason === row.completionReason);
      // What had ended before keeps when.
      const completedAt = row.completionReason === "stop_condition" ? (row.completedAt ?? 0) : court.readAt;
      if (!by.some(({ at }) => at.from <= completedAt + court.limits.transactionMs)) accuse("nothing had made it so");
      return;
    }
    case "manual":
      if (!input.isLoose && !input.changes.some(({ kind }) => kind === "completed")) accuse("nobody did that");
      return;
    case "policy_ended":
      if (input.policy === null) accuse("it goes by none");
      return;
    default: {
      if (input.intervalMs !== null) accuse("it is recurring");
      const ended = endOfLast(one, court);
      if (LAST_REASON[ended ?? ""] !== row.completionReason) accuse(`its last delivery is ${ended}`);
    }
  }
}

const BEST_FIRST = ["sent", "unknown", "failed"];

/** What became of the last occurrence: of several messages, of the best. Where nobody wanted one, that is as good as sent. */
function endOfLast({ input, deliveries }: Case, court: Court): string | undefined {
  const all = deliveries.filter(({ occurrenceAt }) => occurrenceAt === deliveries.at(-1)?.occurrenceAt);
  // What has gone over counts no more; what went in its stead does.
  const last = all.filter((delivery) => !hasGoneOver(delivery, all));
  const best = BEST_FIRST.find((status) => last.some((delivery) => delivery.status === status));
  if (best) return best;
  if (last.some((delivery) => wasRefused(input, delivery, court))) return "failed";
  return last.some(({ recipient }) => input.done.some(({ person }) => person === recipient))
    ? "sent"
    : last.at(-1)?.status;
}

/** A reminder that was ACTIVE when it was done, and left alone, is completed by that in time. */
function judgeStopped({ input, stop, causes, regimes, deliveries }: Case, row: ReminderRow, court: Court): void {
  if (!stop) return;
  const by = court.deadline(Math.max(stop.until, input.created.until));
  const undisturbed = regimes.some(
    ({ isActive, begins, ends }) =>
      isActive && begins.until <= stop.from && (ends.from > by || ends.from >= court.readAt),
  );
  if (!undisturbed) return;
  const doneBefore = input.intervalMs === null && deliveries.length > 0;
  const isByCause = causes.some(({ reason }) => reason === row.completionReason) || hasPolicyEnded(input, row);
  if (row.status !== "COMPLETED" || !(isByCause || doneBefore)) {
    court.accuse("P3", input.id, `it is done, and it is ${row.status} (${row.completionReason})`);
  } else if ((row.completedAt ?? 0) > by) {
    court.accuse("P8", input.id, `it was completed ${(row.completedAt ?? 0) - stop.until} ms after it was done`);
  }
}

function hasPolicyEnded({ policy }: ReminderInput, { completionReason }: ReminderRow): boolean {
  return policy !== null && completionReason === "policy_ended";
}

/** What people left ACTIVE, PAUSED, completed or deleted is so, and a one-time reminder is done once its time has come. */
function judgeWaiting(one: Case, row: ReminderRow, court: Court): void {
  const { input, stop, regimes, deliveries } = one;
  const last = regimes.at(-1);
  const accuse = (what: string) => court.accuse("P2", input.id, `${what}, and it is ${row.status}`);
  const finalChange = input.changes.findLast(({ kind }) => kind !== "triggered");
  if (finalChange?.kind === "deleted" && row.deletedAt === null) accuse("it was deleted");
  if (finalChange?.kind === "completed" && row.status !== "COMPLETED") accuse("it was completed by hand");
  if (finalChange?.kind === "paused" && row.status === "ACTIVE") accuse("it was paused");
  if (!last?.isActive) return;
  if (row.deletedAt !== null) accuse("nobody deleted it");
  if (row.status === "PAUSED") accuse("nobody left it paused");
  const isHeld = deliveries.some((delivery) => isHeldByRight(one, delivery, court));
  if (input.intervalMs !== null) {
    if (!stop && row.status !== "ACTIVE" && !hasPolicyEnded(input, row)) accuse("nothing has ended it");
    if (row.status === "ACTIVE" && row.nextRunAt === null && !isHeld) accuse("it is recurring and has no next run");
    return;
  }
  const due = Math.max(last.anchorAt, last.begins.until);
  if (!court.isOwed(due, court.readAt)) return;
  if (row.status !== "COMPLETED" && !isHeld) accuse(`its only time, ${due}, has come`);
  if (!stop && deliveries.length === 0) accuse("it was never sent");
}

/** P1: no two reminders of one key were ever ACTIVE together. */
export function judgeKeys({ reminders: rows, events }: Pick<Tables, "reminders" | "events">, court: Court): void {
  const eventsOf = groupBy(events, ({ reminderId }) => reminderId);
  for (const [key, sharers] of groupBy(rows, (row) => row.key)) {
    const lives = sharers.toSorted((a, b) => a.createdAt - b.createdAt);
    const activeNow = lives.filter((row) => row.status === "ACTIVE" && row.deletedAt === null);
    if (activeNow.length > 1) court.accuse("P1", null, `${activeNow.length} reminders are ACTIVE for ${key}`);
    lives.slice(1).forEach((life, index) => {
      const before = lives[index] as ReminderRow;
      // What is paused gives its key free; when, its row doesn't tell.
      if (before.status === "PAUSED") return;
      if (endOf(before) <= life.createdAt) return;
      // Put off after it was done, it is ACTIVE anew: only by then the other one has to be over.
      const told = (eventsOf.get(before.id) ?? []).toSorted((one, other) => one.at - other.at);
      const wasDone = told.findLast(({ at }) => at <= life.createdAt)?.type === "completed";
      const anewAt = told.find(({ at }) => at > life.createdAt)?.at ?? Number.NEGATIVE_INFINITY;
      if (!wasDone || endOf(life) > anewAt)
        court.accuse("P1", life.id, `it was created while ${before.id} was ACTIVE for ${key}`);
    });
  }
}

function endOf({ completedAt, deletedAt }: ReminderRow): number {
  return Math.min(completedAt ?? Number.POSITIVE_INFINITY, deletedAt ?? Number.POSITIVE_INFINITY);
}
