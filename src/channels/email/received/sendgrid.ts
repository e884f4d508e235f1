import { textAt } from "../../../core/json-fields.ts";
import { addressesIn } from "./mime.ts";
import type { ReceivedMail } from "./received.ts";

const AUTO_SUBMITTED = /^auto-submitted:[ \t]*([^\r\n]{1,100})/im;
const MESSAGE_ID = /^message-id:\s*([^\r\n]{1,500})/im;

/** A mail that SendGrid has received. https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook */
export function receivedOfSendGrid(body: unknown): ReceivedMail | null {
  const envelope = textAt(body, "envelope");
  if (envelope === null) return null;
  const headers = textAt(body, "headers") ?? "";
  return {
    recipients: addressesIn(envelope.replaceAll(/[{}[\]]/g, " "), textAt(body, "to") ?? "", textAt(body, "cc") ?? ""),
    from: addressesIn(textAt(body, "from") ?? "")[0] ?? null,
    subject: textAt(body, "subject") ?? "",
    text: textAt(body, "text") ?? "",
    html: textAt(body, "html"),
    autoSubmitted: AUTO_SUBMITTED.exec(headers)?.[1] ?? null,
    messageId: MESSAGE_ID.exec(headers)?.[1] ?? null,
  };
}
