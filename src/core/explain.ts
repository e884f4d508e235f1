import { type Addressed, quorumOf } from "./people.ts";
import { recheck, recheckTelling } from "./recheck.ts";
import { type Delivery, deliveryId, type Instant, type ReminderRecord } from "./reminder.ts";
import { isPlanned } from "./replan.ts";
import { parseRrule } from "./schedule/rrule.ts";
import { RuleError } from "./schedule/rule-error.ts";
import { saidDuration, saidInstant } from "./schedule/wall-text.ts";
import { silenceEnd } from "./silence.ts";
import { readAnswer, type StopAnswer } from "./stop.ts";

export const EVIDENCE_TABLES = [
  ...(["reminder_jobs", "deliveries", "reminder_events", "status_flags", "reminder_done"] as const),
  ...(["contacts", "opt_outs", "suppressions", "tenants"] as const),
] as const;

/** What a sentence rests on: a row, and which of its columns say it; none named: the whole row. */
export interface Evidence {
  table: (typeof EVIDENCE_TABLES)[number];
  /** The row's id: the reminder's, the delivery's public one, the event's, the flag's key, the contact's name, the address, the tenant. */
  id: string;
  columns: readonly string[];
}

/** A plain sentence, and what it rests on. */
export interface Fact {
  kind: string;
  /** When it happened, or will; null for what is simply so. */
  at: Instant | null;
  sentence: string;
  evidence: Evidence;
}

/** What is written down of a reminder's present. */
export interface Present {
  reminder: ReminderRecord;
  /** Whose clocks instants are written by. */
  zone: string;
  /** True when nobody has worked out yet when it is due. */
  isUnplanned: boolean;
  /** Deliveries that haven't ended. */
  open: readonly Delivery[];
  /** The flags that its stop condition names; without `setAt`, nobody has ever set it. */
  flags: readonly { key: string; value: boolean; setAt: Instant | null }[];
  /** What its stop condition answers by what is written down; null: it has none. */
  stop: StopAnswer | null;
  /** How often in a row nobody could say whether it is done, since when, and when that is asked again; null: somebody could. */
  unanswered: { count: number; since: Instant | null; askAt: Instant | null } | null;
  /** Who of its recipients has done theirs; not set: nobody. */
  done?: readonly string[];
  now: Instant;
}

/** How a reminder stands: what it waits for, when it is due next, and what would stop it. Pure; each sentence rests on a row. */
export function explainPresent(present: Present): Fact[] {
  const { reminder } = present;
  const facts = [statusOf(present), ...attentionOf(reminder), ...waitsOf(present)];
  const isOver = reminder.deletedAt !== null || reminder.status === "COMPLETED";
  return isOver
    ? facts
    : [...facts, ...silenceOf(present), ...nextOf(present), ...peopleOf(present), ...stopsOf(present)];
}

