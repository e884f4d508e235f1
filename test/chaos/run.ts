import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Database, openDatabase } from "../../src/store/postgres.ts";
import { check } from "./checker.ts";
import type { Arrival, Evidence } from "./evidence.ts";
import { openSaboteursDatabase, Saboteur, type Stage } from "./faults.ts";
import { makeFaults } from "./fire.ts";
import { secretOf } from "./hooks.ts";
import {
  adoptRepeated,
  beginMinuteIn,
  clockOffset,
  type Glance,
  glance,
  leftSince,
  look,
  type Sight,
} from "./observe.ts";
import { People } from "./people.ts";
import { openPost } from "./post.ts";
import { openNetwork } from "./proxy.ts";
import { randomFrom } from "./random.ts";
import { type Outcome, report } from "./report.ts";
import { startServer } from "./server.ts";
import { Service } from "./service.ts";
import { ENGINE, LIMITS, MOODS } from "./settings.ts";
import { measureShare } from "./share.ts";
import { accountOf } from "./texts.ts";
import { follow, Traces } from "./traces.ts";

export interface ChaosOptions {
  seed: number;
  /** How long faults are made. Starting before and coming to rest after take their own time. */
  seconds: number;
  workers?: number;
  /** Milliseconds between two small faults, on average. */
  faultEveryMs?: number;
  /** Milliseconds between two new reminders, on average. */
  createEveryMs?: number;
  narrate?: (line: string) => void;
  /** When this aborts, everything that was started is put away at once, and the run fails. */
  interrupted?: AbortSignal;
}

/** What the links in messages say before their path; who presses one goes to where the API answers then. */
const PUBLIC_URL = "http://127.0.0.1:8000";
/** So long it is up when a minute of the database's clock begins. */
const MINUTE_AFTER_MS = 17_000;
/** So long what was there before the fire has to be dealt with. */
const SETTLING_MS = 4_000;
/** A long run creates no more of them, or their messages become more than the slow receivers take. */
const MOST_REMINDERS = 8_000;
/** For each time that the machine is slower than it could be. */
const GIVE_UP_MS = 90_000;

