import { z } from "zod";
import { MAX_ENDPOINT_CHARS } from "../../channels/push/device.ts";
import { toIso } from "../../core/instant.ts";
import type { PushSubscription as Row } from "../../store/push-subscriptions.ts";
import { contactParams } from "./contact.ts";
import { isoInstant, line } from "./fields.ts";

const MOST_LINK_DAYS = 90;
const USUAL_LINK_DAYS = 7;

export const pushDeviceParams = contactParams.extend({
  id: line(64).meta({ description: "The device's id.", example: "x5Yt0iecdjkQ2VbR9zLmNw" }),
});

const EXAMPLE_KEYS = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};

export const PushSubscription = z
  .strictObject({
    endpoint: line(MAX_ENDPOINT_CHARS).describe("Where the device's push service takes messages for it."),
    expirationTime: z.number().nullish().describe("As browsers give it; push services tell when it is over."),
    keys: z
      .strictObject({
        p256dh: line(200).describe("The device's public key: a point of P-256, uncompressed, in base64url."),
        auth: line(100).describe("The secret that it shares with us: 16 bytes in base64url."),
      })
      .describe("What messages to it are encrypted with."),
  })
  .meta({
    id: "PushSubscription",
    description: "A device, as `PushSubscription.toJSON()` gives it in the browser.",
    example: { endpoint: "https://push.example.net/send/abc", expirationTime: null, keys: EXAMPLE_KEYS },
  });

export const PushDevice = z
  .strictObject({
    id: z.string(),
    service: z.string().describe("The host of its push service. The rest of its address is never shown."),
    created_at: isoInstant,
  })
  .meta({
    id: "PushDevice",
    examples: [{ id: "x5Yt0iecdjkQ2VbR9zLmNw", service: "push.example.net", created_at: "2026-01-15T10:30:00.000Z" }],
  });

export const MakePushLink = z
  .strictObject({
    days: z
      .int()
      .min(1)
      .max(MOST_LINK_DAYS)
      .default(USUAL_LINK_DAYS)
      .describe("For how long devices may subscribe by it."),
  })
  .meta({ id: "MakePushLink", example: { days: 7 } });

export const PushLink = z
  .strictObject({
    url: z.string().describe("For the person alone: whoever has it gets the contact's messages."),
    expires_at: isoInstant,
  })
  .meta({
    id: "PushLink",
    examples: [{ url: "https://reminders.example.com/p/AQBb", expires_at: "2026-01-22T10:30:00.000Z" }],
  });

export const PushKey = z
  .strictObject({ public_key: z.string().describe("In base64url, for `applicationServerKey`.") })
  .meta({ id: "PushKey", examples: [{ public_key: EXAMPLE_KEYS.p256dh }] });

/** What the subscribe page sends. */
export const PageWish = z.union([
  z.strictObject({ subscription: PushSubscription }),
  z.strictObject({ forget: line(MAX_ENDPOINT_CHARS) }),
]);

/** What a device sends whose browser has given it another subscription. */
export const RenewedSubscription = z.strictObject({
  old: z.strictObject({ endpoint: line(MAX_ENDPOINT_CHARS), auth: line(100) }),
  subscription: PushSubscription,
});

export function toPushDeviceJson({ id, endpoint, createdAt }: Row): z.output<typeof PushDevice> {
  return { id, service: new URL(endpoint).host, created_at: toIso(createdAt) };
}
