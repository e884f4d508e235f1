import type { Logger } from "pino";
import type { Channels } from "../channels/registry.ts";
import { deliveryId } from "../core/reminder.ts";
import { renewLeases } from "../store/leases.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { AnswerLinks } from "./answer-links.ts";
import type { Questions } from "./asking/questions.ts";
import { DeliveryClaims } from "./delivery-claims.ts";
import { DigestSender } from "./digest-sender.ts";
import { Gate } from "./gate.ts";
import { type Held, HeldDeliveries } from "./held.ts";
import { passOnPlaces } from "./kept-places.ts";
import { Lane } from "./lane.ts";
import { Leaving } from "./leaving.ts";
import { type Ended, failed, handedBack, isPutBack, type Outcome } from "./outcome.ts";
import { Places } from "./places.ts";
import { Recorder } from "./recorder.ts";
import { Sender } from "./sender.ts";
import type { EngineSettings } from "./settings.ts";
import { withinMs } from "./within.ts";
import type { Words } from "./words.ts";
import { Writing } from "./writing.ts";

/** How long `stop` waits for aborted sends to end and for their results to be stored. */
const WIND_UP_MS = 700;
/** How long a channel may take to wind up after its signal fired; then we go on without it. */
const ABORT_GRACE_MS = 500;
const SWEEP_MS = 250;
/** While too many results wait to be stored, it is asked this often if that is still so. */
const FULL_MS = 100;

/** Sends what this worker holds: a lane for each channel, results in batches, leases renewed while it lasts. */
export class Deliverer {
  readonly #database: WorkerDatabase;
  readonly #settings: EngineSettings;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #held = new HeldDeliveries();
  readonly #recorder: Recorder;
  readonly #claims: DeliveryClaims;
  readonly #sweeper: NodeJS.Timeout;
  readonly #log: Logger;
  readonly #onClaimable: () => void;
  #isStopping = false;
  #isEnding = false;

