import type { FastifyReply, FastifyRequest } from "fastify";
import { type Answer, answerTo } from "../../core/answer.ts";
import type { Instant } from "../../core/instant.ts";
import { quietZone } from "../../core/quiet-hours.ts";
import { silentUntil, whyNotUntil } from "../../core/until.ts";
import { readContact } from "../../store/contacts.ts";
import { readReminder } from "../../store/reminders.ts";
import type { TenantDatabase } from "../../store/tenant-database.ts";
import { readTenantTimes } from "../../store/tenant-times.ts";
import { auditWithin } from "../access/audit.ts";
import { changeReminder } from "../change-reminder.ts";
import type { Api } from "../context.ts";
import { reminderEtag, tagged } from "../etag.ts";
import { conditionsOf } from "../etag-conditions.ts";
import { invalidField } from "../problem.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import { Acknowledge, Snooze } from "../schemas/answer.ts";
import { idParams } from "../schemas/fields.ts";
import { Reminder, toReminderJson } from "../schemas/reminder.ts";

/** Who answers where nobody says who. */
export const SOMEBODY = { who: "somebody", details: {} };
const tags = ["Reminder lifecycle"];
const response = {
  200: answers(Reminder, "The reminder as it is now."),
  ...refuses(404, 409, 412, ...BODY_REFUSALS),
};

/** What people answer to messages, for programs that pass it on. */
export function silenceRoutes(api: Api): void {
  api.post(
    "/reminders/:id/snooze",
    {
      config: { access: "reminders:write" },
      schema: {
        operationId: "snoozeReminder",
        tags,
        summary: "Put a reminder off",
        description:
          "Nothing is sent until then, and then it is due, whatever its schedule; after that it goes on by its schedule. What lay " +
          "between is not made up for. One that is COMPLETED only because nothing more was due begins again. Who names another next instant (`run_at`) " +
          "or fires it by hand ends the silence.",
        params: idParams,
        body: Snooze,
        response,
      },
    },
    async (request, reply) => {
      const { until, for: span } = request.body;
      return silence(request, reply, request.params.id, "snooze", span ?? until ?? "");
    },
  );

  api.post(
    "/reminders/:id/acknowledge",
    {
      config: { access: "reminders:write" },
      schema: {
        operationId: "acknowledgeReminder",
        tags,
        summary: "Say by when it will be done",
        description:
          "Silent until then, as when it is snoozed. If it isn't done by then, its message says that it was promised.",
        params: idParams,
        body: Acknowledge,
        response,
      },
    },
    async (request, reply) => {
      const { until, for: span } = request.body;
      return silence(request, reply, request.params.id, "promise", span ?? until ?? "");
    },
  );
}

/** `wanted`: an instant, a span or the name of a day. */
async function silence(
  request: FastifyRequest,
  reply: FastifyReply,
  id: number,
  kind: "snooze" | "promise",
  wanted: Instant | string,
) {
  const zone = typeof wanted === "string" ? await zoneOfPerson(request.database, id) : "UTC";
  const field = typeof wanted === "string" && /[mhdw]$/.test(wanted) ? "for" : "until";
  return changed(request, reply, id, (reminder, moment) => {
    const { now } = moment;
    const until =
      typeof wanted === "number" ? wanted : silentUntil(wanted, { now, zone, isPromise: kind === "promise" });
    const why = typeof until === "string" ? until : whyNotUntil(until, now);
    if (why !== null || typeof until === "string") throw invalidField(field, `must be ${why}`);
    return answerTo(reminder, { kind, until } satisfies Answer, SOMEBODY, moment);
  });
}

/** Changes it as `change` says, and answers with what it is then. */
export async function changed(
  request: FastifyRequest,
  reply: FastifyReply,
  id: number,
  change: Parameters<typeof changeReminder>[3],
) {
  const conditions = conditionsOf(request);
  const reminder = await changeReminder(request.database, id, conditions, change, (sql) =>
    auditWithin(sql, request, 200),
  );
  return tagged(reply, reminderEtag, toReminderJson(reminder));
}

/** Whose clocks the days go by that whoever it reminds would name. */
async function zoneOfPerson(database: TenantDatabase, id: number): Promise<string> {
  const reminder = await readReminder(database, id);
  if (!reminder) return "UTC";
  const contact = await readContact(database, reminder.entityType, reminder.entityId);
  const tenant = await readTenantTimes(database);
  return quietZone({ contact: contact?.timeZone ?? null, reminder: reminder.timeZone, tenant: tenant.timeZone });
}
