import { type ContactWish, drawZone, UTC } from "./contacts.ts";
import type { BudgetInput, ReminderInput, Span } from "./evidence.ts";
import { drawScript } from "./hooks.ts";
import { MOODY } from "./moody.ts";
import { countsSends, type PolicyName } from "./policies.ts";
import type { Random } from "./random.ts";
import { drawNumber } from "./texts.ts";

/** What somebody asks for. */
export interface Wish {
  /** The reminder's entity and event; no two have both. */
  entity: string;
  event: string;
  kind: Kind;
  runAt: number;
  /** Its flag, and what befalls it, come around this instant. */
  aroundAt: number;
  intervalMs: number | null;
  /** Null where it is for several, or for whoever its contact is. */
  recipient: string | null;
  /** What is said of whoever it is for; null: nothing. */
  contact: ContactWish | null;
  /** The flag, and how the stop condition names it. */
  flag: { key: string; value: string } | null;
  people: ReminderInput["people"];
  policy: PolicyName | null;
  /** When nothing of it may leave; of these, what the reminder itself says. */
  quiet: Span[];
  ownQuiet: Span | null;
  ignoresQuiet: boolean;
  /** See `ReminderInput`. */
  digest: number[] | null;
  budget: BudgetInput | null;
  /** Over webhooks it goes by e-mail where these fail. */
  channel: "email" | "webhook" | "sms";
}

/** How many of each kind there are among a hundred; of the last two, several are made at once. */
const KINDS = { plain: 36, several: 13, escalating: 13, quiet: 13, over: 9, texted: 6, gathered: 6, budgeted: 4 };
export type Kind = keyof typeof KINDS;

export const MINUTE = 60_000;
/** Some flags end many reminders at once: each of so many reminders has so many of these flags among it. */
const GROUP = { reminders: 50, flags: 3 };

export function drawKind(random: Random, bySql: boolean): Kind {
  return bySql ? random.weighted({ plain: 85, quiet: 15 }) : random.weighted(KINDS);
}

export interface Drawing {
  count: number;
  now: number;
  /** Inserted as plain SQL would; then it has only what is easily had like that. */
  bySql: boolean;
}

/** Draws a wish of a kind that comes alone. */
export function drawWish(random: Random, kind: Kind, { count, now, bySql }: Drawing): Wish {
  const entity = `thing-${count}`;
  const isRecurring = kind === "escalating" || (kind !== "over" && random.chance(0.5));
  const isOverdue = bySql && isRecurring && random.chance(0.15);
  const soon = now + (isOverdue ? -random.between(MINUTE, 5 * MINUTE) : random.between(-200, 9_000));
  const own = `${kind === "quiet" || random.chance(0.1) ? MOODY : ""}${entity}@example.org`;
  const wish = { ...plainWish(entity, "chaos", Math.round(soon)), kind, intervalMs: isRecurring ? MINUTE : null };
  wish.flag = drawFlag(random, wish, count);
  switch (kind) {
    case "several":
      return { ...wish, people: drawPeople(random, entity) };
    case "escalating": {
      const policy = random.weighted({ fast: 4, close: 2, slow: 1, counted: 3, mixed: 2 });
      // What ends it before its steps have come says little of them.
      const flag = countsSends(policy) && random.chance(0.7) ? null : wish.flag;
      return { ...wish, policy, flag, contact: { email: own, zone: UTC, isManaged: true } };
    }
    case "quiet":
      return drawQuiet(random, { ...wish, recipient: own }, bySql);
    case "over":
      return { ...wish, channel: "webhook", contact: { email: own, zone: UTC, script: drawScript(random) } };
    case "texted":
      return { ...wish, channel: "sms", recipient: drawNumber(random, count) };
    default:
      return { ...wish, recipient: own };
  }
}

/** One to be made something of. */
export function plainWish(entity: string, event: string, runAt: number): Wish {
  return {
    ...{ entity, event, kind: "plain", runAt, aroundAt: runAt, intervalMs: null, recipient: null, contact: null },
    ...{ flag: null, people: null, policy: null, quiet: [], ownQuiet: null, ignoresQuiet: false },
    ...{ digest: null, budget: null, channel: "email" },
  };
}

/** Quiet when it is due, or just after: then it is a retry that must not leave. By its own hours, its contact's, or one after the other. */
function drawQuiet(random: Random, wish: Wish, bySql: boolean): Wish {
  const minute = Math.floor(wish.runAt / MINUTE) * MINUTE;
  const next = minute + MINUTE;
  const isNow = random.chance(0.5);
  const isNear = next - wish.runAt < 10_000;
  const runAt = isNow || !isNear ? wish.runAt : Math.round(next - random.between(50, 1_500));
  const from = isNow ? minute : next;
  const [first, second] = [from, from + MINUTE].map((begin) => ({ from: begin, until: begin + MINUTE })) as [
    Span,
    Span,
  ];
  const timed = { ...wish, runAt, aroundAt: runAt };
  const whose = bySql ? "own" : random.weighted({ own: 3, contact: 4, both: 2, ignored: 1 });
  if (whose === "own") return { ...timed, quiet: [first], ownQuiet: first };
  const contact = { email: wish.recipient as string, zone: drawZone(random), quiet: first };
  const persons = { ...timed, recipient: null, contact };
  if (whose === "ignored") return { ...persons, ignoresQuiet: true };
  return whose === "both" ? { ...persons, quiet: [first, second], ownQuiet: second } : { ...persons, quiet: [first] };
}

function drawPeople(random: Random, entity: string): ReminderInput["people"] {
  const count = 2 + Math.floor(random.between(0, 3));
  const addresses = Array.from({ length: count }, (_, index) => `${entity}-${"abcd"[index]}@example.org`);
  return { addresses, needed: 1 + Math.floor(random.between(0, count)) };
}

export function drawFlag(
  random: Random,
  { entity, event }: Pick<Wish, "entity" | "event">,
  count: number,
): Wish["flag"] {
  if (!random.chance(0.5)) return null;
  if (random.chance(0.15)) {
    const group = `group-${Math.floor(count / GROUP.reminders)}-${Math.floor(random.between(0, GROUP.flags))}`;
    return { key: group, value: group };
  }
  const key = event === "chaos" ? `done:${entity}` : `done:${entity}:${event}`;
  return { key, value: event === "chaos" && random.chance(0.5) ? "done:{entity_id}" : key };
}
