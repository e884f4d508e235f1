import { z } from "zod";
import { type Instant, toIso } from "../../core/instant.ts";
import { FARTHEST_MS, MOST_FORESEEN } from "../../core/preview.ts";
import { COMPLETION_REASONS, REMINDER_STATUSES } from "../../core/reminder.ts";
import { toWallClock } from "../../core/schedule/wall-clock.ts";
import { isoOffset, isoWall } from "../../core/schedule/wall-text.ts";
import type { Preview as PreviewOf, Reach } from "../preview.ts";
import { invalidField } from "../problem.ts";
import { instant, integer, isoInstant } from "./fields.ts";

const DEFAULT_FORESEEN = 10;

export const PreviewQuery = z.strictObject({
  limit: integer({ min: 1, max: MOST_FORESEEN })
    .meta({ description: `Occurrences at most; ${DEFAULT_FORESEEN} if left out.`, example: DEFAULT_FORESEEN })
    .optional(),
  until: instant
    .optional()
    .describe("Nothing later is looked at: up to five years from now, which is also the default."),
});

/** How far is looked from now on. Throws a 422 for what is too far. */
export function reachOf({ limit, until }: z.output<typeof PreviewQuery>): (now: Instant) => Reach {
  return (now) => {
    const farthest = now + FARTHEST_MS;
    if (until !== undefined && until < now) throw invalidField("until", "must not have passed", "query");
    if (until !== undefined && until > farthest) {
      throw invalidField("until", `must be at most five years ahead: until ${toIso(farthest)}`, "query");
    }
    return { most: limit ?? DEFAULT_FORESEEN, until: until ?? farthest };
  };
}

const MOVERS = [
  "clocks_skip",
  "clocks_repeat",
  "calendar",
  "jitter",
  "policy",
  "misfire",
  "asked_for",
  "digest",
  "quiet_hours",
] as const;

const Move = z.strictObject({
  by: z
    .enum(MOVERS)
    .describe(
      "`clocks_skip`, `clocks_repeat`: the clocks change; `calendar`: it fell outside working time; `jitter`; `policy`: an interval or a step of its policy; `misfire`: it was missed; `asked_for`: by hand, not by its rule; `digest`: its person wants several in one message; `quiet_hours`: its message waits for their end.",
    ),
  from: isoInstant.nullable().describe("The instant before, where there is one."),
  from_local: z.string().nullable().describe("What the clock shows there."),
  because: z.string().describe("Why, in a sentence."),
});

const ForeseenOccurrence = z.strictObject({
  number: z.int().nullable().describe("Which of the reminder's occurrences it is; null for one that doesn't fire."),
  occurrence_at: isoInstant.describe("The due instant, which names the occurrence for ever."),
  outcome: z
    .enum(["sent", "suppressed", "skipped", "held", "completed", "paused"])
    .describe(
      "`sent`; or not, because a newer one takes its place (`suppressed`), it was missed (`skipped`), nobody can say whether it " +
        "is done (`held`), or the reminder ends instead (`completed`) or must be looked at by a person (`paused`).",
    ),
  at: isoInstant.describe("When that happens: when the message leaves, if it does."),
  local: z.string().describe("What the clock shows then, in `time_zone`."),
  time_zone: z.string(),
  utc_offset: z.string().describe("How far that clock is ahead of UTC then."),
  held_until: isoInstant.nullable().describe("When the quiet hours end that hold the message; null: none do."),
  stands_for: z.int().describe("Missed occurrences besides it that get no message of their own."),
  moved: z.array(Move).describe("What has put it there and not where its rule names it, in order."),
  policy_step: z
    .int()
    .nullable()
    .describe("Which step of its policy it is; null: it goes by none, or nothing is sent."),
  to: z
    .array(
      z.strictObject({
        person: z.string().nullable(),
        channel: z.string(),
        recipient: z.string().nullable(),
        as: z.string().describe("`recipient`, `manager of …`, `on call (…)`, `escalation`."),
        stands_in: z.string().nullable().describe("The contact that stands in for this person."),
        template: z.string().nullable(),
        opted_out: z.string().nullable().describe("Why they don't get it after all."),
      }),
    )
    .describe("Who gets it, where that may be several; empty: whom the reminder is for."),
  is_last: z.boolean().describe("Whether it is the last message."),
  sentence: z.string().describe("All this in words."),
});

