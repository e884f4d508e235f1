import { textAt } from "../../../core/json-fields.ts";
import { bareId, codeIn, type Feedback, kindOf, SAID, wordsOf } from "./feedback.ts";

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
      because: wordsOf(textAt(event, "reason") ?? SAID[kind] ?? textAt(event, "event")),
      returnPath: null,
      messageId: bareId(textAt(event, "smtp-id")),
    };
  });
}

function kindOfEvent(event: unknown): Feedback["kind"] | null {
  const reason = textAt(event, "reason") ?? "";
  switch (textAt(event, "event")) {
    case "bounce":
      return kindOfBounce(event, reason);
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

/** Of the address these say nothing, and that there is a mailbox. */
const NOT_THE_ADDRESS = /^(content|frequency|mailbox unavailable|reputation|technical)/i;

/** One that is only blocked, or was tried for too long, says nothing of the address. */
function kindOfBounce(event: unknown, reason: string): Feedback["kind"] {
  const type = textAt(event, "type");
  if (type === "blocked" || type === "expired") return "soft";
  const isOfAddress = !NOT_THE_ADDRESS.test(textAt(event, "bounce_classification") ?? "");
  return kindOf(codeIn(textAt(event, "status"), reason), isOfAddress);
}

/** It wasn't sent for what the provider knew already. "Invalid" is the address; an "Invalid SMTPAPI header" is ours. */
function kindOfDropped(reason: string): Feedback["kind"] {
  if (/^(bounced address|invalid)$/i.test(reason)) return "hard";
  if (/^spam reporting address/i.test(reason)) return "complaint";
  return /^unsubscribed address/i.test(reason) ? "unsubscribed" : "soft";
}
