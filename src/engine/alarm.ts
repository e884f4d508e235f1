/** A longer timer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A sleep that can be cut short, and that never misses a poke given between looking and lying down. */
export class Alarm {
  #poked = false;
  #wake: (() => void) | null = null;

  /** Call before looking for work: pokes from now on make the next `wait` return at once. */
  reset(): void {
    this.#poked = false;
  }

  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  /** Sleeps `ms` milliseconds at most, until poked. Resolves to whether it was. */
  async wait(ms: number): Promise<boolean> {
    if (this.#poked || ms <= 0) return this.#poked;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(Math.ceil(ms), LONGEST_TIMER_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
    return this.#poked;
  }
}
