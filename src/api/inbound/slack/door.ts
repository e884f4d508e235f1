import type { FastifyRequest } from "fastify";
import type { SlackAccount } from "../../../channels/slack/account.ts";
import type { OwnPurpose } from "../../../core/answer.ts";
import { isTenantName } from "../../../core/tenant.ts";
import { type Bucket, fullBucket, take } from "../../../core/token-bucket.ts";
import { type AnswerLink, verifyAnswer } from "../../../secrets/answer-token.ts";
import type { Keyring } from "../../../secrets/keyring.ts";
import type { ApiDatabase } from "../../../store/tenant-database.ts";
import { databaseClock } from "../../access/clock.ts";
import { Failures } from "../../access/failures.ts";
import { Memory } from "../../access/memory.ts";
import { tooMany } from "../../access/rate-limits.ts";
import { AnswerKeys } from "../../answers/keys.ts";
import { asOwn } from "../../answers/opened.ts";
import { Problem } from "../../problem.ts";
import { CannotProve, NotProved } from "../provider.ts";
import { ownSlack, type PressedApp, pressedApp } from "./apps.ts";
import { type Press, readPress } from "./press.ts";
import { flawOfSlackSignature } from "./signature.ts";

export interface SlackDoorOptions {
  database: ApiDatabase;
  keyring: Keyring;
  /** The installation's own; null: it has none. */
  account: SlackAccount | null;
}

/** A press that Slack has signed. `link` null: none of our keys has signed what its button stands for, or it is another's. */
export interface Admitted {
  app: PressedApp;
  press: Press;
  link: AnswerLink<OwnPurpose> | null;
}

const MOST_KNOWN = 10_000;
const EMPTY = Buffer.alloc(0);
/** No people press this often; who has a signing secret of their own could. */
const RATE = { perMinute: 600 };
const NOTHING_TAKEN = "no presses are taken here: set the signing secret of the app in Slack";

/** Lets in what Slack has signed for an app: the installation's, or the one of the tenant that the path names. */
export class SlackDoor {
  readonly #options: SlackDoorOptions;
  readonly #keys: AnswerKeys;
  readonly #clock: () => Promise<number>;
  readonly #failures = new Failures();
  /** Addresses from which an app was seen to be good: many share Slack's, and not all of them are. */
  readonly #good = new Memory<true>(MOST_KNOWN);
  readonly #buckets = new Memory<Bucket>(MOST_KNOWN);

  constructor(options: SlackDoorOptions) {
    this.#options = options;
    this.#keys = new AnswerKeys(options.database);
    this.#clock = databaseClock(options.database);
  }

  /**
   * Null for what is signed and no press of a button of ours. `tenant` null: the installation's app. Throws 401 for what isn't signed
   * as it must be, 429, and 503 where that can't be found out.
   */
  async admit(request: FastifyRequest, tenant: string | null): Promise<Admitted | null> {
    const seen = `${request.ip} ${tenant ?? ""}`;
    // The installation's own secret is at hand, so whoever else sends from Slack's addresses can't keep its presses out.
    if (tenant !== null && !this.#good.get(seen)) this.#failures.refuseIfTooMany(request.ip);
    try {
      const app = await this.#appOf(tenant);
      if (app === null) throw new NotProved(NOTHING_TAKEN);
      const bytes = request.bytes ?? EMPTY;
      const flaw = flawOfSlackSignature({ headers: request.headers, bytes }, app.signingSecret, await this.#clock());
      if (flaw !== null) throw new NotProved(flaw);
      this.#good.set(seen, true);
      this.#count(tenant ?? "");
      const press = readPress(bytes);
      return press && { app, press, link: await this.#linkOf(press, tenant) };
    } catch (error) {
      if (error instanceof CannotProve) {
        request.log.error({ tenant }, `a press in Slack can't be checked: ${error.message}`);
        throw new Problem(503, "it can't be checked at the moment; try again", { headers: { "retry-after": "60" } });
      }
      if (!(error instanceof NotProved)) throw error;
      this.#failures.refuseIfTooMany(request.ip);
      this.#failures.note(request.ip);
      request.log.warn({ address: request.ip, because: error.message }, "a press in Slack was turned away");
      throw new Problem(401, error.message, { headers: { "www-authenticate": 'Slack realm="reminder-engine"' } });
    }
  }

  async #appOf(tenant: string | null): Promise<PressedApp | null> {
    const { database, keyring, account } = this.#options;
    if (tenant === null) return pressedApp(account);
    // What can't be a name gets the same answer as one that nobody has.
    return isTenantName(tenant) ? pressedApp(await ownSlack(database.forTenant(tenant), keyring)) : null;
  }

  /** What the button stands for. One app's signature is good for nobody's messages but its own. */
  async #linkOf({ token }: Press, tenant: string | null): Promise<AnswerLink<OwnPurpose> | null> {
    const link = await this.#keys.verify(token, (text, keyOf) => asOwn(verifyAnswer(text, keyOf, "button")));
    if (link === null || tenant !== null) return link?.tenant === tenant ? link : null;
    const { database, keyring } = this.#options;
    return (await ownSlack(database.forTenant(link.tenant), keyring)) === null ? link : null;
  }

  #count(key: string): void {
    const nowMs = performance.now();
    const { bucket, isGranted, waitMs } = take(this.#buckets.get(key) ?? fullBucket(RATE, nowMs), RATE, nowMs);
    if (!isGranted) throw tooMany("too many buttons of this app were pressed", waitMs);
    this.#buckets.set(key, bucket);
  }
}
