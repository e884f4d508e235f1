import type { Addressee } from "./audience.ts";
import type { Instant } from "./instant.ts";
import type { Happening, SimulatedDelivery } from "./life/happening.ts";
import type { Standing, World } from "./life/world.ts";
import { afterLastOccurrence } from "./occurrence.ts";
import type { CompletionReason, ReminderRecord } from "./reminder.ts";
import { DEFAULT_RETRY } from "./retry.ts";
import { live } from "./simulate.ts";

/** How far one can look ahead: five years. */
export const FARTHEST_MS = 5 * 366 * 86_400_000;
/** So many occurrences are told of at most. */
export const MOST_FORESEEN = 500;

/** No quiet hours hold anything for longer; see `quietUntil`. */
const LONGEST_HOLD_MS = 9 * 86_400_000;

/** From where somebody looks ahead, and what is taken for granted: workers work, messages arrive at once, nobody changes anything. */
export interface Outlook {
  now: Instant;
  /** Nothing later is looked at. */
  until: Instant;
  /** So many occurrences are looked at. */
  most: number;
  /** The zone of its contact or tenant, and the calendar that it goes by. */
  zone: string | null;
  calendar: string | null;
  /** When the quiet hours that hold an instant end for this person; null: none do. */
  quietUntil: NonNullable<World["quietUntil"]>;
  /** When a message goes along with others of its person; null: by itself. Not set: each does. */
  gathersUntil?: NonNullable<World["gathersUntil"]>;
  /** The people that it may be for; null: it goes to one. */
  audience?: World["audience"];
  /** True when the next due instant was worked out by older rules of its time zone. */
  isOutdated: boolean;
  /** What its decisions rest on then, as far as that can be said now. */
  facts: NonNullable<World["facts"]>;
  standing: Standing;
  /** Asked at every step: false ends it, when it has taken as long as it may. */
  mayGoOn(): boolean;
}

/** One occurrence, and what becomes of it if all goes well. */
export interface Foreseen {
  /** Which one it is: 1 is the reminder's first. What isn't sent has no number of its own. */
  number: number | null;
  /** The due instant, which names it. */
  occurrenceAt: Instant;
  firedAt: Instant;
  /** When it goes along with others of its person; null: by itself. */
  gatheredUntil: Instant | null;
  /** Until when quiet hours hold the message then; null: they don't. */
  heldUntil: Instant | null;
  /** When that happens which becomes of it. */
  at: Instant;
  outcome: "sent" | "suppressed" | "skipped" | "held" | "completed" | "paused";
  /** Occurrences before it that get no message of their own: it stands for them or, skipped, is one of them. */
  missed: number;
  /** Why nothing is sent; null where something is. */
  because: string | null;
  /** Whom it goes to, and who of them has opted out; empty: to whom the reminder is for. */
  to: readonly Addressee[];
  /** Which step of its policy it is, and why; null: it goes by none, or nothing is sent. */
  step: { number: number; because: string; isNew: boolean } | null;
  /** True for the last message that there will be. */
  isLast: boolean;
}

export interface Foresight {
  occurrences: Foreseen[];
  /** How it ends, for good or, without a reason, until a person resumes it; null where it goes on, as far as was looked. */
  end: { at: Instant; reason: CompletionReason | null; because: string } | null;
  /** Why it tells of no more: it ends there or is held there, or that was the limit, the horizon, or as long as it may take. */
  stoppedBy: "end" | "held" | "limit" | "until" | "effort";
  /** The reminder as it is then. */
  reminder: ReminderRecord;
}

/** One that is told of, and the deliveries that tell how it ends. */
interface Told {
  foreseen: Foreseen;
  deliveries: readonly SimulatedDelivery[];
}

/**
 * What comes of a reminder, by the same decisions as in production: its life as `simulate` lives it, in a world in which all
 * goes well. Pure as far as `facts` and `mayGoOn` are. Yields after every step, so that others get their turn. Throws a
 * `RuleError` for a rule that can't be read.
 */
