import { readDeliveryId, readMessageId } from "../../core/reminder.ts";
import type { Rendered } from "../../templates/render.ts";
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
import { unsubscribeUrl as chosenUrl } from "../unsubscribe.ts";
import { BrokenAccount, type EmailAccount, NEW_THREAD_AFTER_DAYS } from "./account.ts";
import { parseEmailAddress } from "./address.ts";
import { calendarOf } from "./calendar.ts";
import { compose, type Parts, type Sender } from "./compose.ts";
import { howToAddress, writeDemo } from "./demo.ts";
import { type Dkim, signed } from "./dkim.ts";
import { bounded } from "./failure.ts";
import { messageHeaders } from "./headers.ts";
import { type Mailbox, Mailboxes, type OwnAccount } from "./mailboxes.ts";
import { plainText } from "./plain-text.ts";
import { replyAddress, returnPath } from "./return-path.ts";
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
  /** Where mail that comes back goes; left out: to `from`. */
  envelopeFrom?: string | null | undefined;
  /** Where mail comes back, with the delivery written into it, instead of there; and what signs that. Left out: it isn't. */
  bounces?: { address: string | null; secret: string } | null | undefined;
  /** Where readers' replies go, with the delivery written into it and signed by the secret of `bounces`; left out: to `from`. */
  replyAddress?: string | null | undefined;
  /** See `EmailAccount`; left out: a week. */
  newThreadAfterDays?: number | undefined;
  /**
   * The id of the delivery that began the thread which a message is to be added to, null where it begins one. Left out: each
   * message does.
   */
  threadRoot?: ((message: Message, afterDays: number) => Promise<string | null>) | undefined;
  /** Where one click unsubscribes the reader of this message, an https URL; null: nowhere. Left out: as its policy has chosen. */
  unsubscribeUrl?: ((message: Message) => string | null) | undefined;
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
  const {
    newThreadAfterDays = NEW_THREAD_AFTER_DAYS,
    threadRoot,
    unsubscribeUrl = chosenUrl,
    bounces = null,
  } = settings;
  const from = { ...settings.from, address: parseEmailAddress(settings.from.address) };
  const servers = server === null ? [] : [server, ...fallback];
  const envelopeFrom = settings.envelopeFrom ? parseEmailAddress(settings.envelopeFrom) : null;
  const shared: EmailAccount = {
    ...{
      from,
      servers,
      dkim,
      envelopeFrom,
      bounceAddress: bounces?.address ?? null,
      replyAddress: settings.replyAddress ?? null,
      headers: {},
      newThreadAfterDays,
      setBy: "environment",
    },
  };
  const mailboxes = new Mailboxes(shared, ownAccount);

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const to = message.recipient === null ? null : checkRecipient(message.recipient);
    const { account, relays } = await mailboxFor(mailboxes, message);
    const written = render(message);
    const { subject, title, body, html, answers, allAnswers } = written;
    const rendered = { subject, title, body, html, answers, allAnswers, text: await plainText(written) };
    const parts = await partsOf(message, rendered, account);
    if (relays === null) {
      await options.beforeSend?.();
      print(writeDemo(message, rendered, { ...parts, to }));
      return { providerId: null, demo: true };
    }
    if (to === null) throw new Permanent(`no address for ${entityOf(message)}: ${howToAddress(message)}`);
    const composed = await compose(rendered, { ...parts, to });
    const content = account.dkim === null ? composed : await signed(composed, account.dkim);
    const found = await relays.send({ from: senderOf(message, account), to, content }, options);
    return { providerId: bounded(found, MAX_PROVIDER_ID_LENGTH), demo: false };
  }

  /** The envelope's. */
  function senderOf({ idempotencyKey }: Message, account: EmailAccount): string {
    const named = readMessageId(idempotencyKey);
    if (bounces === null || account.bounceAddress === null || named === null)
      return account.envelopeFrom ?? account.from.address;
    return returnPath(account.bounceAddress, named, bounces.secret);
  }

  /** Of a digest nobody could say which of its reminders a reply means. */
  function replyToOf({ idempotencyKey, isDigest }: Message, account: EmailAccount): string | null {
    const delivery = isDigest ? null : readDeliveryId(idempotencyKey);
    if (bounces === null || account.replyAddress === null || delivery === null) return null;
    return replyAddress(account.replyAddress, delivery, bounces.secret);
  }

  async function partsOf(message: Message, { subject }: Rendered, account: EmailAccount): Promise<Omit<Parts, "to">> {
    const { from, headers: own, newThreadAfterDays: days } = account;
    const isFirst = message.occurrenceNumber === 1 || message.recipient === null || days === 0;
    const root = isFirst ? null : ((await threadRoot?.(message, days)) ?? null);
    const headers = messageHeaders(message, {
      ...{ from: from.address, root, own, unsubscribeUrl: unsubscribeUrl(message) },
      servers: account.servers,
    });
    return {
      from,
      replyTo: replyToOf(message, account),
      headers,
      calendar: message.isDigest ? null : calendarOf(message, subject, from),
    };
  }

  return {
    name: "email",
    concurrency,
    timeoutMs: 60_000,
    addressType: "email",
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
