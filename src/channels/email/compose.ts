import MailComposer from "nodemailer/lib/mail-composer";
import type { Rendered } from "../../templates/render.ts";
import { encodedWords } from "./encoded-words.ts";
import type { MessageHeaders } from "./headers.ts";

export interface Sender {
  /** A plain address, see `parseEmailAddress`. */
  address: string;
  name: string;
}

/** What a message is made of beside its words. */
export interface Parts {
  from: Sender;
  to: string;
  /** Where replies go; null: to `from`. */
  replyTo: string | null;
  headers: MessageHeaders;
  /** An event, as a calendar; null: there is none. */
  calendar: string | null;
}

/** The message as it goes over the wire: MIME, with its text and its HTML. */
export async function compose(rendered: Rendered, { from, to, replyTo, headers, calendar }: Parts): Promise<Buffer> {
  const composer = new MailComposer({
    // Addresses as objects are taken as they are; a string would be parsed, and could hold more than one.
    from: { name: from.name, address: from.address },
    to: { name: "", address: to },
    ...(replyTo === null ? {} : { replyTo: { name: "", address: replyTo } }),
    ...headers,
    ...subjectOf(rendered, headers),
    text: rendered.text,
    html: rendered.html,
    ...(calendar === null ? {} : { icalEvent: { method: "PUBLISH", filename: "reminder.ics", content: calendar } }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return await composer.compile().build();
}

/** A subject that holds encoded words already would be taken for one of which somebody has encoded what is needed. */
function subjectOf(
  { subject }: Rendered,
  { headers }: MessageHeaders,
): { subject: string } | Pick<MessageHeaders, "headers"> {
  if (!subject.includes("=?")) return { subject };
  return { headers: { ...headers, Subject: { prepared: true, foldLines: true, value: encodedWords(subject) } } };
}
