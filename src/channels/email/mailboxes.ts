import type { EmailAccount } from "./account.ts";
import { Relays } from "./relays.ts";

/**
 * A tenant's own account, or null where it has none and uses the installation's. The same object as before means that
 * nothing has changed. Throws `BrokenAccount`.
 */
export type OwnAccount = (tenantId: string) => Promise<EmailAccount | null>;

/** An account with what is open to its servers. */
export interface Mailbox {
  account: EmailAccount;
  /** Null in demo mode. */
  relays: Relays | null;
}

/** The mailbox of each tenant: the installation's, or one of its own for as long as it has set one. */
export class Mailboxes {
  readonly #shared: Mailbox;
  readonly #ownAccount: OwnAccount;
  readonly #own = new Map<string, Mailbox>();

  constructor(shared: EmailAccount, ownAccount: OwnAccount) {
    this.#shared = open(shared);
    this.#ownAccount = ownAccount;
  }

  /** Throws `BrokenAccount`, and never falls back on the installation's account then. */
  async of(tenantId: string): Promise<Mailbox> {
    let account: EmailAccount | null;
    try {
      account = await this.#ownAccount(tenantId);
    } catch (error) {
      this.#forget(tenantId);
      throw error;
    }
    const known = this.#own.get(tenantId);
    if (known && known.account === account) return known;
    this.#forget(tenantId);
    if (account === null) return this.#shared;
    const mailbox = open(account);
    this.#own.set(tenantId, mailbox);
    return mailbox;
  }

  close(): void {
    this.#shared.relays?.close();
    for (const tenantId of [...this.#own.keys()]) this.#forget(tenantId);
  }

  /** Its connections end: those at work when their message is through. */
  #forget(tenantId: string): void {
    this.#own.get(tenantId)?.relays?.close();
    this.#own.delete(tenantId);
  }
}

function open(account: EmailAccount): Mailbox {
  return { account, relays: account.servers.length === 0 ? null : new Relays(account) };
}
