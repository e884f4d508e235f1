import { createHmac, timingSafeEqual } from "node:crypto";
import type { ContactName } from "../core/entity-name.ts";
import type { Instant } from "../core/instant.ts";
import { isTenantName, type Tenant } from "../core/tenant.ts";
import type { AnswerKey } from "./answer-token.ts";

/** What a link stands for by which a device subscribes: to whose messages, and until when. */
export interface PushLink extends ContactName {
  tenant: Tenant;
  /** The database's instant: a contact may have been told to take no links from before a later one. */
  madeAt: Instant;
  /** To the minute. */
  expiresAt: Instant;
}

/** 1 didn't say when it was made. */
const VERSION = 2;
const MAC_BYTES = 16;
const MS_PER_MINUTE = 60_000;
/** Names have at most 200 characters each, of at most four bytes. */
const LONGEST_TOKEN = 3_000;
/** The same keys sign answer links, which must never look the same. */
const CONTEXT = "reminder-engine push link\n";

/** The token of a link, of letters that may stand in a path. */
export function signPushLink({ tenant, entityType, entityId, madeAt, expiresAt }: PushLink, key: AnswerKey): string {
  const said = JSON.stringify([tenant, entityType, entityId, madeAt, Math.ceil(expiresAt / MS_PER_MINUTE)]);
  const body = Buffer.concat([Buffer.from([VERSION, key.id]), Buffer.from(said)]);
  return Buffer.concat([body, macOf(body, key)]).toString("base64url");
}

/**
 * What a token says, if one of these keys has signed it; null for anything else. Whether it has expired is for the caller to see.
 */
export function verifyPushLink(token: string, keyOf: (id: number) => AnswerKey | null): PushLink | null {
  if (token.length > LONGEST_TOKEN || !/^[\w-]+$/.test(token)) return null;
  const bytes = Buffer.from(token, "base64url");
  // More than one text may stand for the same bytes; one link has one text.
  if (bytes.toString("base64url") !== token || bytes.length <= MAC_BYTES + 2) return null;
  const body = bytes.subarray(0, -MAC_BYTES);
  const key = keyOf(body[1] ?? 0);
  // Without the key, as much is worked out: nobody learns from the time it takes which keys there are.
  const isSigned = timingSafeEqual(macOf(body, key ?? NO_KEY), bytes.subarray(-MAC_BYTES));
  return isSigned && key && body[0] === VERSION ? read(body.subarray(2)) : null;
}

const NO_KEY: AnswerKey = { id: -1, secret: Buffer.alloc(32) };

function macOf(body: Buffer, { secret }: AnswerKey): Buffer {
  return createHmac("sha256", secret).update(CONTEXT).update(body).digest().subarray(0, MAC_BYTES);
}

/** We have written it; what it says is as it was then. */
function read(said: Buffer): PushLink | null {
  const [tenant, entityType, entityId, madeAt, minutes] = JSON.parse(said.toString()) as [
    string,
    string,
    string,
    number,
    number,
  ];
  return isTenantName(tenant) ? { tenant, entityType, entityId, madeAt, expiresAt: minutes * MS_PER_MINUTE } : null;
}
