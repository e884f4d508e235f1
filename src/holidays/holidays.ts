import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

/** Where somebody works. */
export interface Place {
  /** ISO 3166-1, like DE. */
  country: string;
  /** As ISO 3166-2 has it within the country, like BY; null: what the whole country keeps. */
  region: string | null;
}

export interface Holiday {
  /** `YYYY-MM-DD` */
  date: string;
  /** In the language of the place. */
  name: string;
}

/** There is no such place, and these are the names of those that there are. */
export class UnknownPlace extends Error {
  override name = "UnknownPlace";
  readonly field: "country" | "region";
  readonly known: readonly string[];

  constructor(field: "country" | "region", known: readonly string[]) {
    super(`must be one of ${known.join(", ") || "none, because the country has no regions here"}`);
    this.field = field;
    this.known = known;
  }
}

/** The version of the library whose rules these are; later ones know of what was changed by law meanwhile. */
export const HOLIDAY_RULES: string = (
  createRequire(import.meta.url)("date-holidays/package.json") as { version: string }
).version;

/** Holidays are worked out for so many years ahead; a worker adds the next in time. */
export const YEARS_AHEAD = 10;

/** The thread and the library in it are let go when nobody has asked for so long. */
const IDLE_MS = 10_000;
/** A thread that takes longer than this is taken to be lost. */
const PATIENCE_MS = 60_000;
const MOST_REMEMBERED = 2_000;

type Answer = { holidays: Holiday[] } | { unknown: "country" | "region"; known: string[] };

const remembered = new Map<string, Promise<Holiday[]>>();

/**
 * The public holidays of a place in the years from `from` to `until`, both included, by date. Worked out in a thread of its own,
 * so that nobody waits for it who doesn't ask. Throws `UnknownPlace`.
 */
export function holidaysOf(place: Place, from: number, until: number): Promise<Holiday[]> {
  const key = JSON.stringify([place.country, place.region, from, until]);
  const before = remembered.get(key);
  if (before) return before;
  const asked = ask({ ...place, from, until });
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(key, asked);
  asked.catch(() => remembered.delete(key));
  return asked;
}

async function ask(asked: Place & { from: number; until: number }): Promise<Holiday[]> {
  const answer = await thread.ask(asked);
  if ("unknown" in answer) throw new UnknownPlace(answer.unknown, answer.known);
  return answer.holidays;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** One thread for all who ask, only while somebody does. */
class Thread {
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  ask(asked: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#last += 1;
      this.#waiting.set(this.#last, { resolve, reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage({ id: this.#last, asked });
      this.#endIn(PATIENCE_MS);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL("./thread.mjs", import.meta.url));
    worker.on("message", ({ id, answer, error }: { id: number; answer: Answer; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(`holidays can't be worked out: ${error}`));
      if (this.#waiting.size === 0) this.#endIn(IDLE_MS);
    });
    worker.on("error", (error) => this.#end(worker, error));
    worker.on("exit", () => this.#end(worker, new Error("the thread that works out holidays has ended")));
    // Nobody's exit waits for it.
    worker.unref();
    return worker;
  }

  #endIn(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#worker) this.#end(this.#worker, new Error("holidays took too long to be worked out"));
    }, ms);
    this.#timer.unref();
  }

  #end(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    void worker.terminate();
    for (const { reject } of waiting) reject(error);
  }
}

const thread = new Thread();
