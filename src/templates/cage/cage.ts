import { CagedThread, type Limits } from "./caged-thread.ts";
import type { Compiled, CompileJob, Job, Result } from "./job.ts";

export interface CageOptions {
  /** How many templates run at once; a tenant never has the last free one while it has another. */
  threads?: number;
  limits?: Partial<Limits>;
}

/** Threads that nobody has asked for so long are let go, in milliseconds. */
const IDLE_MS = 60_000;

/** What the threads run that fill templates in. */
const FILLS = new URL("./thread.mjs", import.meta.url);
const COMPILES = new URL("./mjml-thread.mjs", import.meta.url);

interface Waiting<Job, Result> {
  job: Job;
  resolve(result: Result): void;
  reject(error: Error): void;
}

/**
 * Where templates run that users have written: threads with a heap of their own, ended when they take too long or too much. One
 * tenant's may have as many threads as are left to the others, so that nobody waits for a bomb: tenants take turns, and each
 * begins its own in the order they came.
 */
class AnyCage<Job, Result extends object> {
  readonly #limits: Limits;
  readonly #most: number;
  readonly #program: URL;
  readonly #idle: CagedThread<Job, Result>[] = [];
  readonly #all = new Set<CagedThread<Job, Result>>();
  /** Of each tenant that has any; the first is the next to begin. */
  readonly #queues = new Map<string, Waiting<Job, Result>[]>();
  readonly #running = new Map<string, number>();
  #busy = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(program: URL, threads: number, limits: Limits) {
    this.#program = program;
    this.#most = threads;
    this.#limits = limits;
  }

  /** Throws `Killed` where the job took more than it may. */
  run(tenant: string, job: Job): Promise<Result> {
    if (this.#isClosed) return Promise.reject(new Error("the cage is closed"));
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(tenant) ?? [];
      this.#queues.set(tenant, queue);
      queue.push({ job, resolve, reject });
      this.#begin();
    });
  }

  /** Starts the threads, so that the first message doesn't wait for one. */
  warm(): void {
    while (this.#all.size < this.#most) this.#idle.push(this.#start());
    this.#endWhenIdle();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    const waiting = [...this.#queues.values()].flat();
    this.#queues.clear();
    for (const { reject } of waiting) reject(new Error("the cage is closed"));
    await Promise.all([...this.#all].map((thread) => thread.end()));
  }

  #begin(): void {
    for (const [tenant, queue] of this.#queues) {
      const free = this.#most - this.#busy;
      if (free === 0) return;
      if ((this.#running.get(tenant) ?? 0) >= free) continue;
      const [next] = queue.splice(0, 1);
      // To the end of the line, or out of it.
      this.#queues.delete(tenant);
      if (queue.length > 0) this.#queues.set(tenant, queue);
      if (next) void this.#work(tenant, next);
    }
  }

  async #work(tenant: string, { job, resolve, reject }: Waiting<Job, Result>): Promise<void> {
    this.#busy += 1;
    this.#running.set(tenant, (this.#running.get(tenant) ?? 0) + 1);
    const thread = this.#take();
    try {
      resolve(await thread.run(job));
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
    this.#busy -= 1;
    const left = (this.#running.get(tenant) ?? 1) - 1;
    if (left > 0) this.#running.set(tenant, left);
    else this.#running.delete(tenant);
    if (this.#isClosed) return;
    if (thread.isUsable) this.#idle.push(thread);
    else {
      this.#all.delete(thread);
      this.#idle.push(this.#start());
    }
    this.#endWhenIdle();
    this.#begin();
  }

  /** One that is idle, or a new one. What has ended while it had nothing to do is of no use to anybody. */
  #take(): CagedThread<Job, Result> {
    for (let thread = this.#idle.pop(); thread; thread = this.#idle.pop()) {
      if (thread.isUsable) return thread;
      this.#all.delete(thread);
    }
    return this.#start();
  }

  #start(): CagedThread<Job, Result> {
    const thread = new CagedThread<Job, Result>(this.#limits, this.#program);
    this.#all.add(thread);
    return thread;
  }

  #endWhenIdle(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#busy > 0) return;
      for (const thread of this.#idle.splice(0)) {
        this.#all.delete(thread);
        void thread.end();
      }
    }, IDLE_MS);
    this.#timer.unref();
  }
}

/** Checks templates and fills them in. */
export class Cage extends AnyCage<Job, Result> {
  constructor({ threads = 3, limits = {} }: CageOptions = {}) {
    super(FILLS, threads, { timeMs: 200, heapMb: 64, ...limits });
  }
}

/**
 * Compiles MJML when a template is saved. A rich page takes 50 ms; of two threads a tenant has one. A thread takes a second to
 * start, which isn't counted.
 */
export class MjmlCage extends AnyCage<CompileJob, Compiled> {
  constructor({ threads = 2, limits = {} }: CageOptions = {}) {
    super(COMPILES, threads, { timeMs: 5_000, heapMb: 128, ...limits });
  }
}
