import { beforeAll, expect, test } from "vitest";
import { runChaos } from "../chaos/run.ts";
import { buildProgram } from "../support/program.ts";

beforeAll(buildProgram);

test("P1 to P8 hold under fire: killed, stopped and cut off, nothing is lost, late without a reason, early, or sent after its end", async () => {
  const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

  const { verdict, evidence, traces, skipped, text } = await runChaos({ seed, seconds: 30 });

  for (const what of skipped) console.warn(`skipped: ${what}`);
  expect(verdict.violations, text).toEqual([]);
  // That there was something to judge, and something to survive: faults that were made as they were meant, and met. As many as a
  // machine at a quarter of its speed comes to.
  const made = evidence.faults.filter(({ isCutShort }) => !isCutShort);
  expect(new Set(made.map((fault) => fault.kind)).size, text).toBeGreaterThan(8);
  expect(made.length, text).toBeGreaterThan(25);
  expect(new Map(traces).get("a connection ended by an administrator"), text).toBeGreaterThan(0);
  expect(verdict.recorded, text).toBeGreaterThan(25);
  expect(verdict.due, text).toBeGreaterThan(12);
  expect(verdict.messages, text).toBeGreaterThan(25);
  expect(evidence.inputs.flags.length, text).toBeGreaterThan(2);
}, 300_000);
