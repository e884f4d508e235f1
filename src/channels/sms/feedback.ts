import { BadAddress } from "../channel.ts";
import type { Feedback } from "../email/feedback/feedback.ts";
import { refusalOf } from "./failure.ts";

/** What carriers and Twilio take for them, alone in a message. */
const STOP = new Set(["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]);
const START = new Set(["START", "YES", "UNSTOP"]);

/**
 * What Twilio tells, as a form: what became of a message (in any order: only what is final counts), or what somebody has written
 * back. `delivery`: of which message, by the address that we had given for it.
 */
export function feedbackOfTwilio(body: unknown, delivery: string | null): Feedback[] {
  const field = (name: string): string | null => {
    const value = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
    return typeof value === "string" ? value : null;
  };
  const about = { returnPath: null, messageId: delivery === null ? null : `${delivery}@twilio` };
  const status = field("MessageStatus");
  if (status === "undelivered" || status === "failed") {
    const code = Number(field("ErrorCode") ?? "");
    const because = `Twilio says that it was ${status}${code > 0 ? ` (error ${code})` : ""}`;
    const refusal = refusalOf(code, because);
    const kind = refusal instanceof BadAddress ? (refusal.blamed.reason === "stop" ? "stopped" : "hard") : "soft";
    return [
      { address: field("To"), kind, because: refusal instanceof BadAddress ? refusal.message : because, ...about },
    ];
  }
  const said = field("OptOutType") ?? wordIn(field("Body"));
  if (status !== null || said === null) return [];
  const [kind, because] = STOP.has(said)
    ? (["stopped", "whoever has that phone has said STOP"] as const)
    : (["started", "whoever has that phone has said START"] as const);
  if (!STOP.has(said) && !START.has(said)) return [];
  return [{ address: field("From"), kind, because, ...about }];
}

function wordIn(text: string | null): string | null {
  return text === null ? null : text.trim().toUpperCase();
}
