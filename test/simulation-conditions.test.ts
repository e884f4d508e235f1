import { expect, test } from "vitest";
import { stopAnswer } from "../src/conditions/evaluate.ts";
import { completionReasonOf, countsSent } from "../src/conditions/registry.ts";
import { DEFAULT_HOLD } from "../src/core/hold.ts";
import type { Simulation } from "../src/core/life/happening.ts";
import type { World } from "../src/core/life/world.ts";
import { ON_UNKNOWN, type ReminderRecord, type StopCondition } from "../src/core/reminder.ts";
import { NO_BOUNDS } from "../src/core/schedule/kinds.ts";
import { simulate } from "../src/core/simulate.ts";
import { NO_FLAGS } from "../src/core/stop-subject.ts";
import { type Random, randomFrom } from "./chaos/random.ts";
import { only, replay, seeds } from "./simulation/seeds.ts";
import { reminderRecord } from "./support/reminders.ts";

// The life of a reminder whose condition is asked of somebody who doesn't always answer, or that has a deadline, or counts.

const FILE = "test/simulation-conditions.test.ts";
const SEEDS = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 15, 10, 30);
const END = START + 40 * DAY;
/** It is asked again at the latest so long after somebody can say, by the policy and its spread. */
const LONGEST_HOLD_MS = DEFAULT_HOLD.capSeconds * 1.1 * 1000 + 1;

type Span = { from: number; until: number };
const isIn = (spans: readonly Span[], at: number) => spans.some(({ from, until }) => from <= at && at < until);

function drawReminder(random: Random, seed: number): ReminderRecord {
  const intervalMinutes = random.pick([60, 180, 360, 1_440]);
  const runAt = START + Math.floor(random.between(0, 2 * DAY));
  return reminderRecord({
    ...{ id: seed, entityId: `${seed}`, createdAt: START, updatedAt: START, runAt, nextRunAt: runAt },
    schedule: { type: "recurring", intervalMinutes, anchorAt: runAt },
    bounds: { ...NO_BOUNDS, misfirePolicy: random.pick(["catch_up_once", "skip"]) },
    onUnknown: random.pick(ON_UNKNOWN),
  });
}

function drawWorld(random: Random): World {
  const receiver = random.fork("receiver");
  const moods = { sent: 5, retrying: random.next(), failed: 0.2 * random.next(), unknown: 0 };
  return {
    ...{ until: END, stopMetAt: null, stopHeardAfterMs: Number.POSITIVE_INFINITY, outages: [], wishes: [] },
    receive: () => ({ answer: receiver.weighted(moods), takesMs: Math.floor(receiver.between(0, 5_000)) }),
    retry: { maxAttempts: 3, baseSeconds: 15, factor: 4, capSeconds: 3_600 },
    draw: receiver.next,
  };
}

function drawSilences(random: Random): Span[] {
  const spans: Span[] = [];
  for (let at = START; spans.length < 4; ) {
    const from = at + Math.floor(random.between(HOUR, 8 * DAY));
    at = from + random.pick([MINUTE, 20 * MINUTE, 7 * HOUR, 3 * DAY]);
    spans.push({ from, until: at });
  }
  return spans;
}

const intervalOf = ({ schedule }: ReminderRecord): number =>
  schedule.type === "recurring" ? schedule.intervalMinutes * MINUTE : Number.NaN;