export function* foresee(start: ReminderRecord, outlook: Outlook): Generator<void, Foresight> {
  const { now, until, most, zone, calendar, quietUntil, isOutdated, standing, facts, mayGoOn, audience } = outlook;
  const gathersUntil = outlook.gathersUntil ?? (() => null);
  const life = live(start, {
    ...{
      from: now,
      until: until + LONGEST_HOLD_MS,
      zone,
      calendar,
      quietUntil,
      gathersUntil,
      isOutdated,
      standing,
      facts,
      audience: audience ?? null,
    },
    ...{ stopMetAt: null, stopHeardAfterMs: 0 },
    ...{ outages: [], wishes: [], retry: DEFAULT_RETRY, draw: () => 0.5 },
    receive: () => ({ answer: "sent", takesMs: 0 }),
  });
  const told: Told[] = [];
  let end: Foresight["end"] = null;
  let reminder = start;
  let isPast = false;
  const foresight = (stoppedBy: Foresight["stoppedBy"]): Foresight => {
    const occurrences = told.slice(0, most).map((one) => withOutcome(one, { quietUntil, gathersUntil }));
    const isCut = told.length > most;
    const isWhole = end !== null && !isCut;
    const isHeld = occurrences.at(-1)?.outcome === "held" && !isCut;
    const last = occurrences.findLast(({ outcome }) => outcome === "sent");
    if (isWhole && last) last.isLast = true;
    return {
      occurrences,
      end: isWhole ? end : null,
      stoppedBy: isWhole ? "end" : isHeld ? "held" : stoppedBy,
      reminder,
    };
  };

  for (;;) {
    if (!mayGoOn()) return foresight("effort");
    const step = life.next();
    if (step.done) return foresight("until");
    reminder = step.value.reminder;
    const { happened } = step.value;
    const next = happened && toTold(happened, reminder);
    // What is due later is not looked at; what was held by then still comes to its end.
    if (next && next.foreseen.firedAt > until) isPast = true;
    else if (next) told.push(next);
    if (!isPast && happened?.kind === "completed") {
      end = { at: happened.at, reason: happened.reason, because: happened.because };
    }
    if (!isPast && happened?.kind === "paused") end = { at: happened.at, reason: null, because: happened.because };
    if (end !== null) return foresight("end");
    const isOpen = told.some(({ deliveries }) => deliveries.some((delivery) => !hasEnded(delivery)));
    if (isPast && !isOpen) return foresight("until");
    if (told.length >= most && reminder.nextRunAt !== null && !isOpen) return foresight("limit");
    yield;
  }
}

function toTold(happened: Happening, reminder: ReminderRecord): Told | null {
  const nothing = { number: null, missed: 0, isLast: false, gatheredUntil: null, heldUntil: null, to: [], step: null };
  switch (happened.kind) {
    case "fired": {
      const { occurrenceAt, at, missed, deliveries, course } = happened;
      const { occurrenceCount: number } = reminder;
      const foreseen = { ...nothing, number, occurrenceAt, firedAt: at, at, outcome: "sent" as const, missed };
      const step = course && { number: course.step.number, because: course.because, isNew: course.isNew };
      const to = deliveries.flatMap((delivery) => delivery.to ?? []);
      if (deliveries.length === 0) return { foreseen: { ...foreseen, step, to, ...UNWANTED }, deliveries };
      return { foreseen: { ...foreseen, because: null, step, to }, deliveries };
    }
    case "skipped": {
      const { at, occurrenceAt, missed } = happened;
      const because = "it was missed, and by misfire_policy it is not made up for";
      return {
        foreseen: { ...nothing, occurrenceAt, firedAt: at, at, outcome: "skipped", missed: missed - 1, because },
        deliveries: [],
      };
    }
    case "wished":
      return null;
    case "completed":
    case "held":
    case "paused": {
      const { kind: outcome, at, because, insteadOf } = happened;
      if (insteadOf === null) return null;
      const occurrenceAt = afterLastOccurrence(insteadOf, reminder);
      return { foreseen: { ...nothing, occurrenceAt, firedAt: at, at, outcome, because }, deliveries: [] };
    }
  }
}

const UNWANTED = { outcome: "suppressed", because: "nobody is left to be told" } as const;

function hasEnded({ status }: SimulatedDelivery): boolean {
  return status !== "pending" && status !== "sending" && status !== "retrying";
}

/** With what became of its messages by the end of the look ahead: when the first of them leaves, if any does. */
function withOutcome(
  { foreseen, deliveries }: Told,
  { quietUntil, gathersUntil }: Required<Pick<Outlook, "quietUntil" | "gathersUntil">>,
): Foreseen {
  if (deliveries.length === 0) return { ...foreseen };
  const { occurrenceAt, firedAt } = foreseen;
  const left = deliveries.filter(({ status }) => status !== "suppressed");
  const ways = (left.length > 0 ? left : deliveries).map(({ to }) => {
    const gatheredUntil = gathersUntil(occurrenceAt, firedAt, to);
    const heldUntil = quietUntil(gatheredUntil ?? firedAt, to?.addressed ?? null);
    return { gatheredUntil, heldUntil, at: heldUntil ?? gatheredUntil ?? firedAt };
  });
  const first = ways.reduce((soonest, way) => (way.at < soonest.at ? way : soonest));
  if (left.length > 0) return { ...foreseen, ...first };
  return { ...foreseen, ...first, outcome: "suppressed", because: deliveries[0]?.because ?? null };
}
