import type { FastifyReply, FastifyRequest } from "fastify";
import { type Bucket, fullBucket, type Taken, take } from "../../core/token-bucket.ts";
import type { Actor } from "../actor.ts";
import { Problem } from "../problem.ts";
import { Memory } from "./memory.ts";
import type { RateSettings } from "./settings.ts";

const MOST_BUCKETS = 20_000;
const WINDOW_SECONDS = 60;
const SECOND_MS = 1_000;

/**
 * Keeps each key, and each tenant, within its rate. Each process counts by itself: with several behind a balancer, that many
 * times the rate is the most that gets through.
 */
export class RateLimits {
  readonly #buckets = new Memory<Bucket>(MOST_BUCKETS);
  readonly #settings: RateSettings;

  constructor(settings: RateSettings) {
    this.#settings = settings;
  }

  /** Counts a request of this actor, and tells what is left in its answer's headers. Throws 429 if nothing is. */
  count({ actor }: FastifyRequest, reply: FastifyReply): void {
    const policies = this.#policiesOf(actor);
    if (policies.length === 0) return;
    const nowMs = performance.now();
    const taken = policies.map((policy) => {
      const bucket = this.#buckets.get(policy.key) ?? fullBucket(policy, nowMs);
      return { ...policy, ...take(bucket, policy, nowMs) };
    });
    reply.headers(describe(taken));
    const refused = taken.filter(({ isGranted }) => !isGranted);
    // Whom one policy refuses, the other doesn't count.
    if (refused.length === 0) for (const { key, bucket } of taken) this.#buckets.set(key, bucket);
    const [first] = refused;
    if (!first) return;
    const waitMs = Math.max(...refused.map(({ waitMs }) => waitMs));
    throw tooMany(`this ${first.name} may ask ${first.perMinute} times a minute`, waitMs);
  }

  #policiesOf({ subject, tenant, limits }: Actor): Policy[] {
    if (!limits) return [];
    const own = limits.own ?? this.#settings.perKey;
    const all = limits.tenant ?? this.#settings.perTenant;
    return [
      ...(own === null ? [] : [{ name: "key", key: subject, perMinute: own }]),
      ...(all === null ? [] : [{ name: "tenant", key: `tenant:${tenant}`, perMinute: all }]),
    ];
  }
}

interface Policy {
  name: string;
  key: string;
  perMinute: number;
}

/** As draft-ietf-httpapi-ratelimit-headers has it: what is allowed in a window, what is left of it, and for how long. */
function describe(taken: readonly (Policy & Taken)[]): Record<string, string> {
  const policy = taken.map(({ name, perMinute }) => `"${name}";q=${perMinute};w=${WINDOW_SECONDS}`);
  const left = taken.map(
    ({ name, remaining, fullMs }) => `"${name}";r=${remaining};t=${Math.ceil(fullMs / SECOND_MS)}`,
  );
  return { "ratelimit-policy": policy.join(", "), ratelimit: left.join(", ") };
}

/** 429 that says when to come back. */
export function tooMany(because: string, waitMs: number): Problem {
  const seconds = Math.max(1, Math.ceil(waitMs / SECOND_MS));
  return new Problem(429, `${because}; try again in ${seconds} s`, { headers: { "retry-after": String(seconds) } });
}
