import { listAt, textAt } from "../../../core/json-fields.ts";
import { addressesIn, isReceipt } from "./mime.ts";
import type { ReceivedMail } from "./received.ts";

/** A mail that Postmark has received. https://postmarkapp.com/developer/webhooks/inbound-webhook */
export function receivedOfPostmark(body: unknown): ReceivedMail | null {
  const recipient = textAt(body, "OriginalRecipient");
  if (recipient === null || textAt(body, "RecordType") !== null) return null;
  const others = [...listAt(body, "ToFull"), ...listAt(body, "CcFull")].map((one) => textAt(one, "Email") ?? "");
  const header = (name: string): string | null => {
    const found = listAt(body, "Headers").find((one) => textAt(one, "Name")?.toLowerCase() === name);
    return textAt(found, "Value");
  };
  if (isReceipt(header("content-type"))) return null;
  return {
    recipients: addressesIn(recipient, ...others),
    from: textAt(body, "FromFull", "Email"),
    subject: textAt(body, "Subject") ?? "",
    text: textAt(body, "TextBody") ?? textAt(body, "StrippedTextReply") ?? "",
    html: textAt(body, "HtmlBody"),
    autoSubmitted: header("auto-submitted"),
    messageId: header("message-id"),
  };
}
