import { setImmediate } from "node:timers/promises";

/** So long nothing else goes on at most, save that one step alone takes longer. */
const TURN_MS = 10;
/** So much work is done in one transaction, of the processor's time: whatever else is due waits for its end. */
const STINT_MS = 100;

/**
 * Some of a lot of work: others have their turn in between, and after a while the rest is left for the next time. Rules and expressions of
 * many reminders together may take many seconds.
 */
export class Stint {
  #turn = begin();
  #workedMs = 0;

  /** Between two steps. False: enough was done; the rest is to be left. */
  get mayGoOn(): boolean {
    return this.#workedMs < STINT_MS;
  }

  /** Between two steps: true where it is others' turn. */
  get isTurnOver(): boolean {
    return performance.now() - this.#turn.atMs > TURN_MS;
  }

  /** Lets others have their turn. */
  async rest(): Promise<void> {
    const { user, system } = process.cpuUsage(this.#turn.cpu);
    // A processor that is shared with other programs doesn't make it more.
    this.#workedMs += Math.min(performance.now() - this.#turn.atMs, (user + system) / 1_000);
    await setImmediate();
    this.#turn = begin();
  }
}

function begin(): { atMs: number; cpu: NodeJS.CpuUsage } {
  return { atMs: performance.now(), cpu: process.cpuUsage() };
}