function ofReminder({ id }: ReminderRecord, ...columns: string[]): Evidence {
  return { table: "reminder_jobs", id: String(id), columns };
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

/** Why what waits to be sent won't be, as the reminder stands; null: nothing in its row speaks against it. */
function takenBack({ occurrenceAt, addressed }: Delivery, { reminder, stop }: Present): string | null {
  const { status, deletedAt, lastOccurrenceAt, silence, bounds } = reminder;
  const now = { status, deletedAt, lastOccurrenceAt, silence, misfirePolicy: bounds.misfirePolicy };
  const taken = addressed?.tells
    ? recheckTelling(now)
    : recheck(occurrenceAt, now, stop ?? readAnswer("not_met", "there is none"));
  return taken?.because ?? null;
}

function waitsOf(present: Present): Fact[] {
  const { reminder, open, unanswered, zone } = present;
  const facts = open.map((delivery): Fact => {
    const evidence = ofDelivery(
      delivery,
      "status",
      "attempts",
      ...(delivery.addressed?.tried ? ["channel", "addressed"] : []),
    );
    const message = `The message for ${saidInstant(delivery.occurrenceAt, zone)}${insteadOf(delivery)}`;
    const { status, attempts, nextAttemptAt, reason } = delivery;
    const because = reason === null ? "" : `: ${reason}`;
    if (status === "sending") {
      const sentence = `${message} is being sent (delivery attempt ${attempts}).`;
      return { kind: "sending", at: delivery.createdAt, sentence, evidence };
    }
    const when = nextAttemptAt === null ? "" : ` from ${saidInstant(nextAttemptAt, zone)} on`;
    const waits = attempts === 0 ? "waits to be sent" : `is tried again after ${counted(attempts, "delivery attempt")}`;
    const columns = [...evidence.columns, "next_attempt_at", "reason"];
    const taken = takenBack(delivery, present);
    if (taken !== null) {
      const sentence = `${message} isn't sent as things are: ${taken}; whether that is still so is looked at when its turn comes${when}.`;
      return { kind: "waits", at: nextAttemptAt, sentence, evidence: { ...evidence, columns } };
    }
    return {
      kind: "waits",
      at: nextAttemptAt,
      sentence: `${message} ${waits}${when}${because}.`,
      evidence: { ...evidence, columns },
    };
  });
  if (unanswered === null) return facts;
  const since = unanswered.since === null ? "" : ` since ${saidInstant(unanswered.since, zone)}`;
  const again = unanswered.askAt === null ? "" : `; it is asked again on ${saidInstant(unanswered.askAt, zone)}`;
  const times = counted(unanswered.count, "time");
  const sentence = `Nobody could say whether it is done${since}, ${times} in a row${again}.`;
  const evidence = ofReminder(reminder, "unknown_count", "unknown_since", "ask_at");
  return [...facts, { kind: "unanswered", at: unanswered.since, sentence, evidence }];
}

/** Over which channel it goes, and which it was to go over before. */
function insteadOf({ channel, addressed }: Delivery): string {
  return addressed?.tried ? ` (over ${channel} instead of ${addressed.tried.join(" and ")})` : "";
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

function stopsOf({ reminder, zone, flags, stop }: Present): Fact[] {
  const { stopCondition, bounds, schedule, occurrenceCount } = reminder;
  const would = (sentence: string, evidence: Evidence, at: Instant | null = null): Fact => ({
    kind: "would_stop",
    ...{ at, sentence, evidence },
  });
  const facts: Fact[] = flags.map(({ key, value, setAt }) => {
    const evidence: Evidence = { table: "status_flags", id: key, columns: ["value", "updated_at"] };
    const since = setAt === null ? "nobody has set it" : `it is ${value} since ${saidInstant(setAt, zone)}`;
    return would(`Its stop condition looks at the flag "${key}": ${since}.`, evidence, setAt);
  });
  if (stopCondition !== null && stop !== null) {
    const columns = ["stop_condition_type", "stop_condition_value", "stop_condition_settings"];
    if (stopCondition.type === "max_attempts") columns.push("sent_count");
    const says = { met: "is met", not_met: "is not met", unknown: "can't be said from what is here" }[stop.state];
    const sentence = `Once its stop condition, ${stopCondition.type}, is met, nothing more is sent. It ${says}: ${stop.because}.`;
    facts.push(would(sentence, ofReminder(reminder, ...columns)));
  }
  if (bounds.maxOccurrences !== null) {
    const sentence = `It has fired ${counted(occurrenceCount, "time")} of the ${bounds.maxOccurrences} that max_occurrences lets it.`;
    facts.push(would(sentence, ofReminder(reminder, "max_occurrences", "occurrence_count")));
  }
  if (bounds.endAt !== null) {
    const sentence = `Nothing is due after ${saidInstant(bounds.endAt, zone)}.`;
    facts.push(would(sentence, ofReminder(reminder, "end_at"), bounds.endAt));
  }
  const ends = endOf(reminder);
  if (ends !== null) facts.push(would(ends.sentence, ofReminder(reminder, ...ends.columns)));
  if (facts.length > 0) return facts;
  const evidence = ofReminder(reminder, "schedule_type", "stop_condition_type", "max_occurrences", "end_at");
  return [would(`Nothing stops this ${schedule.type} reminder but a person.`, evidence)];
}

/** How its schedule ends by itself, as it is written. */
function endOf({ schedule }: ReminderRecord): { sentence: string; columns: string[] } | null {
  switch (schedule.type) {
    case "one_time":
      return { sentence: "It is due once, and done with that.", columns: ["schedule_type"] };
    case "offsets":
      return { sentence: "It is done after the last of its offsets.", columns: ["offsets", "anchor_at"] };
    case "rrule": {
      const said = endOfRule(schedule.rrule);
      return said === null ? null : { sentence: `Its rule ends: ${said}.`, columns: ["rrule"] };
    }
    default:
      return null;
  }
}

function endOfRule(rrule: string): string | null {
  try {
    const { rule } = parseRrule(rrule);
    if (rule === null) return "it is a list of dates";
    if (rule.count !== null) return `COUNT=${rule.count}`;
    return rule.until === null ? null : `UNTIL=${rule.until}`;
  } catch (error) {
    if (error instanceof RuleError) return `it ${error.message}`;
    throw error;
  }
}

/** One line of what happened, as it is kept. */
export type Line =
  | { told: "row"; at: Instant }
  | { told: "event"; at: Instant; id: number; type: string; because: string | null; deliveryAttempt: number | null }
  | {
      told: "fired" | "sent";
      at: Instant;
      delivery: Pick<Delivery, "reminderId" | "occurrenceAt" | "recipientNo">;
      channel: string;
      recipient: string | null;
      demo: boolean;
      /** Null: it is for whom the reminder is for. */
      addressed: Addressed | null;
    };

/** What happened, in a sentence. */
export function explainLine(line: Line, { id }: Pick<ReminderRecord, "id">, zone: string): Fact {
  const { at } = line;
  switch (line.told) {
    case "row": {
      const evidence: Evidence = { table: "reminder_jobs", id: String(id), columns: ["created_at"] };
      return { kind: "created", at, sentence: `It was created on ${saidInstant(at, zone)}.`, evidence };
    }
    case "event": {
      const evidence: Evidence = { table: "reminder_events", id: String(line.id), columns: [] };
      return { kind: line.type, at, sentence: sayEvent(line), evidence };
    }
    case "fired": {
      const { occurrenceAt } = line.delivery;
      const lateMs = at - occurrenceAt;
      const late = lateMs < 1_000 ? "" : `, ${saidDuration(lateMs)} late`;
      const sentence = `It was due on ${saidInstant(occurrenceAt, zone)} and fired${late}${forWhom(line)}.`;
      return {
        kind: "fired",
        at,
        sentence,
        evidence: ofDelivery(line.delivery, "occurrence_at", "created_at", ...(line.addressed ? ["addressed"] : [])),
      };
    }
    case "sent": {
      const to = line.recipient === null ? "" : ` to ${line.recipient}`;
      const how = line.demo
        ? `printed instead of sent${to}, because ${line.channel} is in demo mode`
        : `sent${to} by ${line.channel}`;
      const sentence = `The message for ${saidInstant(line.delivery.occurrenceAt, zone)} was ${how}.`;
      return {
        kind: "sent",
        at,
        sentence,
        evidence: ofDelivery(line.delivery, "status", "recipient", "demo", "finished_at"),
      };
    }
  }
}

/** Who gets it and why, where that isn't simply whom the reminder is for. */
function forWhom({ addressed, recipient }: Extract<Line, { told: "fired" | "sent" }>): string {
  if (addressed === null) return "";
  const { person, as, via, step } = addressed;
  const stand = via === undefined ? "" : `, for whom ${via} stands in`;
  const why = as === "recipient" ? "" : ` (${as})`;
  return `, for ${person ?? recipient}${why}${stand}${step ? `, by step ${step} of its policy` : ""}`;
}

function ofDelivery(delivery: Parameters<typeof deliveryId>[0], ...columns: string[]): Evidence {
  return { table: "deliveries", id: deliveryId(delivery), columns };
}

function sayEvent({ type, because, deliveryAttempt }: Extract<Line, { told: "event" }>): string {
  const why = because ?? "nobody wrote down why";
  switch (type) {
    case "attempt_failed":
      return `Delivery attempt ${deliveryAttempt ?? "of its message"} failed: ${why}.`;
    case "failed":
      return `A message could not be delivered: ${why}.`;
    case "unknown":
      return `Nobody knows whether a message has arrived: ${why}.`;
    case "suppressed":
      return `A message was not sent: ${why}.`;
    case "completed":
      return `It was completed: ${why}.`;
    case "paused":
      return `It was paused: ${why}.`;
    default:
      // An address stays as it is written.
      return /^\S+@/.test(why) ? `${why}.` : `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
  }
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
