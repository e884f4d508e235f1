import { type Channel, InvalidRecipient } from "./channel.ts";
import { framed } from "./printable.ts";
import { render } from "./rendering.ts";

const MAX_RECIPIENT_LENGTH = 200;

/** Prints a short block: for trying things out, and for people who watch a terminal or a log. */
export function createConsoleChannel({ print }: { print: (text: string) => void }): Channel {
  return {
    name: "console",
    // Printing takes no time, but with few places few deliveries are claimed at once: one place printed a tenth as much a second.
    concurrency: 20,
    timeoutMs: 5_000,

    parseRecipient(text) {
      const recipient = text.trim();
      if (recipient === "" || recipient.length > MAX_RECIPIENT_LENGTH || /[\p{Cc}\u2028\u2029]/u.test(recipient)) {
        throw new InvalidRecipient(`must be 1 to ${MAX_RECIPIENT_LENGTH} characters on one line`);
      }
      return recipient;
    },

    address: (contact) => contact.name,

    async send(message, { beforeSend }) {
      const { subject, body, answers } = render(message);
      await beforeSend?.();
      const to = message.recipient === null ? [] : [`for ${message.recipient}`, ""];
      const links = answers.map(({ label, url }) => `${label}: ${url}`);
      print(framed(subject, [...to, body, ...(links.length === 0 ? [] : ["", ...links])]));
      return { providerId: null, demo: false };
    },

    async close() {},
  };
}
