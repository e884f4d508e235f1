import { setMaxListeners } from "node:events";

/** Sends that begin within this time of one another share a signal: a timer and a controller for each would cost more than the send. */
const WINDOW_MS = 250;

/** Hands out abort signals that fire `timeoutMs` after the send began, at most `WINDOW_MS` later. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #open = new Set<AbortController>();
  #current: { signal: AbortSignal; untilMs: number } | null = null;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  signal(nowMs: number): AbortSignal {
    if (this.#current && nowMs < this.#current.untilMs) return this.#current.signal;
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    this.#open.add(controller);
    const timer = setTimeout(() => this.#abort(controller), this.#timeoutMs + WINDOW_MS);
    timer.unref();
    this.#current = { signal: controller.signal, untilMs: nowMs + WINDOW_MS };
    return controller.signal;
  }

  /** Aborts everything that was begun. */
  abortAll(): void {
    this.#current = null;
    for (const controller of this.#open) this.#abort(controller);
  }

  #abort(controller: AbortController): void {
    this.#open.delete(controller);
    controller.abort(new Error("the receiver did not answer in time"));
  }
}
