import { beforeAll, expect, test } from "vitest";
import { runChaos } from "../chaos/run.ts";
import { buildProgram } from "../support/program.ts";

beforeAll(buildProgram);

test("P1 to P8 hold under fire: killed, stopped and cut off, nothing is lost, late without a reason, early, or sent after its end", async () => {
  const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

  const { verdict, evidence, text } = await runChaos({ seed, seconds: 30 });

  expect(verdict.violations, text).toEqual([]);
  // That there was something to judge, and something to survive.
  expect(new Set(evidence.faults.map((fault) => fault.kind)).size, text).toBeGreaterThan(8);
  expect(verdict.recorded, text).toBeGreaterThan(0);
  expect(verdict.due, text).toBeGreaterThan(0);
}, 300_000);
