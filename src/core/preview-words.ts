import type { Instant } from "./instant.ts";
import type { Foreseen, Foresight } from "./preview.ts";
import type { CompletionReason, ReminderRecord } from "./reminder.ts";
import { sayHowMany } from "./schedule/missed.ts";
import { type Origin, originOf, zoneOf } from "./schedule/origin.ts";
import { parseRrule } from "./schedule/rrule.ts";
import { nextOccurrence, type Timetable } from "./schedule/schedule.ts";
import { toWallClock } from "./schedule/wall-clock.ts";
import { saidDuration, saidInstant, timeOf } from "./schedule/wall-text.ts";
import { endsSilence } from "./silence.ts";

/** Something that has put an occurrence elsewhere than its rule names, and the sentence that says so. */
export interface SaidMove {
  by: Origin["moves"][number]["by"] | "policy" | "misfire" | "asked_for" | "digest" | "quiet_hours";
  /** The instant before; null where there is none. */
  from: Instant | null;
  /** What the clock shows there; null where the rule doesn't say. */
  fromWall: number | null;
  because: string;
}

/** Why a message is the last one, or why there is none at all. */
export interface SaidEnd {
  /** Null: it isn't done, but PAUSED until a person resumes it. */
  reason: CompletionReason | null;
  because: string;
}

/** What is said of an occurrence. */
export interface SaidOccurrence {
  moved: SaidMove[];
  sentence: string;
}

/** What becomes of an occurrence, and why just then. Throws a `RuleError` for a rule that can't be read. */
export function sayOccurrence(
  foreseen: Foreseen,
  asked: Pick<ReminderRecord, "runAt" | "silence">,
  timetable: Timetable,
  end: SaidEnd | null,
): SaidOccurrence {
  const zone = zoneOf(timetable);
  const moved = movesOf(foreseen, asked, timetable);
  const sentences = [
    `${capital(whatHappens(foreseen, zone))}.`,
    ...whoGetsIt(foreseen).map((said) => `${capital(said)}.`),
    ...moved.map(({ because }) => `${capital(because)}.`),
    ...(foreseen.outcome === "sent" && foreseen.missed > 0 ? [sayMissed(foreseen.missed, timetable)] : []),
    ...(foreseen.isLast && end ? [`It is the last one: ${end.because}.`] : []),
  ];
  return { moved, sentence: sentences.join(" ") };
}

/** To whom it goes and why to them, where that isn't simply whom the reminder is for. */
function whoGetsIt({ to, step, outcome }: Foreseen): string[] {
  if (
    outcome !== "sent" ||
    (step === null && to.length < 2 && to.every(({ addressed }) => addressed.via === undefined))
  )
    return [];
  const named = to.filter(({ optedOut }) => optedOut === null).map(sayAddressee);
  const said = named.length > 0 ? [`it goes to ${named.join(", ")}`] : [];
  const out = to
    .filter(({ optedOut }) => optedOut !== null)
    .map((one) => `not to ${one.addressed.person}: ${one.optedOut}`);
  if (step === null || step.number === 0) return [...said, ...out];
  const why = step.isNew
    ? `it is escalated to step ${step.number} of its policy: ${step.because}`
    : `it is step ${step.number} of its policy`;
  return [why, ...said, ...out];
}

function sayAddressee({ recipient, channel, addressed }: Foreseen["to"][number]): string {
  const { person, as, via } = addressed;
  const where = recipient ?? `${person}, whom ${channel} can't reach`;
  const stand = via === undefined ? "" : `, ${via} standing in for ${person}`;
  return as === "recipient" && stand === "" ? where : `${where} (${as}${stand})`;
}

function whatHappens({ outcome, at, occurrenceAt, because, missed }: Foreseen, zone: string): string {
  const due = saidInstant(occurrenceAt, zone);
  switch (outcome) {
    case "sent":
      return `sent on ${saidInstant(at, zone)}`;
    case "suppressed":
      return `due on ${due}, and not sent: ${because}`;
    case "skipped":
      return missed > 0
        ? `due on ${due} and ${missed} more times since, and not sent: ${because}`
        : `due on ${due}, and not sent: ${because}`;
    case "held":
      return `due on ${due}, and held: nobody can say whether it is done: ${because}`;
    case "completed":
    case "paused":
      return `due on ${due}, and not sent: ${because}`;
  }
}

function movesOf(
  { occurrenceAt, firedAt, gatheredUntil, heldUntil, outcome, step }: Foreseen,
  { runAt, silence }: Pick<ReminderRecord, "runAt" | "silence">,
  timetable: Timetable,
): SaidMove[] {
  const zone = zoneOf(timetable);
  const { isRegular, moves } = originOf(timetable, occurrenceAt, runAt);
  const moved = moves.map((move): SaidMove => ({ ...move, because: whyMoved(move, occurrenceAt, zone) }));
  if (endsSilence(occurrenceAt, silence)) {
    const because = silence?.by === "snooze" ? "it was put off until then" : "somebody has promised to do it by then";
    moved.push({ by: "asked_for", from: null, fromWall: null, because });
  } else if (!isRegular && step !== null) {
    const because = "its policy names this instant, and not its schedule";
    moved.push({ by: "policy", from: null, fromWall: null, because });
  } else if (!isRegular) {
    const because = "its schedule doesn't name this instant: somebody asked for it";
    moved.push({ by: "asked_for", from: null, fromWall: null, because });
  }
  if (outcome === "sent" && firedAt > occurrenceAt) {
    const because = `it was due on ${saidInstant(occurrenceAt, zone)}, and is made up for at once`;
    moved.push({ by: "misfire", from: occurrenceAt, fromWall: toWallClock(occurrenceAt, zone), because });
  }
  if (gatheredUntil !== null) {
    const because = `it waits from ${saidInstant(firedAt, zone)} to come together with others at ${saidInstant(gatheredUntil, zone)}`;
    moved.push({ by: "digest", from: firedAt, fromWall: toWallClock(firedAt, zone), because });
  }
  if (heldUntil !== null) {
    const from = gatheredUntil ?? firedAt;
    const because = `quiet hours hold it from ${saidInstant(from, zone)} until ${saidInstant(heldUntil, zone)}`;
    moved.push({ by: "quiet_hours", from, fromWall: toWallClock(from, zone), because });
  }
  return moved;
}

