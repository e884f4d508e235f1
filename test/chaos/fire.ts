import { setTimeout as sleep } from "node:timers/promises";
import { LARGE, type Saboteur, SMALL } from "./faults.ts";
import type { Random } from "./random.ts";

/** Large faults come one after the other, with this much between them. */
const LARGE_REST_MS = { from: 500, until: 3_000 };
/** It lasts for about half of a short run: the others come beside it. */
const LASTS = "worker stopped past its lease";

interface Plan {
  seconds: number;
  faultEveryMs: number;
  narrate: (line: string) => void;
}

/** Makes faults until the time is over, and resolves when the last has ended. */
export async function makeFaults(
  saboteur: Saboteur,
  random: Random,
  { seconds, faultEveryMs, narrate }: Plan,
): Promise<void> {
  const endsAt = performance.now() + seconds * 1000;
  const isOver = () => performance.now() >= endsAt;
  const underWay = new Set<Promise<void>>();

  const small = async () => {
    while (!isOver()) {
      const fault = saboteur.make(random.weighted(SMALL));
      underWay.add(fault);
      void fault.finally(() => underWay.delete(fault));
      await sleep(random.between(0, 2 * faultEveryMs));
    }
  };
  const large = async () => {
    // Each kind once, in any order, before they come as they may.
    const deck = random.shuffle(Object.keys(LARGE));
    let lasting = Promise.resolve();
    while (!isOver()) {
      const kind = deck.pop() ?? random.weighted(LARGE);
      if (kind === LASTS) await lasting;
      narrate(`${((endsAt - performance.now()) / 1000).toFixed(0)} s left: ${kind}`);
      const fault = saboteur.make(kind);
      if (kind === LASTS) lasting = fault;
      else await fault;
      await sleep(random.between(LARGE_REST_MS.from, LARGE_REST_MS.until));
    }
    await lasting;
  };
  await Promise.all([small(), large()]);
  await Promise.all(underWay);
}