  /** `onClaimable` is called when there may be something to claim sooner than the last `claim` said. */
  constructor(
    database: WorkerDatabase,
    channels: Channels,
    questions: Questions,
    words: Words,
    settings: EngineSettings,
    log: Logger,
    onClaimable: () => void,
  ) {
    this.#database = database;
    this.#settings = settings;
    this.#log = log;
    this.#onClaimable = onClaimable;
    this.#recorder = new Recorder({
      database,
      log,
      ...{ hold: settings.hold, fallbacks: settings.fallbacks, channels },
      mostUnstored: settings.mostUnstored,
      onStored: (batch) => {
        for (const { held } of batch) this.#held.remove(held);
        if (batch.some(leavesMore)) onClaimable();
      },
    });
    const gate = new Gate({ database, questions, channels, settings, log });
    const leaving = new Leaving(database);
    const writing = new Writing(
      new AnswerLinks(database, settings.links ?? { publicUrl: null, days: settings.answerDays }),
      words,
    );
    const ending = {
      end: (held: Held, outcome: Outcome, lane?: Lane) => this.#end(held, outcome, lane),
      letGo: (held: Held, lane: Lane) => this.#letGo(held, lane),
      isEnding: () => this.#isEnding,
    };
    const sender = new Sender({ gate, leaving, writing, ...ending, isStopping: () => this.#isStopping });
    const digests = new DigestSender({
      ...{ gate, leaving, writing, ...ending },
      stored: (these) => this.#held.gone(these),
      passOn: (ended) => void passOnPlaces(database, [ended], log),
    });
    const begin = (lane: Lane, held: Held): void => {
      void (held.digest === null ? sender.deliver(lane, held) : digests.deliver(lane, held.digest));
    };
    this.#lanes = new Map(
      [...channels].map(([name, channel]) => [name, new Lane(channel, settings, begin, onClaimable)]),
    );
    this.#claims = new DeliveryClaims(database, settings, this.#lanes, this.#held, (held, outcome) =>
      this.#end(held, outcome),
    );
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  /** The places that each lane has now, to plan with. */
  rooms(): Map<string, Places> {
    const { isFull } = this.#recorder;
    return new Map([...this.#lanes].map(([name, lane]) => [name, isFull ? new Places(0) : lane.places()]));
  }

  /** Call when something had to be left in the database because its lane was full when it was planned. */
  turnedAway(channel: string): void {
    this.#lanes.get(channel)?.turnedAwayBefore();
  }

  /** Takes over a delivery that was just fired under `held.token`. */
  accept(held: Held): void {
    // Its lease may have run out before its firing was answered, and this worker may have claimed it since.
    if (this.#held.get(held)) return;
    this.#held.add(held);
    const lane = this.#lanes.get(held.channel);
    if (lane?.isStopped) this.#end(held, handedBack(held.attempts));
    else lane?.add(held);
  }

  /** See `DeliveryClaims.claim`. */
  async claim(isRoutine = false): Promise<number> {
    return this.#recorder.isFull ? FULL_MS : this.#claims.claim(isRoutine);
  }

  /**
   * Prolongs the leases of what has been held for a while. One that another worker has taken over is left to run out. Returns whether all could be
   * had: what somebody has locked just then, be it whoever stores its result, isn't waited for.
   */
  async renew(): Promise<boolean> {
    const { leaseSeconds } = this.#settings;
    const startedAtMs = performance.now();
    const ageing = this.#held.values().filter((held) => held.leaseEndsAtMs - startedAtMs < (leaseSeconds * 2_000) / 3);
    const renewed = new Set((await renewLeases(this.#database, ageing, leaseSeconds)).map(deliveryId));
    for (const held of ageing) {
      if (renewed.has(deliveryId(held))) held.leaseEndsAtMs = startedAtMs + leaseSeconds * 1000;
    }
    const nowMs = performance.now();
    return ageing.every((held) => renewed.has(deliveryId(held)) || nowMs >= held.leaseEndsAtMs);
  }

  /** Hands back what has not begun, waits `graceMs` for what has, then aborts it. `taking`: until that ends, more may come, which is handed back. */
  async stop(graceMs: number, taking: Promise<unknown>): Promise<void> {
    this.#isStopping = true;
    this.#recorder.endSoon();
    const lanes = [...this.#lanes.values()];
    const notBegun = lanes.flatMap((lane) => lane.stop()).flatMap((held) => held.digest?.items ?? [held]);
    for (const held of notBegun) this.#end(held, handedBack(held.attempts));
    await withinMs(
      graceMs,
      taking.then(() => this.#held.empty()),
    );
    this.#isEnding = true;
    for (const lane of lanes) lane.deadlines.abortAll();
    await withinMs(
      WIND_UP_MS,
      taking.then(() => this.#held.empty()),
    );
    this.#recorder.giveUp();
    clearInterval(this.#sweeper);
  }

  /** What was put back already leaves nothing to be stored. */
  #letGo(held: Held, lane: Lane): void {
    if (held.hasEnded) return;
    held.hasEnded = true;
    this.#held.remove(held);
    leave(lane, held);
    this.#onClaimable();
  }

  /** Ends the attempt, once: frees its place in the lane and has the outcome stored. */
  #end(held: Held, outcome: Outcome, lane?: Lane): void {
    if (held.hasEnded) return;
    held.hasEnded = true;
    this.#report(held, outcome);
    this.#recorder.add({ held, outcome });
    if (lane) leave(lane, held);
  }

  #report(held: Held, { status, reason, untried }: Outcome): void {
    if (status === "sent" || status === "suppressed" || untried) return;
    const { channel, attempts } = held;
    this.#log.warn(
      { delivery: deliveryId(held), channel, delivery_attempt: attempts, status, reason },
      "a message was not sent",
    );
  }

  /** Ends sends whose channel doesn't heed its signal, so that none holds its place for ever. */
  #sweep(): void {
    const nowMs = performance.now();
    for (const held of this.#held.values()) {
      const lane = this.#lanes.get(held.channel);
      if (!lane || held.sendingSinceMs === null || held.hasEnded) continue;
      const allowedMs = this.#isEnding ? 0 : lane.channel.timeoutMs + ABORT_GRACE_MS;
      if (nowMs - held.sendingSinceMs < allowedMs) continue;
      // Before, what took its time may have been the way there, or our own asking.
      const error = new Error(
        held.wasLetGo ? "the receiver did not answer in time" : "it was not ready to leave in time",
      );
      this.#end(held, failed(error, held, lane.retries, this.#isEnding), lane);
    }
  }
}

/** Frees its place; that of a digest with the last of its items. */
function leave(lane: Lane, held: Held): void {
  if (held.digest === null || held.digest.items.every(({ hasEnded }) => hasEnded)) lane.ended(held);
}

/** True when there may be something to claim after this: it was put back, goes over another channel, or kept others of its kind waiting. */
function leavesMore({ held, outcome }: Ended): boolean {
  return isPutBack(outcome) || held.isSuspect || outcome.mayGoOver === true;
}
