import { textAt } from "../../../core/json-fields.ts";
import { bareId, codeIn, type Feedback, kindOf, wordsOf } from "./feedback.ts";

/**
 * What SendGrid tells, many events at once.
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
 */
export function feedbackOfSendGrid(events: unknown): Feedback[] {
  return (Array.isArray(events) ? events : [events]).flatMap((event) => {
    const kind = kindOfEvent(event);
    if (kind === null) return [];
    return {
      address: textAt(event, "email"),
      kind,
      because: wordsOf(textAt(event, "reason") ?? textAt(event, "event")),
      returnPath: null,
      messageId: bareId(textAt(event, "smtp-id")),
    };
  });
}

function kindOfEvent(event: unknown): Feedback["kind"] | null {
  const reason = textAt(event, "reason") ?? "";
  switch (textAt(event, "event")) {
    case "bounce":
      // One that is only blocked says nothing of the address.
      return textAt(event, "type") === "blocked" ? "soft" : kindOf(codeIn(textAt(event, "status"), reason), true);
    case "dropped":
      return kindOfDropped(reason);
    case "spamreport":
      return "complaint";
    case "unsubscribe":
    case "group_unsubscribe":
      return "unsubscribed";
    default:
      return null;
  }
}

/** It wasn't sent for what the provider knew already. */
function kindOfDropped(reason: string): Feedback["kind"] {
  if (/^(bounced address|invalid)/i.test(reason)) return "hard";
  if (/^spam reporting address/i.test(reason)) return "complaint";
  return /^unsubscribed address/i.test(reason) ? "unsubscribed" : "soft";
}
