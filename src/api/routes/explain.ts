import { z } from "zod";
import type { Channels } from "../../channels/registry.ts";
import { flagKeysOf, stopAnswer } from "../../conditions/evaluate.ts";
import { subjectOf } from "../../conditions/subject.ts";
import { explainPresent } from "../../core/explain/explain-present.ts";
import type { Fact } from "../../core/explain/fact.ts";
import { explainLine, type Line } from "../../core/explain/line.ts";
import { explainWishes } from "../../core/explain/wishes.ts";
import { toIso } from "../../core/instant.ts";
import type { JsonObject } from "../../core/json.ts";
import { namesOfDone, recipientsDone } from "../../core/people-done.ts";
import { clockOf } from "../../core/schedule/origin.ts";
import { toChecked } from "../../store/checked.ts";
import { listDone } from "../../store/done.ts";
import { listOpenDeliveries } from "../../store/open-deliveries.ts";
import { type Prospect, readProspect } from "../../store/prospect.ts";
import type { TenantDatabase } from "../../store/tenant-database.ts";
import { readTimeline, type TimelineEntry } from "../../store/timeline.ts";
import { noReminder } from "../change-reminder.ts";
import type { Api, ApiContext } from "../context.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { answers, refuses } from "../responses.ts";
import { Explanation, toFactJson } from "../schemas/explanation.ts";
import { idParams } from "../schemas/fields.ts";
import { readSurroundings } from "../surroundings.ts";
import { positionOf, timelinePosition, toPosition } from "../timeline-position.ts";
import { readWishes } from "../wishes.ts";

/** More messages under way than this are told of by the list of deliveries. */
const MOST_OPEN = 20;

export function explainRoutes(api: Api, { channels }: Pick<ApiContext, "channels">): void {
  api.get(
    "/reminders/:id/explain",
    {
      config: { access: "reminders:read" },
      schema: {
        operationId: "explainReminder",
        tags: ["Reminder history"],
        summary: "Explain a reminder",
        description:
          "Plain sentences: what it waits for now, when it is due next, what would stop it, and why it sent or didn't, each time. " +
          "Every sentence rests on a row that it names, none on a guess. A deleted reminder's too. The history comes page by page: " +
          "the `Link` header leads to the next one.",
        params: idParams,
        querystring: z.strictObject(pageQuery(timelinePosition)),
        response: {
          200: answers(Explanation, "How it stands, and a page of how it came to that."),
          ...refuses(404, 422),
        },
      },
    },
    async (request, reply) => {
      const { params, query, database } = request;
      const { id } = params;
      const prospect = await readProspect(database, id);
      if (!prospect) throw noReminder(id);
      const { reminder, now } = prospect;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const { zone, present } = await readPresent(database, prospect, channels);
      const after = query.cursor ? toPosition(query.cursor) : null;
      const lines = await readTimeline(database, id, { after, limit: limit + 1, newestFirst: true });
      const history = page(request, reply, { items: lines, limit, positionOf });
      return {
        as_of: toIso(now),
        reminder_id: id,
        present: present.map(toFactJson),
        history: history.map((entry) => toFactJson(explainLine(toLine(entry), reminder, zone))),
      };
    },
  );
}

async function readPresent(
  database: TenantDatabase,
  prospect: Prospect,
  channels: Channels,
): Promise<{ zone: string; present: Fact[] }> {
  const { reminder, standing, isUnplanned, unanswered, now } = prospect;
  const { stopCondition } = reminder;
  const surroundings = await readSurroundings(database, reminder, channels);
  const { contact, flags: values, setFlags, around } = surroundings;
  const marks = reminder.people.recipients === null ? [] : await listDone(database, reminder.id);
  const marked = marks.map(({ person }) => person);
  const done = recipientsDone(reminder.people, namesOfDone(reminder.people, marked));
  const open = await listOpenDeliveries(database, reminder.id, MOST_OPEN);
  const set = new Map(setFlags.map((flag) => [flag.key, flag]));
  const flags = [...new Set(flagKeysOf(stopCondition, reminder))].map((key) => ({
    key,
    value: set.get(key)?.value ?? false,
    setAt: set.get(key)?.updatedAt ?? null,
  }));
  const stop =
    stopCondition && stopAnswer(stopCondition, subjectOf({ reminder, contact, flags: values, now, standing }));
  const zone = clockOf(reminder, around.zone);
  const present = explainPresent({ reminder, zone, isUnplanned, open, flags, stop, unanswered, done, now });
  const wishes = await readWishes(database, prospect, surroundings, channels);
  return { zone, present: [...present, ...explainWishes(reminder, wishes, zone)] };
}

function toLine(entry: TimelineEntry): Line {
  const { at } = entry;
  switch (entry.told) {
    case "row":
      return { told: "row", at };
    case "event": {
      const attempt = entry.details.delivery_attempt;
      const deliveryAttempt = typeof attempt === "number" ? attempt : null;
      const checked = toChecked(entry.details.checked as JsonObject | undefined);
      const { first: id, type, because } = entry;
      return { told: "event", ...{ at, id, type, because, deliveryAttempt, checked } };
    }
    case "ledger": {
      const { delivery, channel, recipient, demo, addressed, checked, reason } = entry;
      const told = entry.type === "fired" ? "fired" : "sent";
      return { told, ...{ at, delivery, channel, recipient, demo, addressed, checked, reason } };
    }
  }
}
