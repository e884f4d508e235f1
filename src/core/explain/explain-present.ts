import { quorumOf } from "../people.ts";
import type { ReminderRecord } from "../reminder.ts";
import { isPlanned } from "../replan.ts";
import { saidInstant } from "../schedule/wall-text.ts";
import { silenceEnd } from "../silence.ts";
import { counted, type Evidence, type Fact, ofReminder } from "./fact.ts";
import type { Present } from "./present.ts";
import { stopsOf } from "./stops.ts";
import { waitsOf } from "./waits.ts";

/** How a reminder stands: what it waits for, when it is due next, and what would stop it. Pure; each sentence rests on a row. */
export function explainPresent(present: Present): Fact[] {
  const { reminder } = present;
  const facts = [statusOf(present), ...attentionOf(reminder), ...waitsOf(present)];
  const isOver = reminder.deletedAt !== null || reminder.status === "COMPLETED";
  return isOver
    ? facts
    : [...facts, ...silenceOf(present), ...nextOf(present), ...peopleOf(present), ...stopsOf(present)];
}

function statusOf({ reminder, zone }: Present): Fact {
  const { status, completionReason, completedAt, deletedAt } = reminder;
  if (deletedAt !== null) {
    const sentence = `It was deleted on ${saidInstant(deletedAt, zone)}; it can be restored.`;
    return { kind: "deleted", at: deletedAt, sentence, evidence: ofReminder(reminder, "deleted_at") };
  }
  if (status === "COMPLETED") {
    const when = completedAt === null ? "" : ` on ${saidInstant(completedAt, zone)}`;
    const why = completionReason === null ? "" : `: ${COMPLETED_BY[completionReason]}`;
    const evidence = ofReminder(reminder, "status", "completion_reason", "completed_at");
    return { kind: "completed", at: completedAt, sentence: `It was completed${when}${why}.`, evidence };
  }
  const sentence =
    status === "PAUSED"
      ? "It is PAUSED: nothing is sent until somebody resumes it."
      : "It is ACTIVE: it fires when it is due.";
  return { kind: status.toLowerCase(), at: null, sentence, evidence: ofReminder(reminder, "status") };
}

const COMPLETED_BY: Record<NonNullable<ReminderRecord["completionReason"]>, string> = {
  stop_condition: "its stop condition was met",
  one_time_sent: "it was to be sent once, and was",
  max_occurrences: "it has fired as often as max_occurrences lets it",
  deadline: "its deadline has passed",
  max_attempts: "as many messages were sent as max_attempts says",
  schedule_ended: "its schedule has no further occurrence",
  delivery_failed: "its only message could not be delivered",
  delivery_unknown: "nobody knows whether its only message has arrived, and it isn't sent again unasked",
  policy_ended: "the last step of its policy was given as often as it is to be",
  people_done: "as many of its people have done theirs as it takes",
  opted_out: "whom its only message was for doesn't want any of its kind",
  event: "an event of the outside world said that it is done",
  manual: "somebody completed it",
  done: "a person whom it reminded said that it is done",
};

function attentionOf(reminder: ReminderRecord): Fact[] {
  if (reminder.needsAttention === null) return [];
  const sentence = `A person must look at it: ${reminder.needsAttention}.`;
  return [{ kind: "needs_attention", at: null, sentence, evidence: ofReminder(reminder, "needs_attention") }];
}

function silenceOf({ reminder, zone, now }: Present): Fact[] {
  const { silence } = reminder;
  const at = silenceEnd(silence, now);
  if (at === null) return [];
  const [kind, what] =
    silence?.by === "snooze"
      ? ["snoozed", "It was put off until"]
      : ["acknowledged", "Somebody has promised that it is done by"];
  const sentence = `${what} ${saidInstant(at, zone)}: nothing is sent before, and it is due then, unless it is done.`;
  return [{ kind, at, sentence, evidence: ofReminder(reminder, "silent_until", "silent_by") }];
}

function nextOf({ reminder, zone, open, isUnplanned, unanswered, now }: Present): Fact[] {
  const { nextRunAt: at, status, lastOccurrenceAt, onUnknown } = reminder;
  if (status === "PAUSED") return [];
  const fact = (kind: string, sentence: string, ...columns: string[]): Fact[] => [
    { kind, at, sentence, evidence: ofReminder(reminder, "next_run_at", ...columns) },
  ];
  if (at !== null) {
    const isHeld = unanswered !== null && onUnknown === "hold";
    const due = `It has been due since ${saidInstant(at, zone)}`;
    if (at <= now && isHeld) return fact("held", `${due}, and waits until somebody can say whether it is done.`);
    return at > now
      ? fact("next", `It is due next on ${saidInstant(at, zone)}.`)
      : fact("due", `${due}: the next worker fires it.`);
  }
  if (isPlanned(reminder) && isUnplanned) {
    return fact("unplanned", "No worker has worked out yet when it is due next.", "zone_rules");
  }
  if (lastOccurrenceAt === null || open.length === 0) return fact("never", "It has no next due instant.");
  return fact("last", "It has fired for the last time: it is done when that message has ended.", "last_occurrence_at");
}

/** Where it is in its policy, and how many of its people have done theirs. */
function peopleOf({ reminder, done = [] }: Present): Fact[] {
  const { policy, escalation, recipients } = reminder.people;
  const facts: Fact[] = [];
  if (policy !== null) {
    const { step = 0, sends = 0 } = escalation ?? {};
    const where =
      step === 0 ? "hasn't been escalated yet" : `has come to step ${step}, after ${counted(sends, "send")}`;
    const evidence = ofReminder(reminder, "policy", "escalation");
    facts.push({ kind: "policy", at: null, sentence: `It goes by the policy ${policy}, and ${where}.`, evidence });
  }
  if (recipients !== null) {
    const who =
      done.length === 0
        ? "none of whom has done theirs"
        : `of whom ${done.length} ${done.length === 1 ? "has" : "have"} done theirs (${done.join(", ")})`;
    const sentence = `It is for ${counted(recipients.length, "recipient")}, ${who}: it takes ${quorumOf(reminder.people)}.`;
    const evidence: Evidence = { table: "reminder_done", id: String(reminder.id), columns: ["person", "done_at"] };
    facts.push({ kind: "recipients", at: null, sentence, evidence });
  }
  return facts;
}
