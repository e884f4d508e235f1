import { type Answered, type Answerer, IS_DONE } from "./answered.ts";
import { alsoSaid, LONGEST_ATTENTION, without } from "./attention.ts";
import type { Instant } from "./instant.ts";
import { changed, hindrance, type Moment } from "./lifecycle.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import { begunAgain } from "./only-ended.ts";
import { personOf, recipientCalled } from "./people.ts";
import type { ReminderRecord } from "./reminder.ts";
import { isSameJson } from "./same-json.ts";

/** Somebody says that it isn't theirs. */
export interface NotMe {
  kind: "not_me";
  /** Whose it is, in the channel's own form; null: they don't say. */
  to: string | null;
  /** Not set: nobody. */
  beside?: Beside;
}

/**
 * Who else has it: the other recipients, where `person` is one of them, or whom it had gone to before it was escalated. `address` is where
 * they got it; null: in nobody's own place, a group's channel say, which others read as well.
 */
export type Beside = { address: string | null } & ({ kind: "recipients"; person: string } | { kind: "escalated" });

/** Who has it besides, where a reminder goes on as it is for them, though somebody has said that it isn't theirs; else null. */
export function leftTo(
  { people: { recipients } }: Pick<ReminderRecord, "people">,
  { to, beside }: NotMe,
): Beside | null {
  if (beside?.kind === "escalated") return beside;
  const hasOthers = beside?.kind === "recipients" && recipients !== null && recipients.length > 1;
  return hasOthers && to === null ? beside : null;
}

/** What it does to a reminder that somebody says it isn't theirs. */
export function declined(reminder: ReminderRecord, answer: NotMe, by: Answerer, { now }: Moment): Answered {
  const hindered = hindrance("decline", reminder);
  if (hindered) return hindered;
  const active = begunAgain(reminder);
  if (active === null) return IS_DONE;
  const others = leftTo(reminder, answer);
  if (others) return leftToOthers(reminder, answer.to, others, by);
  const { to, beside } = answer;
  if (to === null) return leftAlone(reminder, by);
  if (!reminder.allowsReassign)
    return { kind: "refused", because: "nobody else may be named: allow_reassign is false" };
  if (beside?.kind === "recipients") return handedOn(reminder, active, { ...beside, to }, by, now);
  if (reminder.recipient === to) return { kind: "unchanged" };
  const nextRunAt = afterLastOccurrence(now, active);
  const theirs: ReminderRecord = {
    ...{ ...active, recipient: to, silence: null },
    // One that is paused still has to be resumed by somebody.
    needsAttention: active.status === "PAUSED" ? active.needsAttention : null,
    // They haven't heard of it yet.
    ...(active.status === "ACTIVE" ? { nextRunAt, nextWallAt: null } : {}),
  };
  return changed(theirs, "reassigned", handedTo(to, by), { ...by.details, to });
}

function handedTo(to: string, { who }: Answerer): string {
  return `${who} said that it isn't theirs, and named ${to}`;
}

/** One of several isn't the one: the others are reminded as before, and somebody is told that there may be one too few. */
function leftToOthers(reminder: ReminderRecord, to: string | null, beside: Beside, by: Answerer): Answered {
  const said = to === null ? `${by.who} said that it isn't theirs` : handedTo(to, by);
  const effect = beside.address === null ? "it goes where others read it too, as before" : "they get no more of it";
  const then = beside.kind === "recipients" ? "; put somebody in their place, or leave them out of its recipients" : "";
  const because = `${said}: ${effect}${then}`;
  const needsAttention = alsoSaid(without(reminder.needsAttention, because), because);
  const told = needsAttention.length > LONGEST_ATTENTION ? reminder.needsAttention : needsAttention;
  const details = to === null ? by.details : { ...by.details, to };
  return changed({ ...reminder, needsAttention: told }, "declined", because, details);
}

/**
 * Whoever is named takes the place of one of the recipients, unless they have one already: that stays as it is written, which is what they have done
 * theirs by. The others aren't reminded again because of that.
 */
function handedOn(
  reminder: ReminderRecord,
  active: ReminderRecord,
  { person, to }: { person: string; to: string },
  by: Answerer,
  now: Instant,
): Answered {
  const former = active.people.recipients ?? [];
  const others = former.filter((one) => personOf(one) !== person);
  const place = former.findIndex((one) => personOf(one) === person);
  const isThere = place === -1 || recipientCalled(others, to) !== undefined;
  const recipients = isThere ? others : [...others.slice(0, place), { address: to }, ...others.slice(place)];
  if (isSameJson(recipients, [...former])) return { kind: "unchanged" };
  const people = { ...active.people, recipients };
  const again =
    reminder.status === "COMPLETED" ? { nextRunAt: afterLastOccurrence(now, active), nextWallAt: null } : {};
  return changed({ ...active, people, ...again }, "reassigned", handedTo(to, by), { ...by.details, to });
}

/** Nobody has it any more: to go on nagging who isn't the one would be wrong, and to be silent without a word as well. */
function leftAlone(reminder: ReminderRecord, { who, details }: Answerer): Answered {
  const isOver = reminder.status === "COMPLETED";
  const then = isOver ? "create it anew for whoever it is" : "give it another recipient, then resume it";
  const because = `${who} said that it isn't theirs`;
  const needsAttention = `${because}: ${then}`;
  if (reminder.needsAttention === needsAttention) return { kind: "unchanged" };
  const status = isOver ? reminder.status : "PAUSED";
  return changed({ ...reminder, status, needsAttention }, "declined", needsAttention, details);
}
