import type { Instant } from "../instant.ts";
import type { Addressed } from "../people.ts";
import type { Delivery, ReminderRecord } from "../reminder.ts";
import { saidDuration, saidInstant } from "../schedule/wall-text.ts";
import type { Checked } from "../stop.ts";
import { type Evidence, type Fact, ofDelivery } from "./fact.ts";

/** One line of what happened, as it is kept. */
export type Line =
  | { told: "row"; at: Instant }
  | {
      told: "event";
      at: Instant;
      id: number;
      type: string;
      because: string | null;
      deliveryAttempt: number | null;
      checked: Checked | null;
    }
  | {
      told: "fired" | "sent";
      at: Instant;
      delivery: Pick<Delivery, "reminderId" | "occurrenceAt" | "recipientNo">;
      channel: string;
      recipient: string | null;
      demo: boolean;
      /** Null: it is for whom the reminder is for. */
      addressed: Addressed | null;
      checked: Checked | null;
      /** What is to be said of how it left; null: nothing. */
      reason: string | null;
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
      return { kind: line.type, at, sentence: sayEvent(line) + wasChecked(line, zone), evidence };
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
      const but = line.reason === null ? "" : `, ${line.reason}`;
      const sentence = `The message for ${saidInstant(line.delivery.occurrenceAt, zone)} was ${how}${but}.${wasChecked(line, zone)}`;
      return {
        kind: "sent",
        at,
        sentence,
        evidence: ofDelivery(
          line.delivery,
          ...["status", "recipient", "demo", "finished_at"],
          ...(line.checked ? ["checked"] : []),
          ...(line.reason === null ? [] : ["reason"]),
        ),
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

/** What its stop condition answered right before, where it has one. */
function wasChecked({ checked }: { checked: Checked | null }, zone: string): string {
  if (checked === null) return "";
  const { type, state, because, at } = checked;
  const how = { met: "was met", not_met: "was not met", unknown: "was in doubt" }[state];
  return ` Its stop condition, ${type}, ${how} as of ${saidInstant(at, zone)}: ${because}.`;
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
    // Of what came back, mere words of a mail server.
    case "bounced":
      return `A message came back, and its address is to blame: ${why}.`;
    case "bounced_for_now":
      return `A message came back or is late, for which its address isn't blamed: ${why}.`;
    default:
      // An address stays as it is written.
      return /^\S+@/.test(why) ? `${why}.` : `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
  }
}
