import type { Addressee } from "../audience.ts";
import type { Instant } from "../instant.ts";
import { nameOf } from "../people.ts";
import type { Contact, ReminderRecord } from "../reminder.ts";
import { saidInstant } from "../schedule/wall-text.ts";
import type { Evidence, Fact } from "./fact.ts";

/** One who would get the next message, and what they wish. */
export interface Wishing {
  to: Pick<Addressee, "channel" | "recipient" | "optedOut">;
  /** Whose wishes these are; null: of an address alone nothing else is known. */
  contact: Pick<Contact, "entityType" | "entityId" | "preferences" | "quietHours"> | null;
  /** Why nothing of it is sent to their address, and where that is written; null: it is. */
  unwanted: { because: string; evidence: Evidence } | null;
  /** When it comes together with others of theirs; null: by itself. */
  gathersUntil: Instant | null;
  /** When the quiet ends that reigns then; null: it doesn't. */
  quietUntil: Instant | null;
}

/** Of more people than this it would only be a list. */
export const MOST_EXPLAINED = 10;

/**
 * Why the next message won't reach somebody, or later than it is due: by what they have said themselves, and when they don't want to
 * be disturbed. Pure; each sentence rests on a row.
 */
export function explainWishes(reminder: ReminderRecord, wishing: readonly Wishing[], zone: string): Fact[] {
  return wishing.slice(0, MOST_EXPLAINED).flatMap((one) => wishesOf(reminder, one, zone));
}

function wishesOf(
  reminder: ReminderRecord,
  { to, contact, unwanted, gathersUntil, quietUntil }: Wishing,
  zone: string,
): Fact[] {
  const who = contact === null ? (to.recipient ?? "whom it is for") : nameOf(contact);
  const ofContact = (column: string): Evidence => ({ table: "contacts", id: who, columns: [column] });
  const isNever = to.optedOut ?? unwanted?.because ?? null;
  if (isNever !== null) {
    const evidence = to.optedOut === null && unwanted !== null ? unwanted.evidence : ofContact("preferences");
    const where = to.optedOut === null && to.recipient !== null ? `${who} (${to.recipient})` : who;
    return [
      { kind: "unwanted", at: null, sentence: `As things are, nothing of it goes to ${where}: ${isNever}.`, evidence },
    ];
  }
  const facts: Fact[] = [];
  if (gathersUntil !== null) {
    const sentence = `What is for ${who} waits to come together with others of theirs on ${saidInstant(gathersUntil, zone)}.`;
    facts.push({ kind: "together", at: null, sentence, evidence: ofContact("preferences") });
  }
  if (quietUntil !== null) {
    const sentence = `It is quiet for ${who} then: the message waits until ${saidInstant(quietUntil, zone)}.`;
    const evidence: Evidence =
      contact?.quietHours == null && reminder.quietHours !== null
        ? { table: "reminder_jobs", id: String(reminder.id), columns: ["quiet_hours"] }
        : contact?.quietHours == null
          ? { table: "tenants", id: reminder.tenantId, columns: ["quiet_hours"] }
          : ofContact("quiet_hours");
    facts.push({ kind: "quiet", at: null, sentence, evidence });
  }
  const perDay = contact?.preferences?.max_per_day;
  if (typeof perDay === "number") {
    const rest = contact?.preferences?.over_budget === "digest" ? "comes together, later" : "waits";
    const sentence = `${who} wants at most ${perDay} message${perDay === 1 ? "" : "s"} a day, over all reminders: what is over ${rest}.`;
    facts.push({ kind: "budget", at: null, sentence, evidence: ofContact("preferences") });
  }
  return facts;
}
