import { textAt } from "../../../core/json-fields.ts";
import { addressesIn, isReceipt } from "./mime.ts";
import type { ReceivedMail } from "./received.ts";

/** A mail that a route of Mailgun's forwards. https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store */
export function receivedOfMailgun(body: unknown): ReceivedMail | null {
  const recipient = textAt(body, "recipient");
  const header = (name: string): string | null => textAt(body, name) ?? headerIn(textAt(body, "message-headers"), name);
  if (recipient === null || isReceipt(header("Content-Type"))) return null;
  return {
    recipients: addressesIn(recipient, textAt(body, "To") ?? ""),
    from: textAt(body, "sender"),
    subject: textAt(body, "subject") ?? "",
    text: textAt(body, "body-plain") ?? textAt(body, "stripped-text") ?? "",
    html: textAt(body, "body-html"),
    autoSubmitted: header("Auto-Submitted"),
    messageId: textAt(body, "Message-Id"),
  };
}

/** Out of a list of pairs of name and value, as JSON. */
function headerIn(json: string | null, name: string): string | null {
  try {
    const headers: unknown = JSON.parse(json ?? "[]");
    if (!Array.isArray(headers)) return null;
    const wanted = name.toLowerCase();
    const [, value] = headers.find((one) => Array.isArray(one) && String(one[0]).toLowerCase() === wanted) ?? [];
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}
