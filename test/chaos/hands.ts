import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Span } from "./evidence.ts";

const TRY_AGAIN_MS = 250;
/** After this somebody gives up: something is wrong for good. */
const PATIENCE_MS = 120_000;
/** What the API may say to a wish that comes too late, or for the second time. */
const TOO_LATE = [409, 410];

export interface HandsOptions {
  /** Where the API answers now. */
  apiUrl: () => string;
  /** The database's clock: what to add to ours. */
  clockOffsetMs: number;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** How people do things: by HTTP, again and again until it is done, at the moment that they have in mind, until they go home. */
export class Hands {
  readonly #options: HandsOptions;
  readonly #stopping = new AbortController();

  constructor(options: HandsOptions) {
    this.#options = options;
    setMaxListeners(0, this.#stopping.signal);
  }

  stop(): void {
    this.#stopping.abort();
  }

  get areStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  now(): number {
    return Date.now() + this.#options.clockOffsetMs;
  }

  /** An answer from 500 up, 429, or none, is thrown. `body`: a form's fields where it is a `URLSearchParams`, else JSON. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#options.apiUrl()}${path}`, {
      method,
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : body instanceof URLSearchParams ? { body } : asJson(body)),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    const answer = { status: response.status, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
    if (answer.status >= 500 || answer.status === 429) throw new Error(`${method} ${path}: ${answer.status}`);
    if (answer.status >= 400 && !TOO_LATE.includes(answer.status))
      throw new WrongWish(`${method} ${path}: ${answer.status}: ${text.slice(0, 500)}`);
    return answer;
  }

  /** Tries until it is done. It took effect at some time between the first try and the answer to the last. */
  async insist<T>(act: () => Promise<T>): Promise<{ result: T; span: Span; tries: number }> {
    const from = this.now();
    for (let tries = 1; ; tries += 1) {
      try {
        const result = await act();
        return { result, span: { from, until: this.now() }, tries };
      } catch (error) {
        if (error instanceof WrongWish || this.now() - from > PATIENCE_MS) throw error;
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  waitUntil(instant: number): Promise<void> {
    return this.wait(instant - this.now());
  }

  /** Shorter where they go home. */
  async wait(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

/** Whether it was too late for it. */
export function isTooLate({ status }: Answer): boolean {
  return TOO_LATE.includes(status);
}

/** A mistake of the people's: a bug of this run, not of the engine. */
export class WrongWish extends Error {
  override name = "WrongWish";
}

function asJson(body: unknown): RequestInit {
  return { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}
