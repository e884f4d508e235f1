import { Cron } from "croner";
import { expect, test } from "vitest";
import { nextCron } from "../../src/core/schedule/cron.ts";
import { parseCron } from "../../src/core/schedule/cron-fields.ts";
import { randomFrom } from "../chaos/random.ts";
import { randomCron } from "./random-rules.ts";

const RULES = 3_000;
const EACH = 4;
const HORIZON = Date.UTC(2060, 0, 1);

/** In UTC, where a wall clock and its instant are the same: what time zones do to it is judged elsewhere. */
function byCroner(rule: string, from: number): number[] {
  const cron = new Cron(rule, { timezone: "UTC", paused: true });
  const found: number[] = [];
  while (found.length < EACH) {
    const next = cron.nextRun(new Date(found.at(-1) ?? from));
    if (!next || next.getTime() > HORIZON) break;
    found.push(next.getTime());
  }
  return found;
}

function byUs(rule: string, from: number): number[] {
  const found: number[] = [];
  while (found.length < EACH) {
    const next = nextCron(parseCron(rule), found.at(-1) ?? from);
    if (next === null || next > HORIZON) break;
    found.push(next);
  }
  return found;
}

test(`${RULES} random cron expressions mean the same to us and to croner`, () => {
  const random = randomFrom(7);
  let found = 0;
  for (let n = 0; n < RULES; n += 1) {
    const rule = randomCron(random);
    const from = Date.UTC(2026, 0, 1) + Math.floor(random.between(0, 3 * 366)) * 86_400_000;
    const ours = byUs(rule, from);
    expect({ rule, from, next: ours }).toEqual({ rule, from, next: byCroner(rule, from) });
    found += ours.length;
  }
  expect(found).toBeGreaterThan(RULES * 3);
});
