import { InvalidRecipient } from "../channel.ts";
import { parseEmailAddress } from "../email/address.ts";

/** Channels, private channels and direct messages; people, also of other workspaces. */
const CHANNEL = /^[CGD][A-Z0-9]{7,20}$/;
const USER = /^[UW][A-Z0-9]{7,20}$/;

/** Whom a message is for: an id that Slack knows, or an e-mail address that it is asked about. */
export type SlackRecipient = { id: string } | { email: string };

/** Throws `InvalidRecipient`. */
export function readRecipient(text: string): SlackRecipient {
  const trimmed = text.trim();
  if (CHANNEL.test(trimmed) || USER.test(trimmed)) return { id: trimmed };
  if (trimmed.includes("@") && !trimmed.startsWith("@")) return { email: parseEmailAddress(trimmed) };
  throw new InvalidRecipient(
    "must be the id of a channel (like C0123ABCDEF) or of a person (like U0123ABCDEF), or a person's e-mail address: names can change",
  );
}

/** Its normal form. Throws `InvalidRecipient`. */
export function parseSlackRecipient(text: string): string {
  const recipient = readRecipient(text);
  return "id" in recipient ? recipient.id : recipient.email;
}