/** What is wrong with a life in which nobody could say at times whether it was done, or null. */
function faultInSilence(start: ReminderRecord, world: World, { reminder, deliveries }: Simulation): string | null {
  const { silences = [], stopMetAt } = world;
  const holds = start.onUnknown === "hold";
  const intervalMs = intervalOf(start);
  for (const { at } of deliveries.flatMap((delivery) => delivery.attempts)) {
    const isSilent = isIn(silences, at);
    if (holds && isSilent) return "a message left while nobody could say whether it was done";
    if (stopMetAt !== null && at >= stopMetAt && !isSilent) return "P3: a message left after it was done";
  }
  for (const [index, { occurrenceAt, firedAt, missed }] of deliveries.entries()) {
    if (firedAt < occurrenceAt) return "P4: it fired early";
    if (firedAt - occurrenceAt > 0 && !silences.some(({ from, until }) => from <= occurrenceAt && firedAt >= until)) {
      return "P4: it fired late without a reason";
    }
    const ended = silences.find(({ from, until }) => from <= occurrenceAt && occurrenceAt < until)?.until;
    if (holds && ended !== undefined && firedAt > ended + LONGEST_HOLD_MS)
      return "it was held for longer than it had to be";
    const passed = Math.floor((firedAt - occurrenceAt) / intervalMs);
    if (missed !== passed) return `P2: it tells of ${missed} missed, and ${passed} were`;
    const newer = deliveries[index + 1];
    const next = occurrenceAt + (passed + 1) * intervalMs;
    if (newer && newer.occurrenceAt !== next) return "P2: one was left out, or came twice";
  }
  if (reminder.status !== "ACTIVE") {
    if (stopMetAt === null || reminder.completionReason !== "stop_condition") return "it ended for no reason";
    return null;
  }
  const since = reminder.nextRunAt ?? END;
  if (since < END - LONGEST_HOLD_MS && !isIn(silences, END) && !isIn(silences, END - LONGEST_HOLD_MS)) {
    return "P2: it was due, and never fired";
  }
  const wasAsked =
    stopMetAt !== null && deliveries.some(({ firedAt }) => firedAt >= stopMetAt && !isIn(silences, firedAt));
  return wasAsked ? "P3: it was done, and went on" : null;
}

test(`whoever doesn't answer neither spams nor silences, for ${SEEDS} seeds`, { timeout: 400_000 }, () => {
  const seen = { fired: 0, held: 0, completed: 0 };
  for (const seed of seeds(0, SEEDS)) {
    const random = randomFrom(seed);
    const reminder = drawReminder(random, seed);
    const stopMetAt = random.chance(0.7) ? START + Math.floor(random.between(0, 40 * DAY)) : null;
    const world = { ...drawWorld(random), stopMetAt, silences: drawSilences(random) };
    const life = simulate(reminder, world);
    const wrong = faultInSilence(reminder, world, life);
    if (wrong) throw new Error(`${wrong}: ${replay(seed, FILE)}`);
    seen.fired += life.deliveries.length;
    seen.held += life.deliveries.filter(({ firedAt, occurrenceAt }) => firedAt > occurrenceAt).length;
    seen.completed += life.reminder.status === "COMPLETED" ? 1 : 0;
  }
  if (only) return;
  expect(seen.fired).toBeGreaterThan(20 * SEEDS);
  expect(seen.held).toBeGreaterThan(SEEDS / 2);
  expect(seen.completed).toBeGreaterThan(SEEDS / 2);
});

/** The facts of a reminder whose condition needs nothing but itself, by the kind itself. */
function factsOf(condition: StopCondition): NonNullable<World["facts"]> {
  return ({ reminder, now, sentCount }) => {
    const counts = { occurrences: reminder.occurrenceCount, sent: sentCount };
    const stop = stopAnswer(condition, { reminder, contact: null, counts, flags: NO_FLAGS, now });
    return { stop, doneBecause: completionReasonOf(condition), countsSent: countsSent(condition) };
  };
}

test(`deadline and max_attempts end a reminder when they say, for ${SEEDS} seeds`, { timeout: 400_000 }, () => {
  const reasons = { deadline: 0, max_attempts: 0 };
  for (const seed of seeds(0, SEEDS)) {
    const random = randomFrom(seed);
    const days = 1 + Math.floor(random.between(0, 30));
    const most = 1 + Math.floor(random.between(0, 12));
    const condition = random.pick<StopCondition>([
      { type: "deadline", value: `P${days}D`, settings: null },
      { type: "max_attempts", value: `${most}`, settings: null },
    ]);
    const reminder = { ...drawReminder(random, seed), stopCondition: condition };
    const { reminder: end, deliveries } = simulate(reminder, { ...drawWorld(random), facts: factsOf(condition) });
    const attempts = deliveries.flatMap((delivery) => delivery.attempts);
    const sent = deliveries.filter(({ status }) => status === "sent").length;
    const at = replay(seed, FILE);
    if (condition.type === "deadline") {
      expect(
        attempts.filter(({ at }) => at >= START + days * DAY),
        at,
      ).toEqual([]);
      expect(end.completionReason, at).toBe("deadline");
      reasons.deadline += 1;
    } else {
      expect(sent, at).toBeLessThanOrEqual(most);
      expect(end.completionReason, at).toBe(sent === most ? "max_attempts" : null);
      if (sent === most) reasons.max_attempts += 1;
    }
  }
  if (only) return;
  expect(Math.min(reasons.deadline, reasons.max_attempts)).toBeGreaterThan(SEEDS / 4);
});
