import {
  type Channel,
  InvalidRecipient,
  type Message,
  Permanent,
  type Receipt,
  Retryable,
  type SendOptions,
} from "../channel.ts";
import { render } from "../rendering.ts";
import { BrokenAccount } from "./account.ts";
import { parseEmailAddress } from "./address.ts";
import { compose, type Sender } from "./compose.ts";
import { howToAddress, writeDemo } from "./demo.ts";
import { type Dkim, signed } from "./dkim.ts";
import { bounded } from "./failure.ts";
import { type Mailbox, Mailboxes, type OwnAccount } from "./mailboxes.ts";
import type { SmtpServer } from "./settings.ts";

export interface EmailSettings {
  /** Its address is checked here too: throws `InvalidRecipient`. */
  from: Sender;
  /** Null: demo mode, messages are printed. */
  server: SmtpServer | null;
  /** Tried in this order when that one is down; left out: none. */
  fallback?: readonly SmtpServer[] | undefined;
  /** Left out: messages aren't signed here. */
  dkim?: Dkim | null | undefined;
  /** Messages, and so connections to the server, at once. */
  concurrency: number;
  /** Gets each demo message as one text with line breaks. */
  print: (text: string) => void;
  /** Asked for each message. Without it, all tenants send from the one account above. */
  ownAccount?: OwnAccount | undefined;
}

/** Characters of what the server said to the message: enough for an id, too few for a page. */
const MAX_PROVIDER_ID_LENGTH = 200;

/** E-mail by SMTP, or on the terminal while there is no server to send it by. A tenant may have an account of its own. */
export function createEmailChannel(settings: EmailSettings): Channel {
  const { server, fallback = [], dkim = null, concurrency, print, ownAccount = async () => null } = settings;
  const from = { ...settings.from, address: parseEmailAddress(settings.from.address) };
  const servers = server === null ? [] : [server, ...fallback];
  const mailboxes = new Mailboxes({ from, servers, dkim, setBy: "environment" }, ownAccount);

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const to = message.recipient === null ? null : checkRecipient(message.recipient);
    const { account, relays } = await mailboxFor(mailboxes, message);
    const rendered = render(message);
    if (relays === null) {
      await options.beforeSend?.();
      print(writeDemo(message, rendered, account.from, to));
      return { providerId: null, demo: true };
    }
    if (to === null) throw new Permanent(`no address for ${entityOf(message)}: ${howToAddress(message)}`);
    const composed = await compose(message, rendered, account.from, to);
    const content = account.dkim === null ? composed : await signed(composed, account.dkim);
    const found = await relays.send({ from: account.from.address, to, content }, options);
    return { providerId: bounded(found, MAX_PROVIDER_ID_LENGTH), demo: false };
  }

  return {
    name: "email",
    concurrency,
    timeoutMs: 60_000,
    parseRecipient: parseEmailAddress,
    address: (contact) => contact.email,
    send,
    async close() {
      mailboxes.close();
    },
  };
}

/** An account that can't be used as it is waits for somebody to mend it, as one does that refuses the login. */
async function mailboxFor(mailboxes: Mailboxes, { reminder }: Message): Promise<Mailbox> {
  try {
    return await mailboxes.of(reminder.tenantId);
  } catch (error) {
    if (!(error instanceof BrokenAccount)) throw error;
    throw new Retryable(`the e-mail account of tenant ${reminder.tenantId} ${error.message}`);
  }
}

function checkRecipient(recipient: string): string {
  try {
    return parseEmailAddress(recipient);
  } catch (error) {
    if (!(error instanceof InvalidRecipient)) throw error;
    throw new Permanent(`the recipient "${bounded(recipient, 100)}" ${error.message}`);
  }
}

function entityOf({ reminder }: Message): string {
  return `${reminder.entityType}/${reminder.entityId}`;
}
