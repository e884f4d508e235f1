import { at, textAt } from "../../../core/json-fields.ts";
import { bareId, codeIn, type Feedback, kindOf, wordsOf } from "./feedback.ts";

/** What Mailgun tells of one message. https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks */
export function feedbackOfMailgun(body: unknown): Feedback[] {
  const event = at(body, "event-data");
  const kind = kindOfEvent(event);
  if (kind === null) return [];
  return [
    {
      address: textAt(event, "recipient"),
      kind,
      because: wordsOf(
        at(event, "delivery-status", "code"),
        textAt(event, "delivery-status", "message") ??
          textAt(event, "delivery-status", "description") ??
          textAt(event, "event"),
      ),
      returnPath: textAt(event, "envelope", "sender"),
      messageId: bareId(textAt(event, "message", "headers", "message-id")),
    },
  ];
}

function kindOfEvent(event: unknown): Feedback["kind"] | null {
  switch (textAt(event, "event")) {
    case "failed": {
      // It had bounced before, and wasn't even tried.
      if (textAt(event, "reason") === "suppress-bounce") return "hard";
      if (textAt(event, "reason") === "suppress-complaint") return "complaint";
      if (textAt(event, "reason") === "suppress-unsubscribe") return "unsubscribed";
      const words = textAt(event, "delivery-status", "message");
      const code = codeIn(textAt(event, "delivery-status", "enhanced-code"), words);
      return textAt(event, "severity") === "permanent" ? kindOf(code, true) : "soft";
    }
    case "complained":
      return "complaint";
    case "unsubscribed":
      return "unsubscribed";
    default:
      return null;
  }
}
