import type { FastifyRequest } from "fastify";
import { type Bucket, fullBucket, take } from "../../core/token-bucket.ts";
import type { AnswerLink } from "../../secrets/answer-token.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import { Failures, network } from "../access/failures.ts";
import { Memory } from "../access/memory.ts";
import { tooMany } from "../access/rate-limits.ts";
import { AnswerKeys } from "./keys.ts";
import { nameOfLink } from "./take.ts";

/** Many people may share an address, and none of them presses this often. */
const RATE = { perMinute: 240 };
const MOST_ADDRESSES = 10_000;

/** Lets in who has the link in a message, and nobody too often. */
export class AnswerDoor {
  readonly #keys: AnswerKeys;
  readonly #failures = new Failures();
  readonly #buckets = new Memory<Bucket>(MOST_ADDRESSES);

  constructor(database: ApiDatabase) {
    this.#keys = new AnswerKeys(database);
  }

  /** Null for what none of our keys has signed. From here on, the request acts for the link's tenant. Throws 429. */
  async admit(request: FastifyRequest, token: string): Promise<AnswerLink | null> {
    this.#failures.refuseIfTooMany(request.ip);
    this.#count(request.ip);
    const link = await this.#keys.verify(token);
    if (link === null) {
      this.#failures.note(request.ip);
      request.log.warn({ address: request.ip }, "a link that nobody has signed was opened");
      return null;
    }
    const name = nameOfLink(link);
    request.actor = {
      tenant: link.tenant,
      subject: name,
      name,
      scopes: new Set(),
      limits: { own: null, tenant: null },
    };
    return link;
  }

  #count(address: string): void {
    const nowMs = performance.now();
    const key = network(address);
    const { bucket, isGranted, waitMs } = take(this.#buckets.get(key) ?? fullBucket(RATE, nowMs), RATE, nowMs);
    if (!isGranted) throw tooMany("too many links were opened from your address", waitMs);
    this.#buckets.set(key, bucket);
  }
}
