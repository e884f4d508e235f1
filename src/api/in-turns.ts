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
  let turnSince = performance.now();
  const steps = make(() => workedMs + (performance.now() - turnSince) < mostMs);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    const turnMs = performance.now() - turnSince;
    if (turnMs < TURN_MS) continue;
    workedMs += turnMs;
    await ownTurn(whose);
    turnSince = performance.now();
  }
}
