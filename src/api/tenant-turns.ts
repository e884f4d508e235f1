/** Lets so many pieces of work of each tenant be done at once. What is over waits, in order, and holds nothing meanwhile. */
export class TenantTurns {
  readonly #most: number;
  readonly #tenants = new Map<string, { running: number; waiting: (() => void)[] }>();

  constructor(most: number) {
    this.#most = most;
  }

  async take<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#tenants.get(tenant) ?? { running: 0, waiting: [] };
    this.#tenants.set(tenant, turns);
    if (turns.running < this.#most) turns.running += 1;
    else await new Promise<void>((resolve) => turns.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = turns.waiting.shift();
      // Its turn goes on to the next one, so that nobody comes in between.
      if (next) next();
      else turns.running -= 1;
      if (turns.running === 0) this.#tenants.delete(tenant);
    }
  }
}