/** Sets the engine under fire, lets it come to rest, and has the checker judge what happened. */
export async function runChaos(options: ChaosOptions): Promise<Outcome & { text: string }> {
  const { seed, seconds, workers: count = 3, faultEveryMs = 130, narrate = () => {} } = options;
  const createEveryMs = options.createEveryMs ?? Math.max(110, (seconds * 1000) / MOST_REMINDERS);
  const random = randomFrom(seed);
  const cleanUp: (() => Promise<unknown>)[] = [];
  const tidy = async () => {
    for (let step = cleanUp.pop(); step; step = cleanUp.pop()) {
      await step().catch((error: Error) => narrate(`could not tidy up: ${error.message}`));
    }
  };
  const interruption = new Promise<never>((_resolve, reject) => {
    options.interrupted?.addEventListener("abort", () => reject(new Error("interrupted")));
  });
  const running = run();
  try {
    return await Promise.race([running, interruption]);
  } finally {
    running.catch(() => {});
    await tidy();
  }

  async function run(): Promise<Outcome & { text: string }> {
    const server = await startServer();
    cleanUp.push(server.stop);
    const traces = new Traces();
    const followed = follow(server.logFile, traces);
    cleanUp.push(followed.stop);
    const post = await openPost(seed);
    cleanUp.push(post.close);
    const database = openSaboteursDatabase(server.url);
    const peoplesDatabase = openDatabase({ url: server.url, poolSize: 6, applicationName: "chaos people" });
    cleanUp.push(() => Promise.all([database.close(), peoplesDatabase.close()]));
    const start = async (name: string, command: string, saysWhenUp: RegExp) => {
      const proxy = await openNetwork(server.url);
      cleanUp.push(proxy.close);
      const mail = { SMTP_HOST: "127.0.0.1", SMTP_PORT: String(post.port), SMTP_TLS: "off" };
      const own = { SMTP_FROM_EMAIL: `${name}@example.org`, WEBHOOK_SECRET: secretOf(name) };
      const texts = { TWILIO_API_URL: post.textsUrl, ...accountOf(name) };
      const env = { DATABASE_URL: proxy.url, PUBLIC_URL, ...own, ...mail, ...texts, ...ENGINE };
      const service = new Service(name, command, env, saysWhenUp);
      cleanUp.push(() => service.end("SIGKILL"));
      await service.start();
      return { service, proxy };
    };
    const names = Array.from({ length: count }, (_, index) => `worker-${index + 1}`);
    const workers = await Promise.all(names.map((name) => start(name, "worker", /Scheduler started/)));
    const api = await start("api", "api", /^API: +(\S+)/m);
    await beginMinuteIn(database, MINUTE_AFTER_MS);
    const clock = await clockOffset(database);
    const now = () => Date.now() + clock.offsetMs;
    const stage: Stage = { ...server, database, workers, api, random: random.fork("faults"), now };
    const saboteur = new Saboteur(stage);
    const people = new People({
      database: peoplesDatabase,
      apiUrl: () => api.service.told,
      letters: post.letters,
      hooksUrl: post.hooksUrl,
      random: random.fork("people"),
      clockOffsetMs: clock.offsetMs,
      everyMs: createEveryMs,
    });

    await people.settleIn();
    // What is due by now has been recorded before anything breaks.
    await untilAtRest(database, now, () => SETTLING_MS);
    const share = measureShare();
    cleanUp.push(async () => share.stop());
    narrate(`under fire for ${seconds} s, seed ${seed}`);
    post.setMoods(MOODS);
    const living = people.live();
    await makeFaults(saboteur, random.fork("when"), { seconds, faultEveryMs, narrate });
    post.setMoods({});
    const calmFrom = now();
    narrate(`${saboteur.faults.length} faults made; coming to rest`);
    await people.stop();
    await living;
    const stoppedAt = now();
    let recoveredAt = Number.POSITIVE_INFINITY;
    const note = (seen: Glance): void => {
      // For good: what is put back for a moment is still to be done.
      if (leftSince(calmFrom, seen).length > 0) recoveredAt = Number.POSITIVE_INFINITY;
      else recoveredAt = Math.min(recoveredAt, seen.readAt);
    };
    const rest = await untilAtRest(database, now, () => GIVE_UP_MS * share.slowness(), note);
    const recoveredMs = Math.min(recoveredAt, rest.readAt) - calmFrom;
    await sleep(300); // what the receiver has said is on its way

    // What is to be done within some seconds takes as much longer as the machine is shared.
    const slowness = share.slowness();
    const [recoveryMs, storingMs] = [LIMITS.recoveryMs * slowness, LIMITS.storingMs * slowness];
    narrate(`at rest; work took ${slowness.toFixed(1)} times as long as it needs`);
    const repeated = adoptRepeated(people.inputs, rest.tables);
    const evidence: Evidence = {
      inputs: people.inputs,
      faults: saboteur.faults,
      arrivals: post.arrivals
        .map((one) => onClock(one, clock.offsetMs))
        .filter(({ leftAt }) => leftAt <= rest.readAt)
        .toSorted((a, b) => a.leftAt - b.leftAt),
      tables: rest.tables,
      limits: { ...LIMITS, recoveryMs, storingMs, clockSlackMs: Math.ceil(clock.uncertaintyMs) + 2 },
      readAt: rest.readAt,
    };
    const verdict = check(evidence);
    const accuse = (rule: string, what: string) => verdict.violations.push({ rule, what, reminderId: null });
    for (const { what } of rest.unfinished.slice(0, 5)) accuse("P8", `nothing came to rest: ${what}`);
    const allowedMs = Math.max(0, stoppedAt - calmFrom) + recoveryMs;
    if (recoveredMs > allowedMs) accuse("P8", `it took ${recoveredMs} ms, and not ${allowedMs}, to recover`);
    for (const { service } of [...workers, api]) {
      for (const what of service.endedByItself) accuse("P8", what);
      if (verdict.violations.length > 0) narrate(`${service.name} said last:\n${service.log.slice(-20).join("\n")}`);
    }
    for (const what of people.failures) accuse("the run itself", what);
    const outcome = { seed, seconds, workers: count, evidence, verdict, recoveredMs, repeated };
    await followed.stop();
    const whole = { ...outcome, skipped: [...saboteur.skipped], traces: traces.counts() };
    return { ...whole, text: report(whole) };
  }
}

/** The receiver's instants by the database's clock. */
function onClock(arrival: Arrival, offsetMs: number): Arrival {
  const { leftAt, wholeAt, answeredAt } = arrival;
  const answered = answeredAt === null ? null : answeredAt + offsetMs;
  return { ...arrival, leftAt: leftAt + offsetMs, wholeAt: wholeAt + offsetMs, answeredAt: answered };
}

/** Everything, as it is when nothing is left to be done, or when that is given up. */
async function untilAtRest(
  database: Database,
  now: () => number,
  patienceMs: () => number,
  note: (seen: Glance) => void = () => {},
): Promise<Sight> {
  const began = now();
  for (;;) {
    const seen = await glance(database);
    note(seen);
    const isGivenUp = now() - began > patienceMs();
    if (seen.unfinished.length === 0 || isGivenUp) {
      // More may have fallen due in between.
      const sight = await look(database);
      note(sight);
      if (sight.unfinished.length === 0 || isGivenUp) return sight;
    }
    await sleep(100);
  }
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      workers: { type: "string", default: "3" },
      /** A file for all that the checker knew, as JSON. */
      evidence: { type: "string" },
    },
  });
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupt.abort());
  const { text, verdict, evidence } = await runChaos({
    interrupted: interrupt.signal,
    seed: Number(values.seed),
    seconds: Number(values.minutes) * 60,
    workers: Number(values.workers),
    narrate: (line) => console.error(line),
  }).catch((error: Error) => {
    console.error(error);
    process.exit(2);
  });
  console.log(text);
  if (values.evidence) writeFileSync(values.evidence, JSON.stringify(evidence));
  process.exit(verdict.violations.length === 0 ? 0 : 1);
}