function whyMoved(move: Origin["moves"][number], occurrenceAt: Instant, zone: string): string {
  const { by, fromWall } = move;
  switch (by) {
    case "clocks_skip":
      return `its rule names ${timeOf(fromWall)}, which the clocks of ${zone} skip that day, so it comes right after the gap`;
    case "clocks_repeat":
      return `the clocks of ${zone} show ${timeOf(fromWall)} twice that day; it comes the first time`;
    case "calendar":
      return move.because;
    case "jitter":
      return `it is ${saidDuration(occurrenceAt - move.from)} later than ${timeOf(fromWall)} by jitter_seconds`;
  }
}

/** Why it ends as it does. `reminder`: as it is then. */
export function sayEnd(end: NonNullable<Foresight["end"]>, reminder: ReminderRecord, timetable: Timetable): SaidEnd {
  const { reason, because } = end;
  switch (reason) {
    case "max_occurrences":
      return {
        reason,
        because: `with it, it has fired as often as max_occurrences lets it: ${reminder.bounds.maxOccurrences}`,
      };
    case "one_time_sent":
      return { reason, because: "it is a one_time reminder" };
    case "schedule_ended":
      return { reason, because: whyScheduleEnds(reminder, timetable) };
    default:
      return { reason, because };
  }
}

function whyScheduleEnds({ lastOccurrenceAt }: ReminderRecord, timetable: Timetable): string {
  const { schedule, bounds } = timetable;
  const zone = zoneOf(timetable);
  if (bounds.endAt !== null && lastOccurrenceAt !== null) {
    const endless = { ...timetable, bounds: { ...bounds, endAt: null } };
    const next = nextOccurrence(endless, lastOccurrenceAt);
    if (next !== null) {
      return `the next one, on ${saidInstant(next.at, zone)}, would be after end_at, ${saidInstant(bounds.endAt, zone)}`;
    }
  }
  if (schedule.type === "offsets") return "it is the last of its offsets";
  if (schedule.type !== "rrule") return "its schedule names no later one";
  const { rule } = parseRrule(schedule.rrule);
  if (rule?.count != null) return `its rule ends with COUNT=${rule.count}`;
  if (rule?.until != null) return `its rule ends with UNTIL=${rule.until}`;
  return "its rule names no later one";
}

/** The whole in a sentence or two. */
export function saySummary(
  { occurrences, stoppedBy }: Pick<Foresight, "occurrences" | "stoppedBy">,
  end: SaidEnd | null,
  { zone, until }: { zone: string; until: Instant },
): string {
  const sent = occurrences.filter(({ outcome }) => outcome === "sent");
  const [first] = sent;
  const last = sent.at(-1);
  if (!first || !last) {
    const why = end ?? null;
    if (why) return `Nothing is sent: ${occurrences.at(-1)?.because ?? why.because}.`;
    const due =
      occurrences.length === 1 ? "for the first occurrence" : `for the first ${occurrences.length} occurrences`;
    if (stoppedBy === "held") return `Nothing is sent: ${heldFor(occurrences)}.`;
    if (stoppedBy === "limit")
      return `Nothing is sent ${due}; it goes on after that, and more are told with a larger limit.`;
    if (stoppedBy === "effort") return "Nothing is sent as far as it looked; to look further would take too long.";
    return `Nothing is sent until ${saidInstant(until, zone)}, as far as it looks.`;
  }
  const many = sent.length === 1 ? "One message" : `${sent.length} messages`;
  const when =
    sent.length === 1
      ? `on ${saidInstant(first.at, zone)}`
      : `from ${saidInstant(first.at, zone)} to ${saidInstant(last.at, zone)}`;
  const after = {
    end: end?.reason === null ? `then it is PAUSED: ${end.because}` : `then it is done: ${end?.because}`,
    held: `and then nothing: ${heldFor(occurrences)}`,
    limit: "and it goes on after that; more are told with a larger limit",
    until: `and none after that until ${saidInstant(until, zone)}`,
    effort: "and it goes on after that; to look further would take too long",
  }[stoppedBy];
  return `${many} ${when}, ${after}.`;
}

function heldFor(occurrences: readonly Foreseen[]): string {
  return `it is held until somebody can say whether it is done: ${occurrences.at(-1)?.because}`;
}

function sayMissed(count: number, { bounds }: Timetable): string {
  const many = sayHowMany(count);
  if (bounds.misfirePolicy === "all")
    return `${count === 1 ? "One that was missed has" : `${capital(many)} that were missed have`} no message of their own.`;
  return `It stands for ${count === 1 ? "one" : many} more that ${count === 1 ? "was" : "were"} missed.`;
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
