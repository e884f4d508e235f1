import MailComposer from "nodemailer/lib/mail-composer";
import type { Rendered } from "../../templates/render.ts";
import type { Message } from "../channel.ts";
import { messageHeaders } from "./headers.ts";

export interface Sender {
  /** A plain address, see `parseEmailAddress`. */
  address: string;
  name: string;
}

/** The message as it goes over the wire: MIME, with its text and its HTML. */
export async function compose(message: Message, rendered: Rendered, from: Sender, to: string): Promise<Buffer> {
  const composer = new MailComposer({
    // Addresses as objects are taken as they are; a string would be parsed, and could hold more than one.
    from: { name: from.name, address: from.address },
    to: { name: "", address: to },
    ...messageHeaders(message, from.address),
    subject: rendered.subject,
    text: rendered.text,
    html: rendered.html,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return await composer.compile().build();
}
