import type { BotAccount } from "./account.ts";
import type { SlackRecipient } from "./recipient.ts";
import { lookUpByEmail, type SlackWay } from "./web-api.ts";

/** How long it is believed who has an address, in milliseconds: people change it seldom, and Slack limits how often it is asked. */
const FRESH_MS = 10 * 60_000;
const MOST_KEPT = 10_000;

/** Who has which e-mail address, in the workspace of each account. */
export class People {
  readonly #way: SlackWay;
  readonly #known = new Map<string, { id: string; untilMs: number }>();

  constructor(way: SlackWay) {
    this.#way = way;
  }

  /** Throws `Permanent` where nobody has it, and what else may be wrong with asking. */
  async idOf({ token }: BotAccount, recipient: SlackRecipient, signal: AbortSignal): Promise<string> {
    if ("id" in recipient) return recipient.id;
    const key = `${token} ${recipient.email}`;
    const known = this.#known.get(key);
    if (known && performance.now() < known.untilMs) return known.id;
    const id = await lookUpByEmail(this.#way, token, recipient.email, signal);
    if (this.#known.size >= MOST_KEPT) this.#known.clear();
    this.#known.set(key, { id, untilMs: performance.now() + FRESH_MS });
    return id;
  }
}
