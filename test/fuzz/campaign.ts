import fc from "fast-check";
import { type Document, type Operation, operationsOf } from "./document.ts";
import { Memory } from "./known.ts";
import { Oracle } from "./oracle.ts";
import type { Outsiders } from "./outsiders.ts";
import { type Actor, type Finding, type Played, play, type Stage, type Way } from "./play.ts";
import { type Step, sequences } from "./steps.ts";
import { Wire } from "./wire.ts";

export interface CampaignOptions {
  url: string;
  requests: number;
  seed: number;
  /** Sequences under way at once. */
  concurrency?: number;
  /** Without any: somebody who doesn't say who he is. */
  actors?: readonly Actor[];
  /** Who tells things from outside, rightly signed; without them, nobody. */
  outsiders?: Outsiders;
  /** Plays only this sequence of the seed's, by its number. */
  only?: number;
  /** What isn't answered within this time hangs. The default leaves room for a busy machine. */
  patienceMs?: number;
  /** Whether the sequences that found something are made as short as they can be. */
  shortens?: boolean;
  /** Called now and then with how many requests were answered. */
  progress?: (answered: number) => void;
}

/** A kind of finding, how often it was met, and the sequence that met it first. */
export interface Found extends Finding {
  count: number;
  sequence: number;
  /** The shortest sequence that still meets it; null where it is met only in company. */
  shortest: readonly Step[] | null;
}

export interface Tally {
  requests: number;
  seconds: number;
  sequences: number;
  /** Answers by `operation`, and by `status` within. */
  statuses: Map<string, Map<number, number>>;
  intents: Map<string, number>;
  slowestMs: number;
  found: Found[];
}

export const ANYBODY: Actor = { name: "anybody", tenant: "default", headers: {} };
/** Sequences are drawn this many at a time, each lot by a seed of its own. */
const LOT = 50;
/** Others delete what outsiders prove themselves with. */
const SEQUENCES_BEFORE_RENEWAL = 20;
const MOST_REMEMBERED = 400;
const MOST_KINDS_SHORTENED = 8;
const PATIENCE_MS = 20_000;
const SHORTENING_MS = 20_000;

/** Plays sequences from a seed until so many requests were answered, and returns what was met. */
export async function campaign(options: CampaignOptions): Promise<Tally> {
  const {
    url,
    requests,
    seed,
    concurrency = 16,
    actors = [ANYBODY],
    outsiders,
    only,
    patienceMs = PATIENCE_MS,
    shortens = true,
    progress = () => {},
  } = options;
  const document = await describedBy(url, actors[0]?.headers ?? {});
  const operations = operationsOf(document);
  const all = sequences(document, operations, outsiders?.tellers);
  const wire = new Wire(url, { connections: concurrency, patienceMs });
  const newStage = (): Stage => ({
    wire,
    oracle: new Oracle(document, operations),
    operations: new Map(operations.map((operation) => [operation.id, operation])),
    ways: waysOf(operations),
    actors,
    outsiders: outsiders ?? null,
    common: new Memory(MOST_REMEMBERED),
    owners: new Map(),
    answered: new Map(),
    label: `fuzz-${seed}-${performance.now()}`,
  });
  const tally = new Tallier();
  const stage = newStage();
  const beganAt = performance.now();

  let next = only ?? 0;
  const last = only ?? Number.POSITIVE_INFINITY;
  let lot: { number: number; drawn: Step[][] } | null = null;
  const draw = (number: number): Step[] => {
    const wanted = Math.floor(number / LOT);
    if (lot?.number !== wanted) lot = { number: wanted, drawn: fc.sample(all, { seed: seed + wanted, numRuns: LOT }) };
    return lot.drawn[number % LOT] as Step[];
  };
  const player = async (): Promise<void> => {
    while (tally.requests < requests && next <= last) {
      if (next % SEQUENCES_BEFORE_RENEWAL === 0) await outsiders?.renew(url);
      const number = next++;
      const findings = await play(stage, draw(number), (played) => {
        tally.heard(played);
        if (tally.requests % 1_000 === 0) progress(tally.requests);
      });
      tally.found(number, findings);
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, player));
    const seconds = (performance.now() - beganAt) / 1_000;
    const found = tally.all();
    for (const one of shortens ? found.slice(0, MOST_KINDS_SHORTENED) : []) {
      one.shortest = await shortest(all, seed, one, newStage);
    }
    const { requests, statuses, intents, slowestMs } = tally;
    return { requests, seconds, sequences: next, statuses, intents, slowestMs, found };
  } finally {
    wire.close();
  }
}

/** `id`, `key`, `entity_type` with `entity_id`, ...: each once. */
function waysOf(operations: readonly Operation[]): Way[] {
  const ways = operations
    .filter(({ names }) => names.length > 0)
    .map(({ names, parameters }): [string, Way] => {
      const types = parameters.filter(({ in: where }) => where === "path").map(({ schema }) => schema.type);
      return [names.join(), { names, integers: types.every((type) => type === "integer") }];
    });
  return [...new Map(ways).values()];
}

async function describedBy(url: string, headers: Record<string, string>): Promise<Document> {
  const response = await fetch(`${url}/openapi.json`, { headers });
  return (await response.json()) as Document;
}

/** Has fast-check leave out of the sequence what isn't needed to meet the finding again. */
async function shortest(
  all: fc.Arbitrary<Step[]>,
  seed: number,
  { sequence, signature }: Found,
  newStage: () => Stage,
): Promise<readonly Step[] | null> {
  const property = fc.asyncProperty(all, async (steps) => {
    const findings = await play(newStage(), steps);
    return !findings.some((finding) => finding.signature === signature);
  });
  const { counterexample } = await fc.check(property, {
    seed: seed + Math.floor(sequence / LOT),
    path: String(sequence % LOT),
    numRuns: 1,
    interruptAfterTimeLimit: SHORTENING_MS,
  });
  return counterexample?.[0] ?? null;
}

class Tallier {
  requests = 0;
  slowestMs = 0;
  readonly statuses = new Map<string, Map<number, number>>();
  readonly intents = new Map<string, number>();
  readonly #found = new Map<string, Found>();

  heard({ step, operation, status, ms }: Played): void {
    this.requests += 1;
    this.slowestMs = Math.max(this.slowestMs, ms);
    const statuses = this.statuses.get(operation) ?? new Map<number, number>();
    this.statuses.set(operation, statuses.set(status, (statuses.get(status) ?? 0) + 1));
    const intent = { raw: "bytes", told: "signed", request: step.kind === "request" ? step.intent : "" }[step.kind];
    this.intents.set(intent, (this.intents.get(intent) ?? 0) + 1);
  }

  found(sequence: number, findings: readonly Finding[]): void {
    for (const finding of findings) {
      const known = this.#found.get(finding.signature);
      if (known) known.count += 1;
      else this.#found.set(finding.signature, { ...finding, count: 1, sequence, shortest: null });
    }
  }

  all(): Found[] {
    return [...this.#found.values()];
  }
}
