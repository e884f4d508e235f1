import { NotYet } from "../channel.ts";

/** Slack takes one message a second for each channel (https://docs.slack.dev/apis/web-api/rate-limits), in milliseconds. */
const EVERY_MS = 1_000;
/** Short bursts are taken; who was put back may come a little before its time. */
const EARLY_MS = 250;
const PRUNE_FROM = 1_000;

interface Channel {
  /** When the next message may go. */
  nextAtMs: number;
  /** The first time that nobody was put back for. */
  promisedUntilMs: number;
}

/**
 * One message a second for each channel of Slack, from this worker. What is over is put back until its own second, and holds
 * no place meanwhile.
 */
export class SlackPace {
  readonly #channels = new Map<string, Channel>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Takes the next place in the channel, if it is free now; throws `NotYet` with the time for which one is promised. */
  enter(name: string): void {
    const nowMs = this.#now();
    const channel = this.#channels.get(name) ?? { nextAtMs: nowMs, promisedUntilMs: nowMs };
    this.#channels.set(name, channel);
    if (channel.nextAtMs - nowMs <= EARLY_MS) {
      channel.nextAtMs = Math.max(channel.nextAtMs, nowMs) + EVERY_MS;
      if (this.#channels.size > PRUNE_FROM) this.#prune(nowMs);
      return;
    }
    const atMs = Math.max(channel.promisedUntilMs, channel.nextAtMs);
    channel.promisedUntilMs = atMs + EVERY_MS;
    throw new NotYet("waits for its turn: one message a second to a channel of Slack", atMs - nowMs);
  }

  /** Slack itself asked to wait for so long. */
  hold(name: string, waitMs: number): void {
    const channel = this.#channels.get(name);
    if (channel) channel.nextAtMs = Math.max(channel.nextAtMs, this.#now() + waitMs);
  }

  #prune(nowMs: number): void {
    for (const [name, { nextAtMs }] of this.#channels) if (nextAtMs < nowMs) this.#channels.delete(name);
  }
}
