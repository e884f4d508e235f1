import type { Email } from "postal-mime";
import { isReport } from "../feedback/dsn.ts";
import { headerOf, isReceipt, sentTo } from "./mime.ts";
import type { ReceivedMail } from "./received.ts";

/** A mail as it went over the wire; null for a report of a mail server, or that it was read. `envelopeTo`: where it was sent to, if that is told. */
export function receivedOfMail(mail: Email, envelopeTo: string | null): ReceivedMail | null {
  if (isReport(mail) || isReceipt(headerOf(mail, "content-type"))) return null;
  return {
    recipients: sentTo(mail, envelopeTo),
    from: mail.from?.address ?? null,
    subject: mail.subject ?? "",
    text: mail.text ?? "",
    html: mail.html ?? null,
    autoSubmitted: headerOf(mail, "auto-submitted"),
    messageId: headerOf(mail, "message-id"),
  };
}
