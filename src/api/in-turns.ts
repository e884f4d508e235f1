import { ownTurn } from "./own-turn.ts";

/** So long others wait at most, in milliseconds, for a step and what is done with it. */
const TURN_MS = 10;

/**
 * Does a tenant's long work in turns, one at a time for all that is done like this, so that all other requests go on meanwhile.
 * `make` is given a question that is answered with no when the work itself, not the waiting, has taken `mostMs`.
 */
export async function inTurns<T>(
  make: (mayGoOn: () => boolean) => Generator<void, T>,
  { mostMs, whose }: { mostMs: number; whose: string },
): Promise<T> {
  await ownTurn(whose);
  let workedMs = 0;
  let turn = begin();
  const steps = make(() => workedMs + workSince(turn) < mostMs);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - turn.atMs < TURN_MS) continue;
    workedMs += workSince(turn);
    await ownTurn(whose);
    turn = begin();
  }
}

interface Turn {
  atMs: number;
  cpu: NodeJS.CpuUsage;
}

function begin(): Turn {
  return { atMs: performance.now(), cpu: process.cpuUsage() };
}

/** Milliseconds: no longer than it took, and no more than the process had of a processor that it shares with other programs. */
function workSince({ atMs, cpu }: Turn): number {
  const { user, system } = process.cpuUsage(cpu);
  return Math.min(performance.now() - atMs, (user + system) / 1_000);
}
