import { z } from "zod";
import { MAX_FLAG_KEY_LENGTH } from "../../core/flag-key.ts";
import { toIso } from "../../core/instant.ts";
import type { Flag as FlagRow } from "../../store/flags.ts";
import { isoInstant, text } from "./fields.ts";

export const flagKeyText = text(MAX_FLAG_KEY_LENGTH);

export const flagParams = z.strictObject({
  key: flagKeyText.meta({
    description: "The flag's key, percent-encoded where it holds `/`, `%` or the like.",
    example: "feedback_submitted",
  }),
});

export const SetFlag = z
  .strictObject({ value: z.boolean().describe("True: the thing is done.") })
  .meta({ id: "SetFlag", example: { value: true } });

export const Flag = z
  .strictObject({ key: z.string(), value: z.boolean(), created_at: isoInstant, updated_at: isoInstant })
  .meta({
    id: "Flag",
    description: "Something that the outside world says is so, or not.",
    examples: [
      {
        key: "feedback_submitted",
        value: true,
        created_at: "2026-01-15T10:30:00.000Z",
        updated_at: "2026-01-16T08:12:30.250Z",
      },
    ],
  });

export function toFlagJson(flag: FlagRow): z.output<typeof Flag> {
  return {
    key: flag.key,
    value: flag.value,
    created_at: toIso(flag.createdAt),
    updated_at: toIso(flag.updatedAt),
  };
}
