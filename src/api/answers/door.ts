import type { FastifyRequest } from "fastify";
import type { Tenant } from "../../core/tenant.ts";
import { type Bucket, fullBucket, take } from "../../core/token-bucket.ts";
import type { ApiDatabase } from "../../store/tenant-database.ts";
import { Failures, network } from "../access/failures.ts";
import { Memory } from "../access/memory.ts";
import { tooMany } from "../access/rate-limits.ts";
import { AnswerKeys, type ReadLink } from "./keys.ts";

/** Many people may share an address, and none of them presses this often. */
const RATE = { perMinute: 240 };
const MOST_ADDRESSES = 10_000;

/** Lets in who has a link of one kind, and nobody too often. */
export class LinkDoor<Link extends { tenant: Tenant }> {
  readonly #read: ReadLink<Link>;
  readonly #nameOf: (link: Link) => string;
  readonly #keys: AnswerKeys;
  readonly #failures = new Failures();
  readonly #buckets = new Memory<Bucket>(MOST_ADDRESSES);

  /** `nameOf`: what the audit calls who has it. */
  constructor(database: ApiDatabase, read: ReadLink<Link>, nameOf: (link: Link) => string) {
    this.#read = read;
    this.#nameOf = nameOf;
    this.#keys = new AnswerKeys(database);
  }

  /** Null for what none of our keys has signed. From here on, the request acts for the link's tenant. Throws 429. */
  async admit(request: FastifyRequest, token: string): Promise<Link | null> {
    this.count(request);
    const link = await this.#keys.verify(token, this.#read);
    if (link === null) {
      this.turnAway(request, "a link that nobody has signed was opened");
      return null;
    }
    actAs(request, link.tenant, this.#nameOf(link));
    return link;
  }

  /** Throws 429 for an address that asks too often, or has shown too much lately that opens nothing. */
  count(request: FastifyRequest): void {
    this.#failures.refuseIfTooMany(request.ip);
    this.#count(request.ip);
  }

  /** Counts what opens nothing. Throws 429 as well: of many that come at once, all were let in before the first was counted. */
  turnAway(request: FastifyRequest, sentence: string): void {
    this.#failures.refuseIfTooMany(request.ip);
    this.#failures.note(request.ip);
    request.log.warn({ address: request.ip }, sentence);
  }

  #count(address: string): void {
    const nowMs = performance.now();
    const key = network(address);
    const { bucket, isGranted, waitMs } = take(this.#buckets.get(key) ?? fullBucket(RATE, nowMs), RATE, nowMs);
    if (!isGranted) throw tooMany("too many links were opened from your address", waitMs);
    this.#buckets.set(key, bucket);
  }
}

/** From here on, the request acts for this tenant, and may do what its route does and nothing else. */
export function actAs(request: FastifyRequest, tenant: Tenant, name: string): void {
  request.actor = { tenant, subject: name, name, scopes: new Set(), limits: { own: null, tenant: null } };
}
