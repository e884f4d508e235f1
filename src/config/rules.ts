import { z } from "zod";
import { isBounceAddress } from "../channels/email/return-path.ts";
import type { SmtpServer } from "../channels/email/settings.ts";
import { parseSmtpUrls, SMTP_URLS } from "../channels/email/smtp-url.ts";
import { CHANNEL_NAMES } from "../channels/names.ts";
import { signingFlaw } from "../channels/webhook/signing.ts";
import { type Fallbacks, readFallbacks } from "../core/fallback.ts";
import { parsePortRange, SCHEMES } from "../outgoing/settings.ts";
import { BadKey, parseMasterKeys } from "../secrets/master-key.ts";
import { mustBe } from "./values.ts";

export const SAFE_URL = "a URL that begins with https:// (http:// for this machine only)";
/** An address that deliveries are written into. */
export const writtenInto = (example: string) =>
  z
    .email(mustBe(`an e-mail address like ${example}`))
    .refine(isBounceAddress, mustBe("an e-mail address of at most 20 characters, none of them a +, before the @"))
    .optional();

export function isScheme(text: string): boolean {
  return (SCHEMES as readonly string[]).includes(text);
}

export function isPortRange(text: string): boolean {
  return parsePortRange(text) !== null;
}

export function readSmtpUrls(text: string, context: z.RefinementCtx): SmtpServer[] {
  const servers = parseSmtpUrls(text);
  if (servers !== null) return servers;
  context.addIssue({ code: "custom", message: SMTP_URLS });
  return z.NEVER;
}

export function toFallbacks(text: string, context: z.RefinementCtx): Fallbacks {
  const fallbacks = readFallbacks(text, CHANNEL_NAMES);
  if (typeof fallbacks !== "string") return fallbacks;
  context.addIssue({ code: "custom", message: fallbacks });
  return z.NEVER;
}

export function refuseBadKeys(text: string, context: z.RefinementCtx): void {
  try {
    parseMasterKeys(text);
  } catch (error) {
    if (!(error instanceof BadKey)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
}

export function refuseBadSigning(secrets: readonly string[], context: z.RefinementCtx): void {
  const flaw = signingFlaw(secrets);
  if (flaw !== null) context.addIssue({ code: "custom", message: flaw.replace(/^must be /, "") });
}
