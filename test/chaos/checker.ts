import { judgeBudgets } from "./checks/budgets.ts";
import { gatherCases, openCourt } from "./checks/case.ts";
import { judgeDeliveries } from "./checks/deliveries.ts";
import { judgeDigests } from "./checks/digests.ts";
import { judgeEnding, judgeKeys } from "./checks/endings.ts";
import { isFallback, judgeFallbacks } from "./checks/fallbacks.ts";
import { type Copies, judgeMessages } from "./checks/messages.ts";
import { judgeOccurrences } from "./checks/occurrences.ts";
import { judgePeople } from "./checks/people.ts";
import { judgePolicy } from "./checks/policies.ts";
import { judgeSilences } from "./checks/silences.ts";
import { type Evidence, heldBy, readMessageId, type Violation } from "./evidence.ts";

export interface Verdict {
  violations: Violation[];
  reminders: number;
  /** Reminders of which nobody knows all inputs, and that were therefore not held to everything. */
  loose: number;
  /** Occurrences that are recorded; each was held against the inputs. */
  recorded: number;
  /** Due instants worked out from the inputs, each of which had to be dealt with. */
  due: number;
  messages: number;
  /** Of these, what held several. */
  digests: number;
  /** Deliveries that went over another channel. */
  wentOver: number;
  /** What the receiver kept more than once: because a fault hit while it was in flight, or because it lied itself. */
  duplicates: Copies;
}

/**
 * Holds what was sent and recorded against what people asked for. Knows the promises and nothing of the engine: it
 * imports none of its code, and works out from the inputs alone what must and what must not have happened.
 */
export function check(evidence: Evidence): Verdict {
  const violations: Violation[] = [];
  const court = openCourt(evidence, violations);
  const cases = gatherCases(evidence);
  let due = 0;
  const duplicates: Copies = { afterFaults: 0, afterLies: 0 };
  for (const one of cases) {
    due += judgeOccurrences(one, court);
    judgeDeliveries(one, court);
    const copies = judgeMessages(one, court);
    duplicates.afterFaults += copies.afterFaults;
    duplicates.afterLies += copies.afterLies;
    judgePeople(one, court);
    judgePolicy(one, court);
    judgeSilences(one, court);
    judgeFallbacks(one, court);
    judgeEnding(one, court);
  }
  judgeDigests(cases, court);
  judgeBudgets(cases, court);
  judgeKeys(evidence.tables, court);
  judgeStrangers(evidence, court.accuse);
  return {
    violations,
    reminders: cases.length,
    loose: cases.filter(({ input }) => input.isLoose).length,
    recorded: evidence.tables.deliveries.length,
    due,
    messages: evidence.arrivals.length,
    digests: evidence.arrivals.filter((arrival) => heldBy(arrival).length > 1).length,
    wentOver: evidence.tables.deliveries.filter(isFallback).length,
    duplicates,
  };
}

/** Rows, deliveries and messages that nobody asked for. */
function judgeStrangers({ inputs, tables, arrivals }: Evidence, accuse: ReturnType<typeof openCourt>["accuse"]): void {
  const known = new Set(inputs.reminders.map((reminder) => reminder.id));
  for (const { id } of tables.reminders) if (!known.has(id)) accuse("P2", id, "nobody created it");
  for (const { reminderId } of tables.deliveries) {
    if (!known.has(reminderId)) accuse("P2", reminderId, "something was fired that nobody created");
  }
  for (const { messageId } of arrivals) {
    const id = readMessageId(messageId)?.reminderId;
    if (id === undefined || !known.has(id)) accuse("P2", id ?? null, `${messageId} is a message of no reminder`);
  }
}
