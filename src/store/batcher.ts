interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers what is asked while a call is under way (or `maxCalls` are) and asks it in one go next. Under no load each item
 * goes at once; under load the batches grow by themselves. `run` answers in the order it was asked.
 */
export class Batcher<T, R> {
  readonly #run: (items: T[]) => Promise<R[]>;
  readonly #maxBatch: number;
  #waiting: Waiting<T, R>[] = [];
  readonly #maxCalls: number;
  #calls = 0;

  constructor(run: (items: T[]) => Promise<R[]>, maxBatch: number, maxCalls = 1) {
    this.#run = run;
    this.#maxBatch = maxBatch;
    this.#maxCalls = maxCalls;
  }

  /** True when nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#calls === 0;
  }

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#calls < this.#maxCalls) {
        this.#calls += 1;
        // What is added in the same turn of the event loop travels together.
        setImmediate(() => void this.#work());
      }
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#maxBatch);
      try {
        const results = await this.#run(batch.map((waiting) => waiting.item));
        batch.forEach((waiting, index) => {
          waiting.resolve(results[index] as R);
        });
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
    }
    this.#calls -= 1;
  }
}
