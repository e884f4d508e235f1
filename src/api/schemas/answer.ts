import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import { namedDay, spanOf } from "../../core/until.ts";
import { OPT_OUT_KINDS, type OptOut as Row } from "../../store/opt-outs.ts";
import { instant, isoInstant, line } from "./fields.ts";

const UNTIL = "must be an instant like 2026-01-31T09:00:00Z, or a date like 2026-01-31";

/** An instant, or the name of a day. */
const until = z
  .string()
  .transform((text, ctx): number | string => {
    if (namedDay(text) !== null) return text;
    const read = instant.safeParse(text);
    if (read.success) return read.data;
    ctx.issues.push({ code: "custom", message: UNTIL, input: text });
    return z.NEVER;
  })
  .meta({ example: "2026-01-31" });

/** Until then, or for so long: one of the two. */
function silence(untilThen: string) {
  return z
    .strictObject({
      until: until.optional().describe(untilThen),
      for: line(10)
        .refine((text) => spanOf(text) !== null, { error: "must be a time like 30m, 2h, 1d or 1w" })
        .optional()
        .describe("The same, from now on: minutes, hours, days of 24 hours, or weeks."),
    })
    .check((ctx) => {
      const { until, for: span } = ctx.value;
      if ((until === undefined) !== (span === undefined)) return;
      const message = until === undefined ? "must be given, or for" : "must be left out where for is given";
      ctx.issues.push({ code: "custom", path: ["until"], message, input: ctx.value });
    });
}

export const Snooze = silence(
  "Until then it is silent, and then it is due. A date is 9:00 of that day by the clocks of whoever it reminds.",
).meta({ id: "Snooze", description: "For how long it is put off; 366 days at most.", example: { for: "1d" } });

export const Acknowledge = silence(
  "By when it is to be done: until then it is silent, and then it is due. A date is 9:00 of the day after, when it is over.",
).meta({ id: "Acknowledge", description: "By when somebody does it; 366 days ahead at most.", example: { for: "2d" } });

export const optOutFilters = {
  channel: line(100).optional().describe("Only those of this channel."),
  address: line(500).optional().describe("Only those of this address, written as in `/suppressions`."),
};

export const optOutParams = z.strictObject({
  channel: line(100).meta({ description: "The channel.", example: "email" }),
  address: line(500).meta({ description: "The address.", example: "ann@example.com" }),
  kind: z.enum(OPT_OUT_KINDS).meta({ description: "Of what no more is wanted.", example: "event_type" }),
  about: line(200).meta({ description: "The reminder's id, or the event type.", example: "feedback_form" }),
});

/** Where a page ends. */
export const optOutPosition = z.tuple([line(100), line(2_000), line(20), line(200)]);

export const OptOut = z
  .strictObject({
    channel: z.string(),
    address: z.string().describe("In lower case, but for what follows the host of a URL."),
    kind: z.enum(OPT_OUT_KINDS),
    about: z.string().describe("The reminder's id, or the event type."),
    created_by: z.string().describe("Who said so."),
    created_at: isoInstant,
  })
  .meta({
    id: "OptOut",
    description: "Whoever has an address wants no more of a reminder, or of an event type.",
    examples: [
      {
        channel: "email",
        address: "ann@example.com",
        kind: "event_type",
        about: "feedback_form",
        created_by: "answer link of 1-1768476600000-0",
        created_at: "2026-01-15T11:32:10.000Z",
      },
    ],
  });

export function toOptOutJson({ channel, address, kind, about, createdBy, createdAt }: Row): z.output<typeof OptOut> {
  return { channel, address, kind, about, created_by: createdBy, created_at: toIso(createdAt) };
}
