import { Worker } from "node:worker_threads";

export interface Limits {
  /** A job that takes longer is ended with its thread. */
  timeMs: number;
  /** Of the thread. */
  heapMb: number;
}

/** A job took more than it may: its thread is gone. The message goes on from "the template ...". */
export class Killed extends Error {
  override name = "Killed";
}

/** A thread that doesn't get ready in this time is taken to be lost; how busy a machine can be is no template's fault. */
const START_MS = 30_000;
/** Of the heap, what is young: it counts too. */
const YOUNG_MB = 16;
const STACK_MB = 4;

/** One thread: runs a job at a time, until one takes more than it may. */
export class CagedThread<Job, Result extends object> {
  readonly #limits: Limits;
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  #settle: ((result: Result | Error) => void) | null = null;
  #hasEnded = false;

  /** `program` is what runs in it: it says "ready", takes jobs and answers each with its result. */
  constructor(limits: Limits, program: URL) {
    this.#limits = limits;
    this.#worker = new Worker(program, {
      resourceLimits: {
        maxOldGenerationSizeMb: limits.heapMb - YOUNG_MB,
        maxYoungGenerationSizeMb: YOUNG_MB,
        stackSizeMb: STACK_MB,
      },
      // It has nothing of ours, and says nothing.
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
    });
    // Nobody's exit waits for it.
    this.#worker.unref();
    this.#ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no thread to write messages in could be started")), START_MS);
      timer.unref();
      this.#worker.on("message", (said: Result | "ready") => {
        if (said === "ready") {
          clearTimeout(timer);
          resolve();
        } else this.#settle?.(said);
      });
      this.#worker.on("exit", () => reject(new Error("a thread to write messages in has ended")));
    });
    this.#ready.catch(() => {});
    this.#worker.on("error", (error) => this.#lost(error));
    this.#worker.on("exit", () => this.#lost(new Error("the thread that wrote messages has ended")));
  }

  /** False once it has ended: another has to take its place. */
  get isUsable(): boolean {
    return !this.#hasEnded;
  }

  /** One at a time. Throws `Killed` where the job took more than it may, and then the thread is of no more use. */
  async run(job: Job): Promise<Result> {
    const { timeMs } = this.#limits;
    try {
      await this.#ready;
    } catch (error) {
      void this.end();
      throw error;
    }
    let timer: NodeJS.Timeout | undefined;
    if (this.#hasEnded) throw new Error("the thread that wrote messages has ended");
    const settled = await new Promise<Result | Error>((resolve) => {
      this.#settle = resolve;
      const kill = (): void => {
        void this.end();
        resolve(new Killed(`takes longer than ${timeMs} ms`));
      };
      // What has come while this process was busy is heard before.
      timer = setTimeout(() => setImmediate(kill), timeMs);
      this.#worker.postMessage(job);
    });
    clearTimeout(timer);
    this.#settle = null;
    if (settled instanceof Error) throw settled;
    return settled;
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#worker.terminate();
  }

  #lost(error: Error): void {
    this.#hasEnded = true;
    const isMemory = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
    this.#settle?.(isMemory ? new Killed(`takes more than ${this.#limits.heapMb} MB of memory`) : error);
  }
}
