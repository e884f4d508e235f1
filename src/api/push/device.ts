import type { z } from "zod";
import {
  deviceId,
  endpointFlaw,
  type KnownDevice,
  MOST_DEVICES,
  readAuth,
  readPoint,
} from "../../channels/push/device.ts";
import type { ContactName } from "../../core/entity-name.ts";
import { type PushSubscription as Kept, putPushSubscription, readOwnPushKey } from "../../store/push-subscriptions.ts";
import type { TenantDatabase, TenantSql } from "../../store/tenant-database.ts";
import type { ApiContext } from "../context.ts";
import { invalidField, notFound } from "../problem.ts";
import type { PushSubscription } from "../schemas/push.ts";

/** A device as its browser has described it. Throws a 422 that names the field, and shows nothing of what is in it. */
export function readDevice(
  { endpoint, keys }: z.output<typeof PushSubscription>,
  { installation }: Pick<ApiContext, "installation">,
  within = "",
): KnownDevice {
  const flaw = endpointFlaw(endpoint, installation?.refusesUrl);
  if (flaw !== null) throw invalidField(`${within}endpoint`, flaw);
  const p256dh = readPoint(keys.p256dh);
  if (p256dh === null)
    throw invalidField(
      `${within}keys.p256dh`,
      "must be an uncompressed point of the curve P-256: 65 bytes in base64url",
    );
  const auth = readAuth(keys.auth);
  if (auth === null) throw invalidField(`${within}keys.auth`, "must be 16 bytes in base64url");
  return { id: deviceId(endpoint), endpoint, p256dh, auth };
}

/** Keeps a device of a contact. Throws 404 where there is no such contact. Within a transaction. */
export async function keepDevice(
  sql: TenantSql,
  contact: ContactName,
  device: KnownDevice,
): Promise<{ subscription: Kept; isNew: boolean }> {
  const put = await putPushSubscription(sql, contact, device, MOST_DEVICES);
  if (!put) throw noContact();
  return put;
}

export function noContact(): Error {
  return notFound("nobody has said where this entity is reached: PUT the contact first");
}

/** What browsers subscribe with to get this tenant's messages; null: nothing is set up. */
export async function pushKeyOf(
  database: TenantDatabase,
  { pushKey }: Pick<ApiContext, "pushKey">,
): Promise<string | null> {
  return (await readOwnPushKey(database)) ?? pushKey ?? null;
}
