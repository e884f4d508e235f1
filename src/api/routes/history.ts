import { z } from "zod";
import { listDeliveries } from "../../store/ledger.ts";
import { readReminder } from "../../store/reminders.ts";
import type { TenantDatabase } from "../../store/tenant-database.ts";
import { readTimeline } from "../../store/timeline.ts";
import { noReminder } from "../change-reminder.ts";
import type { Api } from "../context.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { answers, refuses } from "../responses.ts";
import { Delivery, toDeliveryJson } from "../schemas/delivery.ts";
import { idParams } from "../schemas/fields.ts";
import { TimelineLine, toTimelineJson } from "../schemas/timeline.ts";
import { instantPosition, positionOf, timelinePosition, toPosition } from "../timeline-position.ts";

export function historyRoutes(api: Api): void {
  const mustExist = async (database: TenantDatabase, id: number): Promise<void> => {
    if (!(await readReminder(database, id))) throw noReminder(id);
  };

  api.get(
    "/reminders/:id/deliveries",
    {
      config: { access: "reminders:read" },
      schema: {
        operationId: "listDeliveries",
        tags: ["Reminder history"],
        summary: "List a reminder's deliveries",
        description: "One line for each message, whatever became of it; the newest first. A deleted reminder's too.",
        params: idParams,
        querystring: z.strictObject(pageQuery(z.tuple([instantPosition, z.int().min(0).max(32_767)]))),
        response: { 200: answers(z.array(Delivery), "The deliveries of this page."), ...refuses(404, 422) },
      },
    },
    async (request, reply) => {
      const { params, query, database } = request;
      await mustExist(database, params.id);
      const limit = query.limit ?? DEFAULT_LIMIT;
      const below = query.cursor ? { occurrenceAt: query.cursor[0], recipientNo: query.cursor[1] } : null;
      const items = await listDeliveries(database, params.id, { below, limit: limit + 1 });
      const positionOf = (last: (typeof items)[number]) => [last.occurrenceAt, last.recipientNo];
      return page(request, reply, { items, limit, positionOf }).map(toDeliveryJson);
    },
  );

  api.get(
    "/reminders/:id/timeline",
    {
      config: { access: "reminders:read" },
      schema: {
        operationId: "readTimeline",
        tags: ["Reminder history"],
        summary: "Read a reminder's timeline",
        description: "What happened to it, when and why; the oldest first. A deleted reminder's too.",
        params: idParams,
        querystring: z.strictObject(pageQuery(timelinePosition)),
        response: { 200: answers(z.array(TimelineLine), "The lines of this page."), ...refuses(404, 422) },
      },
    },
    async (request, reply) => {
      const { params, query, database } = request;
      await mustExist(database, params.id);
      const limit = query.limit ?? DEFAULT_LIMIT;
      const after = query.cursor ? toPosition(query.cursor) : null;
      const items = await readTimeline(database, params.id, { after, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf }).map(toTimelineJson);
    },
  );
}
