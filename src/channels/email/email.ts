import { type Channel, InvalidRecipient, type Message, Permanent, type Receipt, type SendOptions } from "../channel.ts";
import { render } from "../rendering.ts";
import { parseEmailAddress } from "./address.ts";
import { compose, type Sender } from "./compose.ts";
import { howToAddress, writeDemo } from "./demo.ts";
import { bounded, failureOf } from "./failure.ts";
import { sendMail } from "./send.ts";
import { SessionError } from "./session.ts";
import { SmtpSessions } from "./sessions.ts";
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
}

/** Characters of what the server said to the message: enough for an id, too few for a page. */
const MAX_PROVIDER_ID_LENGTH = 200;

/** E-mail by SMTP, or on the terminal while there is no server to send it by. */
export function createEmailChannel({ from: sender, server, concurrency, print }: EmailSettings): Channel {
  const from = { ...sender, address: parseEmailAddress(sender.address) };
  const sessions = server === null ? null : new SmtpSessions(server);

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const to = message.recipient === null ? null : checkRecipient(message.recipient);
    const rendered = render(message);
    if (server === null || sessions === null) {
      await options.beforeSend?.();
      print(writeDemo(message, rendered, from, to));
      return { providerId: null, demo: true };
    }
    if (to === null) throw new Permanent(`no address for ${entityOf(message)}: ${howToAddress(message)}`);
    const content = await compose(message, rendered, from, to);
    try {
      const providerId = await sendMail(sessions, { from: from.address, to, content }, options);
      return { providerId: bounded(providerId, MAX_PROVIDER_ID_LENGTH), demo: false };
    } catch (error) {
      throw error instanceof SessionError ? failureOf(error, server, to) : error;
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
      sessions?.close();
    },
  };
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
