import { recheck, recheckTelling } from "../recheck.ts";
import type { Delivery } from "../reminder.ts";
import { saidInstant } from "../schedule/wall-text.ts";
import { readAnswer } from "../stop.ts";
import { counted, type Fact, ofDelivery, ofReminder } from "./fact.ts";
import type { Present } from "./present.ts";

/** What it waits for: messages that haven't ended, and whoever can't say whether it is done. */
export function waitsOf(present: Present): Fact[] {
  return [...present.open.map((delivery) => messageOf(delivery, present)), ...unansweredOf(present)];
}

function messageOf(delivery: Delivery, present: Present): Fact {
  const { zone } = present;
  const { status, attempts, nextAttemptAt, reason, addressed } = delivery;
  const columns = ["status", "attempts", ...(addressed?.tried ? ["channel", "addressed"] : [])];
  const message = `The message for ${saidInstant(delivery.occurrenceAt, zone)}${insteadOf(delivery)}`;
  if (status === "sending") {
    const sentence = `${message} is being sent (delivery attempt ${attempts}).`;
    return { kind: "sending", at: delivery.createdAt, sentence, evidence: ofDelivery(delivery, ...columns) };
  }
  const evidence = ofDelivery(delivery, ...columns, "next_attempt_at", "reason");
  const when = nextAttemptAt === null ? "" : ` from ${saidInstant(nextAttemptAt, zone)} on`;
  const taken = takenBack(delivery, present);
  if (taken !== null) {
    const sentence = `${message} isn't sent as things are: ${taken}; whether that is still so is looked at when its turn comes${when}.`;
    return { kind: "waits", at: nextAttemptAt, sentence, evidence };
  }
  const waits = attempts === 0 ? "waits to be sent" : `is tried again after ${counted(attempts, "delivery attempt")}`;
  const because = reason === null ? "" : `: ${reason}`;
  return { kind: "waits", at: nextAttemptAt, sentence: `${message} ${waits}${when}${because}.`, evidence };
}

/** Over which channel it goes, and which it was to go over before. */
function insteadOf({ channel, addressed }: Delivery): string {
  return addressed?.tried ? ` (over ${channel} instead of ${addressed.tried.join(" and ")})` : "";
}

/** Why what waits to be sent won't be, as the reminder stands; null: nothing in its row speaks against it. */
function takenBack({ occurrenceAt, addressed }: Delivery, { reminder, stop }: Present): string | null {
  const { status, deletedAt, lastOccurrenceAt, silence, bounds } = reminder;
  const now = { status, deletedAt, lastOccurrenceAt, silence, misfirePolicy: bounds.misfirePolicy };
  const taken = addressed?.tells
    ? recheckTelling(now)
    : recheck(occurrenceAt, now, stop ?? readAnswer("not_met", "there is none"));
  return taken?.because ?? null;
}

function unansweredOf({ reminder, unanswered, zone }: Present): Fact[] {
  if (unanswered === null) return [];
  const since = unanswered.since === null ? "" : ` since ${saidInstant(unanswered.since, zone)}`;
  const again = unanswered.askAt === null ? "" : `; it is asked again on ${saidInstant(unanswered.askAt, zone)}`;
  const times = counted(unanswered.count, "time");
  const sentence = `Nobody could say whether it is done${since}, ${times} in a row${again}.`;
  const evidence = ofReminder(reminder, "unknown_count", "unknown_since", "ask_at");
  return [{ kind: "unanswered", at: unanswered.since, sentence, evidence }];
}
