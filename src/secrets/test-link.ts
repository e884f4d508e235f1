import { PURPOSES, type Purpose } from "../core/answer.ts";
import type { Instant } from "../core/instant.ts";
import { type AnswerKey, signAnswer } from "./answer-token.ts";

const MARK = /^test-[a-z_]+-x*$/;
/** Signs nothing that anybody takes: it is there for the length of what it makes. */
const NOBODYS_KEY: AnswerKey = { id: 0, secret: Buffer.alloc(32) };
const DAY_MS = 86_400_000;

/** The links of a message by which words are tried out: as long as real ones, so that an SMS has as many parts, and good for nothing. */
export function testLinks(
  publicUrl: string,
  { tenant, reminderId, at }: { tenant: string; reminderId: number; at: Instant },
): Record<Purpose, string> {
  const entries = PURPOSES.map((purpose) => {
    const link = { tenant, reminderId, occurrenceAt: at, recipientNo: 0, purpose, expiresAt: at + 30 * DAY_MS };
    const token = `test-${purpose}-`.padEnd(signAnswer(link, NOBODYS_KEY).length, "x");
    return [purpose, `${publicUrl}/a/${token}`] as const;
  });
  return Object.fromEntries(entries) as Record<Purpose, string>;
}

/** True for the token of such a link. No signed one begins like that: its first byte is its version. */
export function isTestLink(token: string): boolean {
  return token.length < 200 && MARK.test(token);
}
