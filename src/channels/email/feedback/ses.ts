import { at, listAt, textAt } from "../../../core/json-fields.ts";
import { bareId, codeIn, type Feedback, kindOf, wordsOf } from "./feedback.ts";

/**
 * What Amazon SES tells of one message, by a notification or an event.
 * https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
 */
export function feedbackOfSes(message: unknown): Feedback[] {
  const about = { returnPath: textAt(message, "mail", "source"), messageId: messageIdOf(message) };
  switch (textAt(message, "notificationType") ?? textAt(message, "eventType")) {
    case "Bounce": {
      const isPermanent = textAt(message, "bounce", "bounceType") === "Permanent";
      return listAt(message, "bounce", "bouncedRecipients").map((recipient) => {
        const [status, words] = [textAt(recipient, "status"), textAt(recipient, "diagnosticCode")];
        // Transient ones are also answers of people who are out of office.
        const kind = isPermanent ? kindOf(codeIn(status, words), true) : "soft";
        const because = wordsOf(words ?? status, `(${textAt(message, "bounce", "bounceSubType") ?? "no subtype"})`);
        return { ...about, address: textAt(recipient, "emailAddress"), kind, because };
      });
    }
    case "Complaint": {
      const type = textAt(message, "complaint", "complaintFeedbackType");
      if (type === "not-spam") return [];
      return listAt(message, "complaint", "complainedRecipients").map((recipient) => ({
        ...about,
        address: textAt(recipient, "emailAddress"),
        kind: "complaint",
        because: wordsOf("the reader complained", type && `(${type})`),
      }));
    }
    case "Subscription":
      // By its own page, where SES manages lists; choosing among topics is none of ours.
      if (at(message, "subscription", "newTopicPreferences", "unsubscribeAll") !== true) return [];
      return listAt(message, "mail", "destination").map((address) => ({
        ...about,
        address: typeof address === "string" ? address : null,
        kind: "unsubscribed",
        because: "the reader unsubscribed from everything at Amazon SES",
      }));
    default:
      return [];
  }
}

/** As we wrote it: SES puts its own in its place. */
function messageIdOf(message: unknown): string | null {
  const header = listAt(message, "mail", "headers").find((one) => textAt(one, "name")?.toLowerCase() === "message-id");
  const common = at(message, "mail", "commonHeaders", "messageId");
  return bareId(textAt(header, "value") ?? (typeof common === "string" ? common : null));
}
