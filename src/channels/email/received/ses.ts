import { listAt, textAt } from "../../../core/json-fields.ts";
import { readMime } from "./mime.ts";
import type { ReceivedMail } from "./received.ts";
import { receivedOfMail } from "./whole.ts";

/** A mail that Amazon SES has received, with its content. https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html */
export async function receivedOfSes(message: unknown): Promise<ReceivedMail | null> {
  const content = textAt(message, "content");
  if (textAt(message, "notificationType") !== "Received" || content === null) return null;
  const isBase64 = textAt(message, "receipt", "action", "encoding")?.toUpperCase() === "BASE64";
  const mail = await readMime(Buffer.from(content, isBase64 ? "base64" : "utf8")).catch(() => null);
  const recipients = listAt(message, "receipt", "recipients").filter((one) => typeof one === "string");
  return mail && receivedOfMail(mail, recipients.join(" "));
}
