import { z } from "zod";
import type { Moment } from "../../core/lifecycle.ts";
import { NO_PEOPLE, type Recipient } from "../../core/people.ts";
import { REMINDER_STATUSES, type ReminderRecord } from "../../core/reminder.ts";
import { NO_CALENDARS } from "../../core/schedule/by-calendar.ts";
import { DEFAULT_MIN_INTERVAL_SECONDS } from "../../core/schedule/check.ts";
import { type Updated, update } from "../../core/update.ts";
import { listReminders } from "../../store/reminder-list.ts";
import { readReminder } from "../../store/reminders.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { auditWithin } from "../access/audit.ts";
import { changeReminder, noReminder } from "../change-reminder.ts";
import { parseRecipient, parseRecipients } from "../channel-check.ts";
import { checkInstallation } from "../check-installation.ts";
import type { Api } from "../context.ts";
import { createTogether } from "../create-reminder.ts";
import { editedStopCondition } from "../edited-stop-condition.ts";
import { reminderEtag, tagged } from "../etag.ts";
import { conditionsOf, unlessKnown } from "../etag-conditions.ts";
import {
  checkDoneMeans,
  checkFlagKeys,
  checkPeople,
  momentFor,
  type NewReminderContext,
  type Policies,
  toNewReminder,
} from "../new-reminder.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";
import { answers, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import { idParams, instant, line, queryBoolean } from "../schemas/fields.ts";
import { editedPeople, toPeopleJson } from "../schemas/people.ts";
import { CreateReminder, Reminder, toReminderJson, UpdateReminder } from "../schemas/reminder.ts";
import { toBoundsEdit, toByCalendarFields, toScheduleFields } from "../schemas/schedule.ts";

const includeDeleted = queryBoolean.optional().describe("Whether deleted reminders are shown too.");

const ListQuery = z.strictObject({
  status: z.enum(REMINDER_STATUSES).optional().describe("Only those with this status."),
  entity_type: line(200).optional().describe("Only those about this kind of entity."),
  entity_id: line(200).optional().describe("Only those about this entity."),
  event_type: line(200).optional().describe("Only those for this event."),
  channel: line(50).optional().describe("Only those sent over this channel."),
  due_before: instant.optional().describe("Only those due earlier than this."),
  due_after: instant.optional().describe("Only those due at this instant or later."),
  needs_attention: queryBoolean.optional().describe("Only those that a person must look at, or only the others."),
  include_deleted: includeDeleted,
  ...pageQuery(z.tuple([z.int().min(1)])),
});

/** What decides whether a reminder can be for its people, by the names that a change gives them. */
const ABOUT_PEOPLE = new Set([
  ...["policy", "deadline_at", "recipients", "completes_when", "reopen", "recipient", "calendar"],
  ...["stop_condition_type", "max_occurrences", "end_at", "schedule_type", "rrule", "offsets"],
]);

function namesOf({ details }: Extract<Updated, { kind: "changed" }>["change"]): string[] {
  return Object.keys(details.changed as object);
}

function concernsPeople({ reminder, change }: Extract<Updated, { kind: "changed" }>): boolean {
  if (reminder.people === NO_PEOPLE) return false;
  return namesOf(change).some((name) => ABOUT_PEOPLE.has(name));
}

export function reminderRoutes(api: Api, context: NewReminderContext): void {
  const { channels, minIntervalSeconds = DEFAULT_MIN_INTERVAL_SECONDS, installation } = context;
  const create = createTogether();

  api.post(
    "/reminders/",
    {
      config: { access: "reminders:write" },
      schema: {
        operationId: "createReminder",
        tags: ["Reminders"],
        summary: "Create a reminder",
        description:
          "At most one ACTIVE reminder exists for an `entity_type`, `entity_id` and `event_type`. Where there is one " +
          "already, the answer is 200 with that one as it is, whatever else the request says: sending a request twice does " +
          "no harm.",
        body: CreateReminder,
        response: {
          201: answers(Reminder, "Created."),
          200: answers(Reminder, "It exists already; this is it."),
          ...refuses(...BODY_REFUSALS),
        },
      },
    },
    async ({ database, body }, reply) => {
      const moment = await momentFor(database, [body]);
      const { reminder, isNew } = await create(database, toNewReminder(body, context, moment, database.tenant));
      if (isNew) reply.code(201).header("location", `/reminders/${reminder.id}`);
      return tagged(reply, reminderEtag, toReminderJson(reminder));
    },
  );

  api.get(
    "/reminders/",
    {
      config: { access: "reminders:read" },
      schema: {
        operationId: "listReminders",
        tags: ["Reminders"],
        summary: "List reminders",
        description: "Newest first. The filters add up. Pages stay stable while others create reminders.",
        querystring: ListQuery,
        response: { 200: answers(z.array(Reminder), "The reminders of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const filter = {
        status: query.status,
        entityType: query.entity_type,
        entityId: query.entity_id,
        eventType: query.event_type,
        channel: query.channel,
        dueBefore: query.due_before,
        dueAfter: query.due_after,
        needsAttention: query.needs_attention,
        includeDeleted: query.include_deleted ?? false,
      };
      const below = query.cursor?.[0] ?? null;
      const items = await listReminders(database, filter, { below, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf: ({ id }) => [id] }).map(toReminderJson);
    },
  );

  api.get(
    "/reminders/:id",
    {
      config: { access: "reminders:read" },
      schema: {
        operationId: "getReminder",
        tags: ["Reminders"],
        summary: "Read a reminder",
        description: "A deleted one is not found unless `include_deleted` is true.",
        params: idParams,
        querystring: z.strictObject({ include_deleted: includeDeleted }),
        response: { 200: answers(Reminder, "The reminder."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { database, params, query } = request;
      const { id } = params;
      const reminder = await readReminder(database, id);
      if (!reminder) throw noReminder(id);
      if (reminder.deletedAt !== null && !query.include_deleted) {
        throw notFound(`reminder ${id} is deleted; add ?include_deleted=true to see it, or restore it`);
      }
      return unlessKnown(request, reply, reminderEtag, toReminderJson(reminder));
    },
  );

  api.patch(
    "/reminders/:id",
    {
      config: { access: "reminders:write" },
      schema: {
        operationId: "updateReminder",
        tags: ["Reminders"],
        summary: "Change a reminder",
        description:
          "Changes what is given and nothing else; the same again changes nothing.\n\n" +
          "- `run_at`: it is due then; a recurring reminder goes on from there in whole intervals, others by their rule. In the past: at once.\n" +
          "- `interval_minutes`: the new interval counts from when the reminder last fired (from its creation, if it " +
          "never has). If that has passed already, it is due one new interval from now, or when it was due anyway, if that " +
          "is sooner; not before `start_at`. A next run that was asked for by `run_at` stays, unless a `start_at` is set behind it, and a step of its " +
          "policy comes when it begins.\n" +
          "- `schedule_type`: the next run stays. To `recurring`, give `interval_minutes` too; they count from the next " +
          "run, which is moved to `start_at` where it is before that. To `one_time`, the next run is the last.\n" +
          "- Any other change of the schedule, its bounds, its time zone or its calendar: it is due at the next occurrence from now on, " +
          "or before that when a step of its policy begins, though not before `start_at`.\n" +
          "- `deadline_at`: a step that counts by it moves with it.\n" +
          "- `policy`: another one, or none, leaves it due by its schedule, not when the former one's next step was; where that has come to its end, once more then.\n\n" +
          "A `stop_condition_type` other than before brings its own value and settings; null clears all three.\n\n" +
          "What a reminder is about (`entity_type`, `entity_id`, `event_type`) can't be changed, and neither can one that " +
          "is COMPLETED.",
        params: idParams,
        body: UpdateReminder,
        response: { 200: answers(Reminder, "The reminder as it is now."), ...refuses(404, 409, 412, ...BODY_REFUSALS) },
      },
    },
    async (request, reply) => {
      const { database, params, body } = request;
      const change = (reminder: ReminderRecord, moment: Moment & { policies: Policies }) => {
        const { now, contactZone = null, calendars = NO_CALENDARS } = moment;
        const channel = body.channel ?? reminder.channel;
        const isAddressed = body.channel !== undefined || body.recipient !== undefined;
        const recipient = body.recipient === undefined ? reminder.recipient : body.recipient;
        const stopCondition = editedStopCondition(reminder, body);
        checkFlagKeys(stopCondition, reminder);
        // What was there before is left alone, whatever is configured by now.
        if (stopCondition !== reminder.stopCondition) checkInstallation(stopCondition, installation, database.tenant);
        const doneMeans = body.done_means === undefined ? reminder.doneMeans : body.done_means;
        checkDoneMeans({ doneMeans, stopCondition });
        const edit = {
          channel,
          recipient: isAddressed ? parseRecipient(channels, channel, recipient) : undefined,
          subject: body.subject,
          message: body.message,
          data: body.data,
          timeZone: body.time_zone,
          scheduleType: body.schedule_type,
          ...toScheduleFields(body),
          bounds: toBoundsEdit(body),
          runAt: body.run_at,
          stopCondition,
          onUnknown: body.on_unknown === null ? "hold" : body.on_unknown,
          business: toByCalendarFields(body),
          quietHours: body.quiet_hours,
          ignoreQuietHours: body.ignore_quiet_hours,
          doneMeans,
          allowsReassign: body.allow_reassign,
          people: editedPeople(reminder.people, body, editedRecipients(channels, body, reminder)),
        } as const;
        const updated = update(reminder, edit, now, { contactZone, calendars, minIntervalSeconds }, moment.policy);
        if (updated.kind === "changed" && concernsPeople(updated)) {
          // Whom it was for before, by plain SQL say, hinders nobody who changes something else.
          const namesAnew = body.recipients !== undefined && namesOf(updated.change).includes("recipients");
          checkPeople(updated.reminder, moment.policies, { force: body.force, namesAnew });
        }
        return updated;
      };
      const named = body.calendar == null ? [] : [body.calendar];
      const noteWithin = (sql: TenantSql) => auditWithin(sql, request, 200);
      const names = { calendars: named, policies: body.policy == null ? [] : [body.policy] };
      const reminder = await changeReminder(database, params.id, conditionsOf(request), change, noteWithin, names);
      return tagged(reply, reminderEtag, toReminderJson(reminder));
    },
  );
}

/** With another channel, addresses have to be in that one's form. */
function editedRecipients(
  channels: NewReminderContext["channels"],
  { recipients, channel }: Pick<z.output<typeof UpdateReminder>, "recipients" | "channel">,
  reminder: ReminderRecord,
): Recipient[] | null | undefined {
  const former = channel === undefined ? undefined : (toPeopleJson(reminder.people).recipients ?? undefined);
  const said = recipients === undefined ? former : recipients;
  return said && parseRecipients(channels, channel ?? reminder.channel, said);
}
