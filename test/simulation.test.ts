import { expect, test } from "vitest";
import { simulate } from "../src/core/simulate.ts";
import { randomFrom } from "./chaos/random.ts";
import { drawCrowd } from "./simulation/crowd.ts";
import { faultInCrowd } from "./simulation/crowd-faults.ts";
import { storyOf } from "./simulation/crowd-story.ts";
import { faultInLife } from "./simulation/life-faults.ts";
import { drawLife } from "./simulation/lives.ts";
import { only, replay, seeds } from "./simulation/seeds.ts";

/** The first of them are lives of reminders for one person, the others of crowds. */
const LIVES = 20_000;
const CROWDS = 5_000;

const SEEDS = LIVES + CROWDS;

function refuse(wrong: string | null, seed: number): void {
  if (wrong) throw new Error(`${wrong}: ${replay(seed, "test/simulation.test.ts")}`);
}

test(`a year in the life of a reminder, for ${LIVES} seeds: the promises that need no machine hold`, {
  timeout: 600_000,
}, () => {
  const seen = { fired: 0, missed: 0, tries: 0, completed: 0, quiet: 0, byCalendar: 0 };
  for (const seed of seeds(0, LIVES)) {
    const scenario = drawLife(seed);
    const life = simulate(scenario.reminder, scenario.world);
    refuse(faultInLife(scenario, life), seed);
    seen.fired += life.deliveries.length;
    seen.missed += life.deliveries.reduce((sum, delivery) => sum + delivery.missed, 0);
    seen.tries += life.deliveries.reduce((sum, delivery) => sum + delivery.attempts.length, 0);
    seen.quiet += scenario.world.quietUntil ? life.deliveries.length : 0;
    seen.byCalendar += scenario.reminder.business ? life.deliveries.length : 0;
    seen.completed += life.reminder.status === "COMPLETED" ? 1 : 0;
  }
  if (only) return;
  // That the seeds drew lives in which there was something to get wrong.
  expect(seen.fired).toBeGreaterThan(20 * LIVES);
  expect(seen.missed).toBeGreaterThan(LIVES);
  expect(seen.tries).toBeGreaterThan(seen.fired);
  expect(seen.completed).toBeGreaterThan(LIVES / 3);
  expect(seen.quiet).toBeGreaterThan(LIVES);
  expect(seen.byCalendar).toBeGreaterThan(LIVES / 2);
});

test(`a year of several people, policies, answers, digests and budgets, for ${CROWDS} seeds`, {
  timeout: 600_000,
}, () => {
  const seen = { fired: 0, tries: 0, escalated: 0, policiesEnded: 0, silences: 0, theirs: 0, digests: 0, budgets: 0 };
  for (const seed of seeds(LIVES, SEEDS)) {
    const crowd = drawCrowd(randomFrom(seed), seed);
    const story = storyOf(crowd);
    refuse(faultInCrowd(crowd, story), seed);
    const { fired, end, silences, doneAt } = story;
    const people = [...crowd.people.values()];
    seen.fired += fired.length;
    seen.tries += end.deliveries.reduce((sum, { attempts }) => sum + attempts.length, 0);
    seen.escalated += fired.filter(({ course }) => course?.isNew && course.step.number > 1).length;
    seen.policiesEnded += end.reminder.completionReason === "policy_ended" ? 1 : 0;
    seen.silences += silences.length;
    seen.theirs += doneAt.size;
    seen.digests += people.some(({ digest }) => digest) ? fired.length : 0;
    seen.budgets += people.some(({ budget }) => budget) ? fired.length : 0;
  }
  if (only) return;
  expect(seen.fired).toBeGreaterThan(15 * CROWDS);
  expect(seen.tries).toBeGreaterThan(seen.fired);
  expect(seen.escalated).toBeGreaterThan(CROWDS / 3);
  expect(seen.policiesEnded).toBeGreaterThan(CROWDS / 20);
  expect(seen.silences).toBeGreaterThan(CROWDS / 4);
  expect(seen.theirs).toBeGreaterThan(CROWDS / 5);
  expect(seen.digests).toBeGreaterThan(5 * CROWDS);
  expect(seen.budgets).toBeGreaterThan(5 * CROWDS);
});
