import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import type { Suppression as Row } from "../../store/suppressions.ts";
import { instant, isoInstant, line } from "./fields.ts";

const channel = line(100).meta({ description: "The channel, like `email`.", example: "email" });
const address = line(500).meta({
  description:
    "The address, as in a reminder's recipient; in capitals or not makes no difference, but for what follows the host of a URL.",
  example: "ann@example.com",
});

export const suppressionParams = z.strictObject({ channel, address });

export const suppressionFilters = { channel: channel.optional(), address: address.optional() };

/** Where a page ends. */
export const suppressionPosition = z.tuple([line(100), line(2_000)]);

export const PutSuppression = z
  .strictObject({
    channel,
    address,
    because: line(1_000).nullish().describe("Why, in a sentence for people."),
    expires_at: instant.nullish().describe("From then on it is sent to again. Left out: not before it is released."),
  })
  .meta({
    id: "PutSuppression",
    description: "An address that nothing is to be sent to.",
    example: { channel: "email", address: "ann@example.com", because: "she has left the company" },
  });

export const Suppression = z
  .strictObject({
    channel: z.string(),
    address: z.string().describe("In lower case, but for what follows the host of a URL."),
    reason: z
      .string()
      .describe(
        "`hard_bounce`, `complaint`, `unsubscribed`, `stop`, `invalid`, `gone` (a webhook's URL that has answered 410), or `manual` for " +
          "what a person said here.",
      ),
    because: z.string().nullable(),
    expires_at: isoInstant.nullable().describe("Null: not before it is released."),
    created_by: z.string().describe("Who said so."),
    created_at: isoInstant,
  })
  .meta({
    id: "Suppression",
    examples: [
      {
        channel: "email",
        address: "ann@example.com",
        reason: "hard_bounce",
        because: "550 5.1.1 no such mailbox",
        expires_at: null,
        created_by: "ses",
        created_at: "2026-01-15T10:30:00.000Z",
      },
    ],
  });

export function toSuppressionJson(suppression: Row): z.output<typeof Suppression> {
  return {
    channel: suppression.channel,
    address: suppression.address,
    reason: suppression.reason,
    because: suppression.because,
    expires_at: toIso(suppression.expiresAt),
    created_by: suppression.createdBy,
    created_at: toIso(suppression.createdAt),
  };
}
