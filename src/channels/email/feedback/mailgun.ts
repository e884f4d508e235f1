import { at, textAt } from "../../../core/json-fields.ts";
import { bareId, codeIn, type Feedback, kindOf, SAID, wordsOf } from "./feedback.ts";

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
          SAID[kind] ??
          textAt(event, "event"),
      ),
      returnPath: textAt(event, "envelope", "sender"),
      messageId: bareId(textAt(event, "message", "headers", "message-id")),
    },
  ];
}

/** It wasn't even tried, for what Mailgun has in its own lists. https://documentation.mailgun.com/docs/mailgun/user-manual/suppressions */
const LISTED = new Map<unknown, Feedback["kind"]>([
  ["suppress-bounce", "hard"],
  ["suppress-unsubscribe", "unsubscribed"],
  ["suppress-complaint", "complaint"],
  [605, "hard"],
  [606, "unsubscribed"],
  [607, "complaint"],
]);
/** Reasons for which it is the address that a failure is about, where no code says more. The others ("old": tried for too long) aren't. */
const OF_ADDRESS = new Set([null, "bounce", "hardfail"]);

function kindOfFailure(event: unknown): Feedback["kind"] {
  const [reason, code] = [textAt(event, "reason"), at(event, "delivery-status", "code")];
  const listed = LISTED.get(reason) ?? LISTED.get(code);
  if (listed) return listed;
  if (textAt(event, "severity") !== "permanent") return "soft";
  const words = textAt(event, "delivery-status", "message");
  const isOfAddress = OF_ADDRESS.has(reason) && textAt(event, "delivery-status", "bounce-type") !== "soft";
  return kindOf(codeIn(textAt(event, "delivery-status", "enhanced-code"), words), isOfAddress);
}

function kindOfEvent(event: unknown): Feedback["kind"] | null {
  switch (textAt(event, "event")) {
    case "failed":
      return kindOfFailure(event);
    case "complained":
      return "complaint";
    case "unsubscribed":
      return "unsubscribed";
    default:
      return null;
  }
}
