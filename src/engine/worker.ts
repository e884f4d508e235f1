import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Logger } from "pino";
import type { Channels } from "../channels/registry.ts";
import { waitingChores } from "../store/chores.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { nextDue } from "../store/wake.ts";
import { beat, removeWorker } from "../store/workers.ts";
import { Alarm } from "./alarm.ts";
import { Asker } from "./asking/asker.ts";
import type { Outside } from "./asking/outside.ts";
import { Questions } from "./asking/questions.ts";
import { Claims } from "./claims.ts";
import { Deliverer } from "./deliver.ts";
import { DoneMarking } from "./done-marks.ts";
import { Errands } from "./errands.ts";
import { fireBatch } from "./fire.ts";
import { type Loop, runLoop } from "./loop.ts";
import { LowMark } from "./low-mark.ts";
import { Maintainer } from "./maintain.ts";
import { replanBatch } from "./replan.ts";
import { DEFAULT_SETTINGS, type EngineSettings, FIRE_AHEAD_MS } from "./settings.ts";
import { Settler } from "./settle.ts";
import { sendTests } from "./test-sends.ts";
import { withinMs } from "./within.ts";
import { Words } from "./words.ts";

export interface WorkerOptions {
  database: WorkerDatabase;
  channels: Channels;
  log: Logger;
  /** What stop conditions ask with; without it, they ask nobody outside. */
  outside?: Outside;
  settings?: Partial<EngineSettings>;
}

export interface Worker {
  /** Looks for work at once. */
  poke(): void;
  /**
   * Takes no more work, finishes what is in flight or hands it back, and resolves in under 5 s whatever receivers and
   * the database do.
   */
  stop(): Promise<void>;
}

/** Channel of NOTIFY on which the database's triggers say that something is due or that a flag was set. */
const NOTIFY_CHANNEL = "reminder_engine";
/** With more due than one batch takes, this many are fired side by side: one is decided here while the database works on the other. */
const LANES = 2;
/** Leases are renewed and the worker's line is beaten this often. */
const BEATS_PER_LEASE = 4;
/** What couldn't be had is tried for again this soon. */
const RENEW_AGAIN_MS = 300;
const LOOPS_END_MS = 500;
const ASKING_ENDS_MS = 300;
const CAGE_ENDS_MS = 200;
const SIGN_OFF_MS = 300;

