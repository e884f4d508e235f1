import { type LifecycleAction, type Moment, transition } from "../../core/lifecycle.ts";
import type { ReminderRecord } from "../../core/reminder.ts";
import { askNow } from "../../store/asking.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { auditWithin } from "../access/audit.ts";
import { changeReminder } from "../change-reminder.ts";
import type { Api } from "../context.ts";
import { reminderEtag, tagged } from "../etag.ts";
import { conditionsOf } from "../etag-conditions.ts";
import { answers, answersNothing, BODY_REFUSALS, refuses } from "../responses.ts";
import { idParams } from "../schemas/fields.ts";
import { Reminder, toReminderJson } from "../schemas/reminder.ts";
import { refuseBody } from "../validation.ts";

interface ActionRoute {
  action: Exclude<LifecycleAction, "delete">;
  summary: string;
  description: string;
}

const ACTIONS: ActionRoute[] = [
  {
    action: "pause",
    summary: "Pause a reminder",
    description: "Nothing is sent until it is resumed; not even what is waiting for a retry.",
  },
  {
    action: "resume",
    summary: "Resume a paused reminder",
    description:
      "A recurring reminder goes on with its next regular instant: what it would have been due for meanwhile is not made " +
      "up for, but for a step of its policy that has begun: that is due at once. A one-time reminder keeps its time, and is due at " +
      "once if that has passed. 409 if another reminder is ACTIVE for the same entity and event.",
  },
  {
    action: "complete",
    summary: "Complete a reminder by hand",
    description: "It never sends again. This is final.",
  },
  {
    action: "trigger",
    summary: "Fire a reminder now",
    description:
      "It is due at once; its stop condition is asked first, as always, also where it is held and would be asked again later. A recurring reminder's regular instants stay what " +
      "they are.",
  },
  {
    action: "restore",
    summary: "Restore a deleted reminder",
    description:
      "It is back with the status it had. An ACTIVE one goes on as if it had been resumed. 409 if another reminder is ACTIVE " +
      "for the same entity and event.",
  },
];

export function lifecycleRoutes(api: Api): void {
  for (const { action, summary, description } of ACTIONS) {
    api.post(
      `/reminders/:id/${action}`,
      {
        config: { access: "reminders:write" },
        preValidation: refuseBody,
        schema: {
          operationId: `${action}Reminder`,
          tags: ["Reminder lifecycle"],
          summary,
          description: `${description} Doing it again changes nothing.`,
          params: idParams,
          response: {
            200: answers(Reminder, "The reminder as it is now."),
            ...refuses(404, 409, 412, ...BODY_REFUSALS),
          },
        },
      },
      async (request, reply) => {
        const { database, params } = request;
        const change = (reminder: ReminderRecord, moment: Moment) => transition(action, reminder, moment);
        const alongWith = async (sql: TenantSql): Promise<void> => {
          if (action === "trigger") await askNow(sql, params.id);
          await auditWithin(sql, request, 200);
        };
        const reminder = await changeReminder(database, params.id, conditionsOf(request), change, alongWith);
        return tagged(reply, reminderEtag, toReminderJson(reminder));
      },
    );
  }

  api.delete(
    "/reminders/:id",
    {
      config: { access: "reminders:write" },
      schema: {
        operationId: "deleteReminder",
        tags: ["Reminder lifecycle"],
        summary: "Delete a reminder",
        description:
          "It sends no more and is no longer listed. Its row, deliveries and timeline stay, and it can be restored. Doing it " +
          "again changes nothing.",
        params: idParams,
        response: { 204: answersNothing("Deleted."), ...refuses(404, 412, 422) },
      },
    },
    async (request, reply) => {
      const { database, params } = request;
      const change = (reminder: ReminderRecord, moment: Moment) => transition("delete", reminder, moment);
      await changeReminder(database, params.id, conditionsOf(request), change, (sql) => auditWithin(sql, request, 204));
      return reply.code(204).send(null);
    },
  );
}
