import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import { secretFlaw } from "../../outgoing/standard-webhooks.ts";
import type { EventSource as EventSourceRow } from "../../store/event-sources.ts";
import { isoInstant } from "./fields.ts";

const MOST_SECRETS = 5;
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const NAME_RULE =
  "must be 1 to 63 small letters, digits, hyphens and underscores, and begin with a letter or a digit, like billing";

/** True for what can be a source's name. */
export function isSourceName(text: string): boolean {
  return NAME.test(text);
}

export const sourceName = z.string().regex(NAME, NAME_RULE);

export const sourceParams = z.strictObject({
  source: sourceName.meta({
    description: "The source's name: a part of the address that it sends to.",
    example: "billing",
  }),
});

const signingSecret = z
  .string()
  .max(200)
  .check((ctx) => {
    const why = secretFlaw(ctx.value);
    if (why) ctx.issues.push({ code: "custom", message: why, input: "" });
  });

export const PutEventSource = z
  .strictObject({
    secrets: z
      .array(signingSecret)
      .min(1)
      .max(MOST_SECRETS)
      .describe(
        "The sender's signing secrets; two or more while it changes them. They are sealed, and never shown again.",
      ),
  })
  .meta({ id: "PutEventSource", example: { secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] } });

export const EventSource = z
  .strictObject({
    source: z.string(),
    fingerprints: z
      .array(z.string())
      .describe("For each secret the first 12 digits of its SHA-256: tells them apart, and tells nothing of them."),
    path: z.string().describe("Where it sends its events to."),
    created_at: isoInstant,
    updated_at: isoInstant,
  })
  .meta({
    id: "EventSource",
    description: "Who may send events that bear a signature instead of a key.",
    examples: [
      {
        source: "billing",
        fingerprints: ["5b1f2a3c4d5e"],
        path: "/events/default/billing",
        created_at: "2026-01-15T10:30:00.000Z",
        updated_at: "2026-01-15T10:30:00.000Z",
      },
    ],
  });

export function toEventSourceJson(source: EventSourceRow, tenant: string): z.output<typeof EventSource> {
  return {
    source: source.name,
    fingerprints: source.fingerprints,
    path: `/events/${tenant}/${source.name}`,
    created_at: toIso(source.createdAt),
    updated_at: toIso(source.updatedAt),
  };
}
