import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import {
  COMPLETION_REASONS,
  DONE_MEANS,
  ON_UNKNOWN,
  REMINDER_STATUSES,
  type ReminderRecord,
} from "../../core/reminder.ts";
import { misplacedField } from "../../core/schedule/fields.ts";
import { SCHEDULE_TYPES } from "../../core/schedule/kinds.ts";
import { SILENT_BY } from "../../core/silence.ts";
import { refusals } from "../validation.ts";
import { freeObject, instant, isoInstant, jsonObject, line, template, text, timeZone } from "./fields.ts";
import { examplePeople, peopleFields, shownPeople, toPeopleJson } from "./people.ts";
import { quietHours, shownQuietHours, toQuietHoursJson } from "./quiet-hours.ts";
import {
  exampleSchedule,
  scheduleFields,
  scheduleType,
  shownSchedule,
  toScheduleFields,
  toScheduleJson,
} from "./schedule.ts";
import { stopFields, stopFlaws } from "./stop-condition.ts";

const entityType = line(200).describe("What kind of thing the reminder is about.");
const entityId = line(200).describe("Which one of them.");
const eventType = line(200).describe("What for.");
const channel = line(50).describe("How to send: the name of one of the channels that this installation has.");
const recipient = line(500)
  .nullish()
  .describe("Where to send, in the channel's own form. Left out: what the entity's contact says.");
const subject = template(line(500))
  .nullish()
  .describe("Subject or title of the message, in place of the usual one: a Liquid template.");
const message = template(text(20_000))
  .nullish()
  .describe("What the message says, in place of the usual text: a Liquid template over `data` and the reminder.");
const data = jsonObject.describe("Anything that the message's template speaks of: up to 64 kB of JSON.");
const zone = timeZone
  .nullish()
  .describe(
    "IANA zone whose clocks rules go by, and in which the message writes instants. Left out: the contact's, else the tenant's, else UTC.",
  );
const quiet = quietHours
  .nullish()
  .describe(
    "When nothing is delivered, besides the quiet hours of the contact or the tenant, on the clocks of the person: a message waits " +
      "for their end, and its stop condition is asked again.",
  );
const ignoreQuiet = z.boolean().describe("Whether it is delivered at any hour; false if you don't say.");

const doneMeans = z
  .enum(DONE_MEANS)
  .nullish()
  .describe(
    "What is done when whoever it reminds says that it is: the reminder completes, or its flag is set. Null: the flag where its stop " +
      "condition is a `db_check`, else it completes.",
  );
const allowReassign = z
  .boolean()
  .describe("Whether whoever it reminds may say that it is somebody else's, and whose; false if you don't say.");

export const exampleWish = {
  entity_type: "interviewer",
  entity_id: "INT_100",
  event_type: "feedback_form",
  channel: "email",
  schedule_type: "recurring",
  interval_minutes: 60,
  stop_condition_type: "db_check",
  stop_condition_value: "feedback_submitted",
};

export const CreateReminder = z
  .strictObject({
    entity_type: entityType,
    entity_id: entityId,
    event_type: eventType,
    channel,
    schedule_type: scheduleType,
    ...scheduleFields,
    ...stopFields,
    recipient,
    run_at: instant
      .nullish()
      .describe(
        "For `one_time` and `recurring`: the first due instant; one in the past means at once. Left out: one interval from " +
          "now, or now for `one_time`.",
      ),
    time_zone: zone,
    quiet_hours: quiet,
    ignore_quiet_hours: ignoreQuiet.optional(),
    done_means: doneMeans,
    allow_reassign: allowReassign.optional(),
    data: data.optional(),
    subject,
    message,
    ...peopleFields,
  })
  .check((ctx) => {
    const wish = ctx.value;
    const refuse = (field: string, message: string): void => {
      ctx.issues.push({ code: "custom", path: [field], message, input: ctx.value });
    };
    const misplaced = misplacedField(wish.schedule_type, toScheduleFields(wish));
    if (misplaced) refuse(misplaced.field, misplaced.message);
    for (const { path, message } of stopFlaws(wish)) {
      ctx.issues.push({ code: "custom", path: [...path], message, input: ctx.value });
    }
  })
  .meta({
    id: "CreateReminder",
    description: "What to remind of, how, when, and until when.",
    example: exampleWish,
  });

export const UpdateReminder = z
  .strictObject({
    channel: channel.optional(),
    recipient,
    subject,
    message,
    data: data.optional(),
    time_zone: zone,
    quiet_hours: quiet,
    ignore_quiet_hours: ignoreQuiet.optional(),
    done_means: doneMeans,
    allow_reassign: allowReassign.optional(),
    schedule_type: scheduleType.optional(),
    ...scheduleFields,
    run_at: instant
      .optional()
      .describe("Due then; it goes on from there, or by its rule. One in the past means at once."),
    ...stopFields,
    ...peopleFields,
  })
  .meta({
    id: "UpdateReminder",
    description: "The fields to change. What is left out stays; null clears.",
    example: { interval_minutes: 120, subject: "Your feedback is still missing" },
  });