/** Starts a worker: fires what is due, sends it, completes what is done, until stopped. No error ends it. */
export function startWorker({ database, channels, log, outside, settings: given }: WorkerOptions): Worker {
  const settings: EngineSettings = { ...DEFAULT_SETTINGS, ...given };
  const identity = { id: randomUUID(), name: `${hostname()}:${process.pid}` };
  const stopping = new AbortController();
  const alarms = {
    fire: new Alarm(),
    ask: new Alarm(),
    deliver: new Alarm(),
    settle: new Alarm(),
    keep: new Alarm(),
    replan: new Alarm(),
    test: new Alarm(),
    errands: new Alarm(),
    marks: new Alarm(),
  };
  const { timeoutMs, ...limits } = settings.asking;
  const questions = new Questions({ outside: outside ?? null, limits, timeoutMs, log });
  const words = new Words(database, settings.cage);
  const deliverer = new Deliverer(database, channels, questions, words, settings, log, () => alarms.deliver.poke());
  const beatMs = (settings.leaseSeconds * 1000) / BEATS_PER_LEASE;
  const settler = new Settler(database, settings.batchSize);
  const maintainer = new Maintainer(database, settings.retentionDays, log);
  const errands = new Errands(database, channels, log, {
    onMarks: () => alarms.marks.poke(),
    onMessages: () => alarms.deliver.poke(),
  });
  const marking = new DoneMarking(database, channels, log);
  const claims = new Claims(settings);
  const mark = new LowMark();
  const onSooner = (): void => {
    asker.sooner();
    alarms.ask.poke();
  };
  const asker = new Asker({ database, channels, deliverer, settings, questions, log, onSooner });
  const lookForDue = async (): Promise<number> => {
    const look = mark.begin();
    const found = await nextDue(database, look.from);
    return mark.end(look, { ...found, inMs: found.inMs - FIRE_AHEAD_MS });
  };
  const fire = async (isRoutine: boolean): Promise<number> => {
    if (isRoutine) {
      const inMs = await lookForDue();
      if (inMs > 0) return inMs;
    }
    const { hasBacklog } = claims;
    const firing = { database, channels, deliverer, claims, settings, from: mark.from, log };
    const batches = Array.from({ length: hasBacklog ? LANES : 1 }, () => fireBatch(firing));
    // Beside a backlog, where nobody waits for the answer, so that the mark keeps up with what is fired.
    const [fired] = await Promise.all([Promise.all(batches), hasBacklog ? lookForDue() : 0]);
    if (claims.hasBacklog) return claims.restMs;
    const nextMs = await lookForDue();
    return fired.some((count) => count > 0) ? Math.max(0, nextMs) : nextMs;
  };
  const keep = async (): Promise<number> => {
    await beat(database, identity);
    return beatMs;
  };
  const replan = async (): Promise<number> => {
    const isMore = await replanBatch(database, settings.batchSize);
    return isMore ? 0 : Number.POSITIVE_INFINITY;
  };
  const lookForChores = async (): Promise<number> => {
    for (const chore of await waitingChores(database)) alarms[chore].poke();
    return Number.POSITIVE_INFINITY;
  };
  const renew = async (): Promise<number> => {
    const areAllRenewed = await deliverer.renew();
    return areAllRenewed ? beatMs : Math.min(RENEW_AGAIN_MS, beatMs);
  };
  const renewAsked = async (): Promise<number> => {
    await asker.renew();
    return beatMs;
  };

  const common = { pollMs: settings.pollSeconds * 1000, signal: stopping.signal, log };
  // Woken by notifications, and should one be lost, by the look for all of them together.
  const chore = { ...common, pollMs: Number.POSITIVE_INFINITY };
  const loops: Loop[] = [
    { ...common, name: "keep", alarm: alarms.keep, step: keep },
    { ...common, name: "renew", alarm: new Alarm(), step: renew },
    { ...common, name: "renew asked", alarm: new Alarm(), step: renewAsked },
    { ...common, name: "fire", alarm: alarms.fire, step: fire },
    { ...common, name: "ask", alarm: alarms.ask, step: () => asker.claim() },
    { ...common, name: "deliver", alarm: alarms.deliver, step: (isRoutine) => deliverer.claim(isRoutine) },
    { ...common, name: "chores", alarm: new Alarm(), step: lookForChores },
    { ...chore, name: "replan", alarm: alarms.replan, step: replan },
    { ...chore, name: "test", alarm: alarms.test, step: () => sendTests(database, channels, stopping.signal) },
    { ...chore, name: "errands", alarm: alarms.errands, step: () => errands.do() },
    { ...chore, name: "marks", alarm: alarms.marks, step: () => marking.do(stopping.signal) },
    { ...chore, name: "settle", alarm: alarms.settle, step: () => settler.settle() },
    { ...chore, name: "maintain", alarm: new Alarm(), step: () => maintainer.maintain() },
  ];
  const pokeAll = (): void => {
    asker.sooner();
    for (const { alarm } of loops) alarm.poke();
  };
  const runs = new Map(loops.map((loop) => [loop.name, runLoop(loop)]));
  const running = Promise.all(runs.values());
  const taking = Promise.all([runs.get("fire"), runs.get("ask"), runs.get("deliver")]);
  const unlisten = database.listen(NOTIFY_CHANNEL, (payload) => {
    if (payload === "due") alarms.fire.poke();
    else if (payload === "ask") onSooner();
    else if (payload === "flag") alarms.settle.poke();
    else if (payload === "test") alarms.test.poke();
    else if (payload === "unplanned") alarms.replan.poke();
    else if (payload === "errand") alarms.errands.poke();
    else pokeAll();
  });

  return {
    poke: pokeAll,
    stop: async () => {
      stopping.abort();
      pokeAll();
      await withinMs(LOOPS_END_MS, running);
      await withinMs(ASKING_ENDS_MS, asker.stop());
      await deliverer.stop(settings.graceMs, Promise.all([taking, asker.fired()]));
      await withinMs(CAGE_ENDS_MS, words.close());
      await withinMs(SIGN_OFF_MS, Promise.allSettled([removeWorker(database, identity.id), unlisten()]));
    },
  };
}
