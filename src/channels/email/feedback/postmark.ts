import { at, textAt } from "../../../core/json-fields.ts";
import { bareId, codeIn, type Feedback, kindOf, SAID, wordsOf } from "./feedback.ts";

const HARD = new Set(["HardBounce", "BadEmailAddress", "ManuallyDeactivated"]);
/** A filter took it for spam, or didn't like its words; the reader has said so only where Postmark sends them nothing more. */
const FILTERED = "SpamNotification";
/** What isn't a message that came back. */
const NOTHING = new Set([
  "AutoResponder",
  "InboundError",
  "AddressChange",
  "OpenRelayTest",
  "Subscribe",
  "ChallengeVerification",
  "VirusNotification",
]);

/** What Postmark tells of one message. https://postmarkapp.com/developer/webhooks/bounce-webhook */
export function feedbackOfPostmark(body: unknown): Feedback[] {
  const kind = kindOfRecord(body);
  if (kind === null) return [];
  return [
    {
      address: textAt(body, "Email") ?? textAt(body, "Recipient"),
      kind,
      because: wordsOf(
        textAt(body, "Details") ?? textAt(body, "Description") ?? textAt(body, "SuppressionReason") ?? SAID[kind],
      ),
      returnPath: null,
      messageId: bareId(textAt(body, "Metadata", "message-id")),
    },
  ];
}

function kindOfRecord(body: unknown): Feedback["kind"] | null {
  const type = textAt(body, "Type") ?? "";
  switch (textAt(body, "RecordType")) {
    case "Bounce":
      if (NOTHING.has(type)) return null;
      if (type === "Unsubscribe") return "unsubscribed";
      if (type === "SpamComplaint" || (type === FILTERED && at(body, "Inactive") === true)) return "complaint";
      return HARD.has(type) ? kindOf(codeIn(textAt(body, "Details")), true) : "soft";
    case "SpamComplaint":
      return "complaint";
    case "SubscriptionChange":
      return at(body, "SuppressSending") === true ? kindOfSuppression(textAt(body, "SuppressionReason")) : null;
    default:
      return null;
  }
}

function kindOfSuppression(reason: string | null): Feedback["kind"] {
  if (reason === "HardBounce") return "hard";
  return reason === "SpamComplaint" ? "complaint" : "unsubscribed";
}
