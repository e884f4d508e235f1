import type { Logger } from "pino";

/** Gets the instant (as of `performance.now()`) by which everything must be closed. */
type Close = (giveUpAt: number) => Promise<unknown>;

/** What has been opened, to be closed in the reverse order. */
export class StopList {
  readonly #steps: { name: string; close: Close }[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  add(name: string, close: Close): void {
    this.#steps.push({ name, close });
  }

  /** Never throws: what can't be closed must not keep the rest open. */
  async close(giveUpAt: number): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.close(giveUpAt);
      } catch (error) {
        this.#log.warn({ err: error }, `could not close the ${step.name}`);
      }
    }
  }
}
