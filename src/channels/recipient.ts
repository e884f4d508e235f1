import { type Channel, InvalidRecipient, type Message, Permanent } from "./channel.ts";

/** The message's recipient in its normal form; null where there is none. What is none any more, or by plain SQL, is a permanent failure. */
export function recipientOf<T>({ recipient }: Pick<Message, "recipient">, parse: (text: string) => T): T | null {
  try {
    return recipient === null ? null : parse(recipient);
  } catch (error) {
    if (error instanceof InvalidRecipient) throw new Permanent(`the recipient ${error.message}`);
    throw error;
  }
}

/** An address in the form in which its channel would send to it, which plain SQL may have written otherwise; what is none stays as it is. */
export function normalIn(channel: Pick<Channel, "parseRecipient"> | undefined, address: string): string {
  try {
    return channel?.parseRecipient(address) ?? address;
  } catch (error) {
    if (error instanceof InvalidRecipient) return address;
    throw error;
  }
}

/** How an address may stand in what is kept of it: as it is written here, and as its channel would send to it. */
export function formsIn(channel: Pick<Channel, "parseRecipient"> | undefined, address: string): string[] {
  return [...new Set([address, normalIn(channel, address)])];
}
