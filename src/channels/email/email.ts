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
import { bounded, failureOf } from "./failure.ts";
import { type Mailbox, Mailboxes, type OwnAccount } from "./mailboxes.ts";
import { sendMail } from "./send.ts";
import { SessionError } from "./session.ts";
import type { SmtpServer } from "./settings.ts";

export interface EmailSettings {
  /** Its address is checked here too: throws `InvalidRecipient`. */
  from: Sender;
  /** Null: demo mode, messages are printed. */
  server: SmtpServer | null;
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
export function createEmailChannel({ from, server, concurrency, print, ownAccount }: EmailSettings): Channel {
  const sender = { ...from, address: parseEmailAddress(from.address) };
  const mailboxes = new Mailboxes({ from: sender, server, setBy: "environment" }, ownAccount ?? (async () => null));

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const to = message.recipient === null ? null : checkRecipient(message.recipient);
    const { account, sessions } = await mailboxFor(mailboxes, message);
    const rendered = render(message);
    if (account.server === null || sessions === null) {
      await options.beforeSend?.();
      print(writeDemo(message, rendered, account.from, to));
      return { providerId: null, demo: true };
    }
    if (to === null) throw new Permanent(`no address for ${entityOf(message)}: ${howToAddress(message)}`);
    const content = await compose(message, rendered, account.from, to);
    try {
      const providerId = await sendMail(sessions, { from: account.from.address, to, content }, options);
      return { providerId: bounded(providerId, MAX_PROVIDER_ID_LENGTH), demo: false };
    } catch (error) {
      throw error instanceof SessionError ? failureOf(error, account.server, account.setBy, to) : error;
    }
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
