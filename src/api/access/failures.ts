import { isIPv6 } from "node:net";
import { type Bucket, fullBucket, take } from "../../core/token-bucket.ts";
import { Memory } from "./memory.ts";
import { tooMany } from "./rate-limits.ts";

/** Nobody who has a key fails this often, and nobody who guesses gets anywhere with it. */
const RATE = { perMinute: 60 };
const MOST_ADDRESSES = 10_000;

/** Who has shown what opens nothing, by address, so that guessing keeps neither the database nor the log busy. */
export class Failures {
  readonly #buckets = new Memory<Bucket>(MOST_ADDRESSES);

  /** Throws 429 for an address that has failed too often lately. */
  refuseIfTooMany(address: string): void {
    const bucket = this.#buckets.get(network(address));
    if (!bucket) return;
    const { isGranted, waitMs } = take(bucket, RATE, performance.now());
    if (!isGranted) throw tooMany("too many keys or tokens from your address were no good", waitMs);
  }

  note(address: string): void {
    const nowMs = performance.now();
    const key = network(address);
    this.#buckets.set(key, take(this.#buckets.get(key) ?? fullBucket(RATE, nowMs), RATE, nowMs).bucket);
  }
}

/** Who has one IPv6 address has all of its /64. */
export function network(address: string): string {
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address;
  const [head = "", tail = ""] = address.split("::");
  const before = head.split(":").filter(Boolean);
  const after = tail.split(":").filter(Boolean);
  const zeros = Array(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}
