import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import type { InboundSource as Row } from "../../store/inbound-sources.ts";
import { PROVIDER_NAMES } from "../inbound/registry.ts";
import { isoInstant, line } from "./fields.ts";

const provider = z.enum(PROVIDER_NAMES).meta({ description: "The provider.", example: "ses" });

export const inboundSourceParams = z.strictObject({ provider });

export const inboundParams = z.strictObject({
  tenant: line(63).meta({ description: "The tenant whose mail it is about.", example: "default" }),
  provider: line(63).meta({ description: `The provider: ${PROVIDER_NAMES.join(", ")}.`, example: "ses" }),
});

export const PutInboundSource = z
  .strictObject({
    secrets: z
      .array(line(1_000), "must be a list")
      .min(1, "must have at least one")
      .max(5, "must have at most 5")
      .describe(
        "What it proves itself with: for `ses` ARNs of SNS topics, for `sendgrid` verification keys, for `mailgun` webhook signing " +
          "keys, for `twilio` auth tokens, for `postmark` user names and passwords with a colon between them. Several while they are changed.",
      ),
  })
  .meta({
    id: "PutInboundSource",
    description: "What a provider proves itself with.",
    example: { secrets: ["arn:aws:sns:eu-west-1:123456789012:bounces"] },
  });

export const InboundSource = z
  .strictObject({
    provider: z.string(),
    url: z.string().describe("Where the provider has to send what it tells."),
    fingerprints: z.array(z.string()).describe("One for each secret, to tell them apart."),
    created_at: isoInstant,
    updated_at: isoInstant,
  })
  .meta({
    id: "InboundSource",
    examples: [
      {
        provider: "ses",
        url: "/inbound/default/ses",
        fingerprints: ["3f1c5b7a"],
        created_at: "2026-01-15T10:30:00.000Z",
        updated_at: "2026-01-15T10:30:00.000Z",
      },
    ],
  });

/** Its words are the provider's own. */
export const InboundBody = z
  .custom<object>((value) => typeof value === "object" && value !== null, { error: "must be a JSON object or a list" })
  .meta({
    id: "InboundBody",
    type: "object",
    description: "What the provider tells, in its own words.",
    example: { RecordType: "Bounce", Type: "HardBounce", Email: "ann@example.com" },
  });

export const InboundOutcome = z
  .strictObject({
    received: z.int().describe("Messages that something was told of."),
    suppressed: z.int().describe("Addresses that nothing is sent to from now on."),
    answers: z.int().describe("Mails that were taken as answers to a message."),
  })
  .meta({ id: "InboundOutcome", examples: [{ received: 1, suppressed: 1, answers: 0 }] });

export function toInboundSourceJson(source: Row, tenant: string): z.output<typeof InboundSource> {
  return {
    provider: source.provider,
    url: `/inbound/${tenant}/${source.provider}`,
    fingerprints: source.fingerprints,
    created_at: toIso(source.createdAt),
    updated_at: toIso(source.updatedAt),
  };
}
