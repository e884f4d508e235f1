import { textAt } from "../../../core/json-fields.ts";
import { addressesIn, isReceipt } from "./mime.ts";
import type { ReceivedMail } from "./received.ts";

const AUTO_SUBMITTED = /^auto-submitted:[ \t]*([^\r\n]{1,100})/im;
/** With the lines that it goes on in. */
const CONTENT_TYPE = /^content-type:[ \t]*([^\r\n]{0,500}(?:\r?\n[ \t][^\r\n]{0,500}){0,5})/im;
const MESSAGE_ID = /^message-id:\s*([^\r\n]{1,500})/im;

/** A mail that SendGrid has received. https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook */
export function receivedOfSendGrid(body: unknown): ReceivedMail | null {
  const envelope = textAt(body, "envelope");
  if (envelope === null) return null;
  const headers = textAt(body, "headers") ?? "";
  if (isReceipt(CONTENT_TYPE.exec(headers)?.[1] ?? null)) return null;
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
