import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Addressed } from "../../core/people.ts";
import { deliveryId } from "../../core/reminder.ts";
import { checkedJson } from "../../store/checked.ts";
import type { TimelineEntry } from "../../store/timeline.ts";
import { freeObject, isoInstant } from "./fields.ts";

export const TimelineLine = z
  .strictObject({
    at: isoInstant,
    type: z
      .string()
      .describe(
        "`created`, `fired`, `sent`, `attempt_failed`, `failed`, `suppressed`, `fell_back`, `paused`, `completed`, …",
      ),
    because: z.string().describe("Why, in a sentence."),
    details: freeObject,
  })
  .meta({
    id: "TimelineLine",
    description: "One thing that happened to a reminder.",
    examples: [
      {
        at: "2026-01-15T11:30:00.480Z",
        type: "sent",
        because: "sent to interviewer@example.com by email",
        details: {
          delivery_id: "1-1768476600000-0",
          occurrence_at: "2026-01-15T11:30:00.000Z",
          channel: "email",
          recipient: "interviewer@example.com",
          demo: false,
        },
      },
    ],
  });

export function toTimelineJson(entry: TimelineEntry): z.output<typeof TimelineLine> {
  return { at: toIso(entry.at), type: entry.type, ...told(entry) };
}

/** Where several get it, each has a line of their own. */
function forWhom(addressed: Addressed | null): string {
  if (addressed === null || addressed.person === null) return "";
  const via = addressed.via === undefined ? "" : `, in whose stead ${addressed.via} gets it`;
  return `, for ${addressed.person}${addressed.as === "recipient" ? "" : ` (${addressed.as})`}${via}`;
}

function told(entry: TimelineEntry): { because: string; details: JsonObject } {
  switch (entry.told) {
    case "event":
      return { because: entry.because ?? entry.type, details: entry.details };
    case "row":
      return { because: "the reminder was created", details: {} };
    case "ledger": {
      const { delivery, channel, recipient, demo, checked, reason } = entry;
      const occurrenceAt = toIso(delivery.occurrenceAt);
      const details = { delivery_id: deliveryId(delivery), occurrence_at: occurrenceAt, channel, recipient };
      if (entry.type === "fired")
        return { because: `it was due at ${occurrenceAt}${forWhom(entry.addressed)}`, details };
      const to = recipient === null ? "" : ` to ${recipient}`;
      const how = demo ? `printed instead of sent${to}: ${channel} is in demo mode` : `sent${to} by ${channel}`;
      const because = reason === null ? how : `${how}, ${reason}`;
      return { because, details: { ...details, demo, ...(checked && { checked: checkedJson(checked) }) } };
    }
  }
}
