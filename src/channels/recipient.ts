import { InvalidRecipient, type Message, Permanent } from "./channel.ts";

/** The message's recipient in its normal form; null where there is none. What is none any more, or by plain SQL, is a permanent failure. */
export function recipientOf<T>({ recipient }: Pick<Message, "recipient">, parse: (text: string) => T): T | null {
  try {
    return recipient === null ? null : parse(recipient);
  } catch (error) {
    if (error instanceof InvalidRecipient) throw new Permanent(`the recipient ${error.message}`);
    throw error;
  }
}