const example = {
  as_of: "2026-03-27T12:00:00.000Z",
  status: "ACTIVE",
  time_zone: "Europe/Berlin",
  summary:
    "2 messages from Saturday, 28 March 2026, 02:30 (Europe/Berlin, UTC+01:00) to Sunday, 29 March 2026, 03:00 (Europe/Berlin, UTC+02:00), then it is done: with it, it has fired as often as max_occurrences lets it: 2.",
  assumptions: [
    "Workers are at work, messages arrive at the first attempt, no cap delays them, and nobody changes anything.",
  ],
  occurrences: [
    {
      ...{ number: 1, occurrence_at: "2026-03-28T01:30:00.000Z", outcome: "sent", at: "2026-03-28T01:30:00.000Z" },
      ...{ local: "2026-03-28T02:30:00", time_zone: "Europe/Berlin", utc_offset: "+01:00" },
      ...{ held_until: null, stands_for: 0, moved: [], policy_step: null, to: [] },
      ...{ is_last: false, sentence: "Sent on Saturday, 28 March 2026, 02:30 (Europe/Berlin, UTC+01:00)." },
    },
    {
      ...{ number: 2, occurrence_at: "2026-03-29T01:00:00.000Z", outcome: "sent", at: "2026-03-29T01:00:00.000Z" },
      ...{ local: "2026-03-29T03:00:00", time_zone: "Europe/Berlin", utc_offset: "+02:00" },
      ...{ held_until: null, stands_for: 0, policy_step: null, to: [] },
      moved: [
        {
          ...{ by: "clocks_skip", from: null, from_local: "2026-03-29T02:30:00" },
          because:
            "its rule names 02:30, which the clocks of Europe/Berlin skip that day, so it comes right after the gap",
        },
      ],
      is_last: true,
      sentence:
        "Sent on Sunday, 29 March 2026, 03:00 (Europe/Berlin, UTC+02:00). Its rule names 02:30, which the clocks of " +
        "Europe/Berlin skip that day, so it comes right after the gap. It is the last one: with it, it has fired as often as " +
        "max_occurrences lets it: 2.",
    },
  ],
  end: {
    ...{ at: "2026-03-29T01:00:00.000Z", reason: "max_occurrences" },
    because: "with it, it has fired as often as max_occurrences lets it: 2",
  },
  stopped_by: "end",
};

export const Preview = z
  .strictObject({
    as_of: isoInstant.describe("The instant from which it looks ahead."),
    status: z.enum(REMINDER_STATUSES).describe("As the reminder is, or would be."),
    time_zone: z.string().describe("Whose clocks it goes by."),
    summary: z.string(),
    assumptions: z.array(z.string()).describe("What it takes for granted."),
    occurrences: z.array(ForeseenOccurrence),
    end: z
      .strictObject({
        at: isoInstant,
        reason: z.enum(COMPLETION_REASONS).nullable().describe("As `completion_reason`; null: it is PAUSED."),
        because: z.string(),
      })
      .nullable()
      .describe("When and why the reminder ends; null where it goes on, as far as was looked."),
    stopped_by: z
      .enum(["end", "held", "limit", "until", "effort", "state"])
      .describe(
        "Why there are no more: the reminder ends, or is held as long as nothing changes; that was the `limit`, or `until`; to look further takes too long; or nothing " +
          "comes of a reminder in its state.",
      ),
  })
  .meta({ id: "Preview", description: "What comes of a reminder if all goes well.", examples: [example] });

export function toPreviewJson(preview: PreviewOf): z.output<typeof Preview> {
  const { now, reminder, zone, summary, assumptions, occurrences, end, stoppedBy } = preview;
  return {
    as_of: toIso(now),
    status: reminder.status,
    time_zone: zone,
    summary,
    assumptions,
    occurrences: occurrences.map((occurrence) => ({
      number: occurrence.number,
      occurrence_at: toIso(occurrence.occurrenceAt),
      outcome: occurrence.outcome,
      at: toIso(occurrence.at),
      local: isoWall(toWallClock(occurrence.at, zone)),
      time_zone: zone,
      utc_offset: isoOffset(occurrence.at, zone),
      held_until: toIso(occurrence.heldUntil),
      stands_for: occurrence.missed,
      moved: occurrence.moved.map(({ by, from, fromWall, because }) => ({
        by,
        from: toIso(from),
        from_local: fromWall === null ? null : isoWall(fromWall),
        because,
      })),
      policy_step: occurrence.step?.number ?? null,
      to: occurrence.to.map(({ channel, recipient, addressed, optedOut }) => ({
        ...{ person: addressed.person, channel, recipient, as: addressed.as },
        ...{ stands_in: addressed.via ?? null, template: addressed.template, opted_out: optedOut },
      })),
      is_last: occurrence.isLast,
      sentence: occurrence.sentence,
    })),
    end: end && { at: toIso(end.at), reason: end.reason, because: end.because },
    stopped_by: stoppedBy,
  };
}
