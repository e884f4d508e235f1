import type { Channel, Message } from "../channels/channel.ts";
import { isDatabaseAway } from "../store/postgres.ts";
import type { Written } from "../templates/writer.ts";
import type { AnswerLinks } from "./answer-links.ts";
import { Overtaken } from "./gate.ts";
import type { Held } from "./held.ts";
import { messageFor } from "./message.ts";
import { handedBack } from "./outcome.ts";
import type { Words } from "./words.ts";

/** A message as its channel is to send it; `instead`: see `Written`. */
export interface WrittenMessage {
  message: Message;
  instead: Written["instead"];
}

/**
 * Writes what is about to be sent: its links and its words. While nobody can say which these are, it throws `Overtaken`: it goes back, to be
 * taken up when the database is there again.
 */
export class Writing {
  readonly #answers: AnswerLinks;
  readonly #words: Words;

  constructor(answers: AnswerLinks, words: Words) {
    this.#answers = answers;
    this.#words = words;
  }

  async write(channel: Channel, held: Held): Promise<WrittenMessage> {
    return await unlessAway(held, async () => {
      const links = await this.#answers.links(held);
      const buttons = channel.hasButtons ? await this.#answers.buttons(held) : null;
      const message = messageFor(held, { links, buttons });
      const written = await this.#words.write(channel.name, message);
      if (written) message.written = written;
      return { message, instead: written?.instead ?? null };
    });
  }

  /** Where all is answered that goes as one message, of which this is the first; null: there are no links. */
  async linkToAll(first: Held): Promise<string | null> {
    return await unlessAway(first, () => this.#answers.ofDigest(first));
  }
}

async function unlessAway<T>(held: Held, asked: () => Promise<T>): Promise<T> {
  try {
    return await asked();
  } catch (error) {
    if (isDatabaseAway(error)) throw new Overtaken(handedBack(held.attempts));
    throw error;
  }
}
