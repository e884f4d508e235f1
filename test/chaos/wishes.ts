import type { PolicyInput, ReminderInput, Span } from "./evidence.ts";
import { MOODY } from "./moody.ts";
import type { Random } from "./random.ts";

/** What somebody asks for. */
export interface Wish {
  key: string;
  kind: Kind;
  runAt: number;
  intervalMs: number | null;
  /** Null where it is for several, or for whoever its contact is. */
  recipient: string | null;
  /** The flag, and how the stop condition names it. */
  flag: { key: string; value: string } | null;
  people: ReminderInput["people"];
  policy: keyof typeof POLICIES | null;
  quiet: Span | null;
}

/** How many of each kind there are among a hundred. */
const KINDS = { plain: 58, several: 15, escalating: 12, quiet: 15 };
export type Kind = keyof typeof KINDS;

const RECURRING_MS = 60_000;
const MINUTE = 60_000;
/** Some flags end many reminders at once: each of so many reminders has so many of these flags among it. */
const GROUP = { reminders: 50, flags: 3 };

export const MANAGER = "boss@example.org";
export const TEAM = "ops@example.org";
/** When the steps after the first begin, in seconds from the first occurrence. In a run of half a minute, those of `fast` all do. */
export const POLICIES = { fast: [3, 7], close: [1, 2], slow: [20, 100] } as const;

/** Draws a wish. `bySql`: it is inserted as plain SQL would; then it has only what is easily had like that. */
export function drawWish(random: Random, { count, now, bySql }: { count: number; now: number; bySql: boolean }): Wish {
  const key = `thing-${count}`;
  const kind = bySql ? random.weighted({ plain: 85, quiet: 15 }) : random.weighted(KINDS);
  const isRecurring = kind === "escalating" || random.chance(0.5);
  const isOverdue = bySql && isRecurring && random.chance(0.15);
  const soon = now + (isOverdue ? -random.between(60_000, 300_000) : random.between(-200, 9_000));
  const { quiet, runAt } = kind === "quiet" ? drawQuiet(random, soon) : { quiet: null, runAt: soon };
  const own = `${kind === "quiet" || random.chance(0.1) ? MOODY : ""}${key}@example.org`;
  return {
    ...{ key, kind, quiet, runAt: Math.round(runAt), intervalMs: isRecurring ? RECURRING_MS : null },
    recipient: kind === "several" || kind === "escalating" ? null : own,
    flag: drawFlag(random, key, count),
    people: kind === "several" ? drawPeople(random, key) : null,
    policy: kind === "escalating" ? random.weighted({ fast: 5, close: 3, slow: 2 }) : null,
  };
}

/** Quiet when it is due, or just after: then it is a retry that must not leave. */
function drawQuiet(random: Random, soon: number): { quiet: Span; runAt: number } {
  const minute = Math.floor(soon / MINUTE) * MINUTE;
  if (random.chance(0.5)) return { quiet: { from: minute, until: minute + MINUTE }, runAt: soon };
  const next = minute + MINUTE;
  const isNear = next - soon < 10_000;
  const runAt = isNear ? next - random.between(50, 1_500) : soon;
  return { quiet: { from: next, until: next + MINUTE }, runAt };
}

function drawPeople(random: Random, key: string): ReminderInput["people"] {
  const count = 2 + Math.floor(random.between(0, 3));
  const addresses = Array.from({ length: count }, (_, index) => `${key}-${"abcd"[index]}@example.org`);
  return { addresses, needed: 1 + Math.floor(random.between(0, count)) };
}

function drawFlag(random: Random, key: string, count: number): Wish["flag"] {
  if (!random.chance(0.5)) return null;
  if (random.chance(0.15)) {
    const group = `group-${Math.floor(count / GROUP.reminders)}-${Math.floor(random.between(0, GROUP.flags))}`;
    return { key: group, value: group };
  }
  const isTemplate = random.chance(0.5);
  return { key: `done:${key}`, value: isTemplate ? "done:{entity_id}" : `done:${key}` };
}

/** As the API takes it. */
export function bodyOf({ key, runAt, intervalMs, flag, recipient, people, policy, quiet }: Wish): object {
  return {
    ...{ entity_type: "thing", entity_id: key, event_type: "chaos", channel: "email", run_at: isoOf(runAt) },
    ...{ schedule_type: intervalMs === null ? "one_time" : "recurring" },
    ...(intervalMs === null ? {} : { interval_minutes: intervalMs / MINUTE }),
    ...(flag ? { stop_condition_type: "db_check", stop_condition_value: flag.value } : {}),
    ...(recipient === null ? {} : { recipient }),
    ...(people ? { recipients: people.addresses, completes_when: completesWhen(people) } : {}),
    ...(policy ? { policy } : {}),
    ...(quiet ? { quiet_hours: quietHoursOf(quiet) } : {}),
  };
}

function completesWhen({ addresses, needed }: NonNullable<ReminderInput["people"]>): unknown {
  if (needed === addresses.length) return "all";
  return needed === 1 ? "any" : { quorum: needed };
}

/** On the clocks of UTC. */
export function quietHoursOf({ from, until }: Span): { from: string; to: string }[] {
  const to = isoOf(until).slice(11, 16);
  return [{ from: isoOf(from).slice(11, 16), to: to === "00:00" ? "24:00" : to }];
}

/** A policy as the API takes it: each step is given once. */
export function policyBody(name: keyof typeof POLICIES): object {
  const [second, third] = POLICIES[name];
  return {
    steps: [
      { to: ["recipient"], repeat: 1 },
      { after: { elapsed: `PT${second}S` }, to: ["manager"], repeat: 1 },
      {
        after: { elapsed: `PT${third}S` },
        to: ["recipient", { contact: { entity_type: "team", entity_id: "ops" } }],
        repeat: 1,
      },
    ],
  };
}

/** The address of whoever a reminder by a policy is for: its contact's. */
export function contactAddress({ key }: Pick<Wish, "key">): string {
  return `${key}@example.org`;
}

function policyInput(wish: Wish): PolicyInput | null {
  if (wish.policy === null) return null;
  const [second, third] = POLICIES[wish.policy];
  const own = contactAddress(wish);
  return {
    steps: [
      { afterMs: 0, to: [own] },
      { afterMs: second * 1000, to: [MANAGER] },
      { afterMs: third * 1000, to: [own, TEAM] },
    ],
  };
}

export function toInput(id: number, wish: Wish, created: Span): ReminderInput {
  const { key, runAt, intervalMs, flag, people, quiet } = wish;
  return {
    ...{ id, key, created, runAt, intervalMs, flag: flag?.key ?? null, people, policy: policyInput(wish), quiet },
    ...{ changes: [], done: [], said: null, refusals: [], isLoose: false },
  };
}

function isoOf(instant: number): string {
  return new Date(instant).toISOString();
}
