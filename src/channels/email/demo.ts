import type { Rendered } from "../../templates/render.ts";
import type { Message } from "../channel.ts";
import { framed } from "../printable.ts";
import type { Parts } from "./compose.ts";

/** The whole message for people to read, when there is no mail server to send it by. `to` null: nobody is addressed. */
export function writeDemo(
  message: Message,
  rendered: Rendered,
  { from, to, replyTo, headers: all, calendar }: Omit<Parts, "to"> & { to: string | null },
): string {
  const { messageId, inReplyTo, headers } = all;
  const lines = [
    `From: ${from.name} <${from.address}>`,
    `To: ${to ?? `(nobody yet: ${howToAddress(message)})`}`,
    ...(replyTo === null ? [] : [`Reply-To: ${replyTo}`]),
    `Subject: ${rendered.subject}`,
    `Message-ID: ${messageId}`,
    ...(inReplyTo === undefined ? [] : [`In-Reply-To: ${inReplyTo}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${typeof value === "string" ? value : value.value}`),
    "",
    ...rendered.text.trimEnd().split("\n"),
    "",
    `(and the same as HTML, ${Buffer.byteLength(rendered.html)} bytes${calendar === null ? "" : ", and its date as reminder.ics"})`,
  ];
  return framed("DEMO: this e-mail is printed, not sent, until SMTP_HOST is set", lines);
}

/** What to do about a message that nobody is addressed by. */
export function howToAddress({ reminder }: Message): string {
  const { entityType, entityId } = reminder;
  const path = `/contacts/${encodeURIComponent(entityType)}/${encodeURIComponent(entityId)}`;
  return `set \`recipient\` on the reminder, or PUT ${path} with an email`;
}
