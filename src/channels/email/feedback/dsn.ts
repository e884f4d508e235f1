import type { Email } from "postal-mime";
import { sentTo } from "../received/mime.ts";
import { codeIn, type Feedback, kindOf, wordsOf } from "./feedback.ts";

const MOST_RECIPIENTS = 100;
/** Of the part that says what became of it, in characters. */
const LONGEST_REPORT = 100_000;
const utf8 = new TextDecoder();

/**
 * What a delivery status notification (RFC 3464) says. Whatever else comes back (an answer of somebody who is out of office, a
 * person who writes to the address) says nothing. `envelopeTo`: where it was sent to, if the mail server that took it tells.
 */
export function feedbackOfMail(mail: Email, envelopeTo: string | null): Feedback[] {
  const report = reportIn(mail);
  if (report === undefined) return [];
  const text = typeof report.content === "string" ? report.content : utf8.decode(report.content);
  const returnPath = sentTo(mail, envelopeTo).find((address) => address.includes("+")) ?? null;
  // The first group is about the message, each further one about a recipient (RFC 3464 §2.1).
  const groups = text
    .slice(0, LONGEST_REPORT)
    .replaceAll("\r\n", "\n")
    .split(/\n[ \t]*\n/, MOST_RECIPIENTS)
    .map(fieldsOf);
  return groups.flatMap((fields) => {
    const action = fields.get("action")?.toLowerCase();
    if (action !== "failed" && action !== "delayed") return [];
    const words = bare(fields.get("diagnostic-code"));
    const code = codeIn(fields.get("status"), words);
    // By RFC 3464 §2.3.3 a delayed message is still on its way.
    const kind = action === "failed" && !code?.startsWith("4.") ? kindOf(code, isOfAddress(words)) : "soft";
    const address = bare(fields.get("original-recipient") ?? fields.get("final-recipient"));
    return { address, kind, because: wordsOf(words ?? fields.get("status") ?? action), returnPath, messageId: null };
  });
}

/** True for a report of a mail server about mail that it has, or hasn't, delivered. */
export function isReport(mail: Email): boolean {
  return reportIn(mail) !== undefined;
}

/** The second is that of mail servers that speak UTF-8 with each other (RFC 6533). */
const REPORTS: readonly string[] = ["message/delivery-status", "message/global-delivery-status"];

function reportIn({ attachments }: Email): Email["attachments"][number] | undefined {
  return attachments.find(({ mimeType }) => REPORTS.includes(mimeType));
}

/** Where the code says nothing, only such words tell that there is no such mailbox. */
function isOfAddress(words: string | null): boolean {
  return /\b(user|mailbox|recipient|address|account)\b.{0,40}\b(unknown|not found|does not exist|doesn't exist|invalid|disabled)\b|no such (user|mailbox|recipient)/i.test(
    (words ?? "").slice(0, 1_000),
  );
}

function fieldsOf(group: string): Map<string, string> {
  const lines = group.replaceAll(/\n[ \t]+/g, " ").split("\n");
  const fields = lines.map((line) => /^([A-Za-z-]{1,40}):(.*)$/.exec(line)).filter((field) => field !== null);
  return new Map(fields.map(([, name = "", value = ""]) => [name.toLowerCase(), value.trim()]));
}

/** Without the type in front, as in `rfc822; ann@example.com`. */
function bare(field: string | undefined): string | null {
  if (field === undefined) return null;
  return field.slice(field.indexOf(";") + 1).trim() || null;
}
