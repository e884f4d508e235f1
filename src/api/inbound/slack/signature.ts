import { createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Instant } from "../../../core/instant.ts";
import { TOLERANCE_MS } from "../../access/webhook-signature.ts";
import { isSame } from "../provider.ts";

const SIGNATURE = "x-slack-signature";
const TIMESTAMP = "x-slack-request-timestamp";

/**
 * What is wrong with how a request is signed, as a sentence; null if nothing is. Takes as long whichever signature it is that isn't
 * right. https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function flawOfSlackSignature(
  { headers, bytes }: { headers: IncomingHttpHeaders; bytes: Buffer },
  secret: string,
  now: Instant,
): string | null {
  const [signature, timestamp] = [headers[SIGNATURE], headers[TIMESTAMP]];
  if (typeof signature !== "string" || typeof timestamp !== "string" || !/^\d{1,12}$/.test(timestamp)) {
    return `it needs the headers ${SIGNATURE} and ${TIMESTAMP}, as Slack sends them`;
  }
  const expected = createHmac("sha256", secret).update(`v0:${timestamp}:`).update(bytes).digest("hex");
  if (!isSame(`v0=${expected}`, signature)) return "this app's signing secret has not made this signature";
  return Math.abs(now - Number(timestamp) * 1_000) <= TOLERANCE_MS ? null : "it was signed more than 5 minutes ago";
}
