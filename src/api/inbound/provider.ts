import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Feedback } from "../../channels/email/feedback/feedback.ts";
import type { ReceivedMail } from "../../channels/email/received/received.ts";
import type { Instant } from "../../core/instant.ts";
import type { GuardedHttp } from "../../outgoing/guarded-http.ts";

/** What came, and what it may be proved by. */
export interface Shown {
  headers: IncomingHttpHeaders;
  /** The body as it came. */
  bytes: Buffer;
  /** The same as JSON. */
  body: unknown;
  /** Where it was sent to, as the sender has it; null: nobody has said where people reach this installation. */
  url: string | null;
  /** What the tenant has set for this provider; none: it takes nothing from it. */
  secrets: readonly string[];
  /** The database's. */
  now: Instant;
  /** To get the key of a signature; null: nothing can be got. */
  http: Pick<GuardedHttp, "request"> | null;
}

/** Who tells what became of messages of one channel. One file each, and one line in the registry. */
export interface Provider {
  name: string;
  channel: "email" | "sms";
  /** What is wrong with something to know it by, as in "must be ..."; null if nothing is. Shows nothing of it. */
  secretFlaw(secret: string): string | null;
  /** The sender's name for what came, which comes twice where somebody plays it back; throws `NotProved` for what isn't its. */
  prove(shown: Shown): Promise<string>;
  /** What it tells. `delivery`: the one that the address names which it was given for it. */
  feedback(body: unknown, delivery: string | null): Feedback[];
  /** The mail that it has received for us, if it tells of one. */
  received?(body: unknown): ReceivedMail | null | Promise<ReceivedMail | null>;
  /** True for one whose signature isn't over what it says: what came under it once is all that it is good for, whatever that was. */
  signsNoBody?: boolean;
  /** True for one that reads what it is answered, and wants nothing else than nothing. */
  wantsNoAnswer?: boolean;
  /** An address that it wants asked before it tells anything; null where there is none. */
  confirmationUrl?(body: unknown): string | null;
}

/** Whoever sent this hasn't shown that it is the provider; the sentence says what to look at. */
export class NotProved extends Error {
  override name = "NotProved";
}

/** The key of the signature can't be got at the moment. */
export class CannotProve extends Error {
  override name = "CannotProve";
}

/** Takes as long whether they are the same or not. */
export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}

/** The name of what has none. */
export function digestOf(...parts: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Providers try for a day or so, with the time of the first try. */
const OLDEST_MS = 24 * 3_600_000;
const FUTURE_MS = 5 * 60_000;

export function isFresh(atMs: number, now: Instant): boolean {
  return now - atMs <= OLDEST_MS && atMs - now <= FUTURE_MS;
}

/** What is printable and long enough not to be guessed. */
export function flawOfSecret(secret: string, what: string): string | null {
  return /^[\x21-\x7E]{16,500}$/.test(secret) ? null : `must be ${what}: 16 to 500 printable characters`;
}