const KEY_IS_FIXED = "can't be changed, because it names the reminder: create another one and delete this";
refusals.add(UpdateReminder, { entity_type: KEY_IS_FIXED, entity_id: KEY_IS_FIXED, event_type: KEY_IS_FIXED });

export const exampleReminder = {
  id: 1,
  ...exampleWish,
  ...exampleSchedule,
  status: "ACTIVE",
  created_at: "2026-01-15T10:30:00.000Z",
  completion_reason: null,
  next_run_at: "2026-01-15T11:30:00.000Z",
  last_run_at: null,
  occurrence_count: 0,
  recipient: "interviewer@example.com",
  subject: null,
  message: null,
  data: { round: 2 },
  time_zone: "Europe/Berlin",
  quiet_hours: null,
  ignore_quiet_hours: false,
  ...examplePeople,
  run_at: null,
  stop_condition_settings: null,
  on_unknown: "hold",
  done_means: null,
  allow_reassign: false,
  silent_until: null,
  silent_by: null,
  needs_attention: null,
  updated_at: "2026-01-15T10:30:00.000Z",
  completed_at: null,
  deleted_at: null,
};

const { interval_minutes: intervalMinutes, ...otherTimes } = shownSchedule;

export const Reminder = z
  .strictObject({
    id: z.int(),
    entity_type: z.string(),
    entity_id: z.string(),
    event_type: z.string(),
    channel: z.string(),
    schedule_type: z.enum(SCHEDULE_TYPES),
    interval_minutes: intervalMinutes,
    stop_condition_type: z.string().nullable(),
    stop_condition_value: z.string().nullable(),
    status: z.enum(REMINDER_STATUSES),
    created_at: isoInstant,
    completion_reason: z.enum(COMPLETION_REASONS).nullable().describe("Why it is COMPLETED."),
    next_run_at: isoInstant.nullable().describe("When it is due next; null when nothing more is due."),
    last_run_at: isoInstant.nullable().describe("When it last fired."),
    occurrence_count: z
      .int()
      .describe("Occurrences so far: how often it has fired, however many delivery attempts that took."),
    recipient: z.string().nullable(),
    subject: z.string().nullable(),
    message: z.string().nullable(),
    data: freeObject,
    time_zone: z.string().nullable(),
    quiet_hours: shownQuietHours,
    ignore_quiet_hours: z.boolean(),
    ...shownPeople,
    run_at: isoInstant.nullable().describe("The first due instant that was asked for."),
    ...otherTimes,
    stop_condition_settings: freeObject.nullable(),
    on_unknown: z.enum(ON_UNKNOWN).describe("What it does while nobody can say whether it is done."),
    done_means: z.enum(DONE_MEANS).nullable(),
    allow_reassign: z.boolean(),
    silent_until: isoInstant
      .nullable()
      .describe("Until then nothing is sent, and then it is due: somebody said so. Stays when that has passed."),
    silent_by: z.enum(SILENT_BY).nullable().describe("How they said so."),
    needs_attention: z
      .string()
      .nullable()
      .describe("Why a person must look at it; null: nobody must. Changing or resuming the reminder clears it."),
    updated_at: isoInstant.describe("When somebody last changed it, or it completed."),
    completed_at: isoInstant.nullable(),
    deleted_at: isoInstant.nullable().describe("When it was deleted; it can be restored."),
  })
  .meta({ id: "Reminder", examples: [exampleReminder] });

export function toReminderJson(reminder: ReminderRecord): z.output<typeof Reminder> {
  const { schedule, stopCondition, createdAt, updatedAt } = reminder;
  const { interval_minutes, ...others } = toScheduleJson(reminder);
  const created = toIso(createdAt);
  return {
    id: reminder.id,
    entity_type: reminder.entityType,
    entity_id: reminder.entityId,
    event_type: reminder.eventType,
    channel: reminder.channel,
    schedule_type: schedule.type,
    interval_minutes,
    stop_condition_type: stopCondition?.type ?? null,
    stop_condition_value: stopCondition?.value ?? null,
    status: reminder.status,
    created_at: created,
    completion_reason: reminder.completionReason,
    next_run_at: toIso(reminder.nextRunAt),
    last_run_at: toIso(reminder.lastRunAt),
    occurrence_count: reminder.occurrenceCount,
    recipient: reminder.recipient,
    subject: reminder.subject,
    message: reminder.message,
    data: reminder.data,
    time_zone: reminder.timeZone,
    quiet_hours: toQuietHoursJson(reminder.quietHours),
    ignore_quiet_hours: reminder.ignoreQuietHours,
    ...toPeopleJson(reminder.people),
    run_at: toIso(reminder.runAt),
    ...others,
    stop_condition_settings: stopCondition?.settings ?? null,
    on_unknown: reminder.onUnknown,
    done_means: reminder.doneMeans,
    allow_reassign: reminder.allowsReassign,
    silent_until: toIso(reminder.silence?.until ?? null),
    silent_by: reminder.silence?.by ?? null,
    needs_attention: reminder.needsAttention,
    updated_at: updatedAt === createdAt ? created : toIso(updatedAt),
    completed_at: toIso(reminder.completedAt),
    deleted_at: toIso(reminder.deletedAt),
  };
}
