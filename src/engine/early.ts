import type { Held } from "./held.ts";

/** Deliveries that were fired a little ahead, until their instant has come. */
export class Early {
  readonly #onDue: (held: Held) => void;
  /** By `notBeforeMs`, the latest first. */
  readonly #waiting: Held[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** `onDue` gets each when its `notBeforeMs` has come. */
  constructor(onDue: (held: Held) => void) {
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(held: Held): void {
    const isNext = held.notBeforeMs < (this.#waiting.at(-1)?.notBeforeMs ?? Number.POSITIVE_INFINITY);
    // They come in the order of their instants, so this looks at few.
    const before = this.#waiting.findIndex((other) => other.notBeforeMs <= held.notBeforeMs);
    this.#waiting.splice(before === -1 ? this.#waiting.length : before, 0, held);
    if (isNext) this.#setTimer();
  }

  /** Forgets all that waits, and returns it. */
  clear(): Held[] {
    if (this.#timer) clearTimeout(this.#timer);
    return this.#waiting.splice(0);
  }

  #setTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    const next = this.#waiting.at(-1);
    if (next) this.#timer = setTimeout(() => this.#release(), Math.ceil(next.notBeforeMs - performance.now()));
  }

  #release(): void {
    const nowMs = performance.now();
    for (let next = this.#waiting.at(-1); next && next.notBeforeMs <= nowMs; next = this.#waiting.at(-1)) {
      this.#waiting.pop();
      this.#onDue(next);
    }
    this.#setTimer();
  }
}
