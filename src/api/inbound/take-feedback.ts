import { InvalidRecipient } from "../../channels/channel.ts";
import { parseEmailAddress } from "../../channels/email/address.ts";
import { type Feedback, HARD_BOUNCE_DAYS } from "../../channels/email/feedback/feedback.ts";
import { readReturnPath } from "../../channels/email/return-path.ts";
import { phoneOf } from "../../channels/sms/phone.ts";
import { isSameAddress } from "../../core/address-key.ts";
import { deliveryId, type MessageKey, readMessageId } from "../../core/reminder.ts";
import { keepOutcome, takeEvent } from "../../store/inbound-events.ts";
import { ownersOf } from "../../store/inbound-sources.ts";
import { insertMessageEvents, type MessageEvent, recipientsOf } from "../../store/message-feedback.ts";
import { type NewSuppression, restart, suppress } from "../../store/suppressions.ts";
import type { ApiDatabase, TenantSql } from "../../store/tenant-database.ts";
import type { Provider } from "./provider.ts";

/** Who complains, unsubscribes or says STOP has to change their mind. */
const MEANING = {
  stopped: { reason: "stop", type: "unsubscribed", days: null },
  started: { reason: null, type: "subscribed", days: null },
  hard: { reason: "hard_bounce", type: "bounced", days: HARD_BOUNCE_DAYS },
  soft: { reason: null, type: "bounced_for_now", days: null },
  complaint: { reason: "complaint", type: "complained", days: null },
  unsubscribed: { reason: "unsubscribed", type: "unsubscribed", days: null },
} as const;

/** What somebody who is let in tells. */
export interface Told {
  /** For whom it came. */
  tenant: string;
  /** Who tells. */
  by: string;
  /** Its sender's name for it; what has come before under this name does nothing more. */
  id: string;
  feedback: readonly Feedback[];
  /** Of which messages. */
  channel: Provider["channel"];
  /** False where the mail itself isn't to be believed: then only what came back to an address of ours counts. */
  isTrusted: boolean;
  /** True where its name is used up also by what says nothing. */
  isUsedUp?: boolean;
}

export interface Taken {
  received: number;
  /** Addresses that nothing is sent to from now on. */
  suppressed: number;
}

interface Meant extends Feedback {
  message: MessageKey | null;
  /** True where the message was written into an address that only we can make. */
  isSigned: boolean;
}

/**
 * Suppresses the addresses that are to blame, and writes into timelines what became of messages: of a digest, into those of all
 * that went in it. A message that came back to an address of ours (see `returnPath`) is its tenant's, whoever tells of it: then
 * the address is the one that we had sent it to.
 */
export async function takeFeedback(
  database: Pick<ApiDatabase, "forTenant">,
  bounceSecret: string | null,
  told: Told,
): Promise<Taken> {
  const meant = told.feedback.map((one) => meantBy(one, bounceSecret));
  const signed = meant.flatMap(({ isSigned, message }) => (isSigned && message ? [message.reminderId] : []));
  const owners = await ownersOf(database.forTenant(told.tenant), [...new Set(signed)]);
  const byTenant = new Map<string, Meant[]>();
  for (const one of meant) {
    if (!one.isSigned && !told.isTrusted) continue;
    const tenant = one.isSigned ? owners.get((one.message as MessageKey).reminderId) : told.tenant;
    if (tenant === undefined) continue;
    const its = byTenant.get(tenant) ?? [];
    its.push(one);
    byTenant.set(tenant, its);
  }
  if (told.isUsedUp) byTenant.set(told.tenant, byTenant.get(told.tenant) ?? []);
  let suppressed = 0;
  for (const [tenant, its] of byTenant) {
    suppressed += await database.forTenant(tenant).transaction((sql) => take(sql, told, its));
  }
  return { received: told.feedback.length, suppressed };
}

function meantBy(feedback: Feedback, bounceSecret: string | null): Meant {
  const { returnPath, messageId } = feedback;
  const signed = returnPath !== null && bounceSecret !== null ? readReturnPath(returnPath, bounceSecret) : null;
  if (signed !== null) return { ...feedback, message: signed, isSigned: true };
  const named = readMessageId(messageId?.slice(0, messageId.lastIndexOf("@")) ?? "");
  return { ...feedback, message: named, isSigned: false };
}

async function take(sql: TenantSql, { by, id, channel }: Told, meant: readonly Meant[]): Promise<number> {
  const name = { origin: `inbound:${by}`, id };
  if ((await takeEvent(sql, name)) !== null) return 0;
  const recipients = await recipientsOf(
    sql,
    channel,
    meant.map(({ message }) => message),
  );
  const suppressions: NewSuppression[] = [];
  const events: MessageEvent[] = [];
  const said = new Set<string>();
  for (const [n, one] of meant.entries()) {
    const written = recipients[n] ?? null;
    // By plain SQL it may be in another form than the one in which it was sent to, and so is told of.
    const recipient = addressOf(channel, written) ?? written;
    const address = one.isSigned ? recipient : addressOf(channel, one.address);
    if (address === null || !(await isNews(sql, one))) continue;
    const { reason, type, days } = MEANING[one.kind];
    const { because } = one;
    if (reason !== null) {
      suppressions.push({ tenantId: sql.tenant, channel, address, reason, because, days, createdBy: by });
    }
    if (one.kind === "started") await restart(sql, channel, address);
    // What a provider says of a message that it names counts only where it names the right one.
    const isIts = recipient !== null && isSameAddress(recipient, address);
    const { message } = one;
    if (!message || !isIts || isSaidAgain(said, message, type)) continue;
    events.push({ message, type, because, details: { address, told_by: by } });
  }
  const suppressed = await suppress(sql, suppressions);
  await insertMessageEvents(sql, channel, events);
  await keepOutcome(sql, name, { suppressed });
  return suppressed;
}

/**
 * A message comes back for good once. Who has its return path may say so again and again, each time in other words, and what
 * somebody has released since is not to be taken back by that.
 */
async function isNews(sql: TenantSql, { isSigned, message, kind }: Meant): Promise<boolean> {
  if (!isSigned || message === null || MEANING[kind].reason === null) return true;
  return (
    (await takeEvent(sql, { origin: "return path", id: `${kind} ${message.digestId ?? deliveryId(message)}` })) === null
  );
}

/** Of many things that somebody tells at once of a digest, each kind counts once: it is a line in up to fifty timelines. */
function isSaidAgain(said: Set<string>, { digestId }: MessageKey, type: string): boolean {
  if (digestId === undefined) return false;
  const one = `${type} ${digestId}`;
  if (said.has(one)) return true;
  said.add(one);
  return false;
}

/** In the form in which it would be sent to; null for what is no address. */
function addressOf(channel: Provider["channel"], text: string | null): string | null {
  if (channel === "sms") return phoneOf(text);
  try {
    return text === null ? null : parseEmailAddress(text);
  } catch (error) {
    if (error instanceof InvalidRecipient) return null;
    throw error;
  }
}
