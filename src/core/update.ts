import { type Instant, toIso } from "./instant.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import { hindrance, type Transition } from "./lifecycle.ts";
import type { People } from "./people.ts";
import type { Policy } from "./policy.ts";
import { byItsPolicy } from "./policy-edited.ts";
import type { QuietHours } from "./quiet-hours.ts";
import type { DoneMeans, OnUnknown, ReminderRecord, StopCondition } from "./reminder.ts";
import { reschedule, type ScheduleEdit } from "./reschedule.ts";
import { isSameJson } from "./same-json.ts";
import { fieldsOf, type Refusal } from "./schedule/fields.ts";
import { PLAIN_SURROUNDINGS, type Surroundings } from "./schedule/surroundings.ts";
import { owedAfterSilence } from "./silence.ts";

/** What somebody wants a reminder to be. What is undefined stays as it is; null clears. */
export interface ReminderEdit extends ScheduleEdit {
  channel?: string | undefined;
  recipient?: string | null | undefined;
  subject?: string | null | undefined;
  message?: string | null | undefined;
  data?: JsonObject | undefined;
  stopCondition?: StopCondition | null | undefined;
  onUnknown?: OnUnknown | undefined;
  quietHours?: QuietHours | null | undefined;
  ignoreQuietHours?: boolean | undefined;
  doneMeans?: DoneMeans | null | undefined;
  allowsReassign?: boolean | undefined;
  people?: People | undefined;
}

export type Updated = Transition | Refusal;

/**
 * What an edit makes of a reminder. Pure; an edit that asks for what is so already changes nothing, and `data` that it
 * doesn't change stays the same object. `policy`: the one that it goes by, as long as that can be read; null: none.
 */
export function update(
  reminder: ReminderRecord,
  edit: ReminderEdit,
  now: Instant,
  surroundings: Surroundings = PLAIN_SURROUNDINGS,
  policy: Policy | null = null,
): Updated {
  const hindered = hindrance("update", reminder);
  if (hindered) return hindered;
  const rescheduled = reschedule(reminder, edit, now, surroundings);
  if (rescheduled.kind === "invalid") return rescheduled;
  const people = edit.people ?? reminder.people;
  const timeZone = orFormer(edit.timeZone, reminder.timeZone);
  const edited = { ...rescheduled, people, timeZone, isAsked: edit.runAt !== undefined };
  const when = { ...rescheduled, ...byItsPolicy(edited, reminder, { now, policy, ...surroundings }) };

  // A silence outlasts a change of the rule; who names the next instant ends it.
  const silentUntil = edit.runAt === undefined ? owedAfterSilence(reminder) : null;
  const updated: ReminderRecord = {
    ...reminder,
    channel: edit.channel ?? reminder.channel,
    recipient: orFormer(edit.recipient, reminder.recipient),
    subject: orFormer(edit.subject, reminder.subject),
    message: orFormer(edit.message, reminder.message),
    data: edit.data === undefined || isSameJson(edit.data, reminder.data) ? reminder.data : edit.data,
    timeZone,
    stopCondition: orFormer(edit.stopCondition, reminder.stopCondition),
    onUnknown: orFormer(edit.onUnknown, reminder.onUnknown),
    schedule: when.schedule,
    bounds: when.bounds,
    business: when.business,
    quietHours: orFormer(edit.quietHours, reminder.quietHours),
    ignoreQuietHours: orFormer(edit.ignoreQuietHours, reminder.ignoreQuietHours),
    doneMeans: orFormer(edit.doneMeans, reminder.doneMeans),
    allowsReassign: orFormer(edit.allowsReassign, reminder.allowsReassign),
    silence: isMoved(when.nextRunAt, reminder, edit) ? null : reminder.silence,
    people,
    runAt: when.runAt,
    nextRunAt: silentUntil ?? when.nextRunAt,
    nextWallAt: silentUntil === null ? when.nextWallAt : null,
  };
  const details = differences(reminder, updated);
  const fields = Object.keys(details);
  if (fields.length === 0) return { kind: "unchanged" };
  const change = { type: "updated", because: `somebody changed ${fields.join(", ")}`, details: { changed: details } };
  // Somebody has looked at it.
  return { kind: "changed", reminder: { ...updated, needsAttention: null }, change };
}

/** True where somebody has named another next instant: the same again changes nothing. */
function isMoved(nextRunAt: Instant | null, reminder: ReminderRecord, edit: ReminderEdit): boolean {
  return edit.runAt !== undefined && nextRunAt !== reminder.nextRunAt;
}

function orFormer<T>(wanted: T | undefined, former: T): T {
  return wanted === undefined ? former : wanted;
}

/** The fields that a person sees, by their outward names. */
const FIELDS: Record<string, (reminder: ReminderRecord) => JsonValue> = {
  channel: (reminder) => reminder.channel,
  recipient: (reminder) => reminder.recipient,
  subject: (reminder) => reminder.subject,
  message: (reminder) => reminder.message,
  data: (reminder) => reminder.data,
  time_zone: (reminder) => reminder.timeZone,
  schedule_type: (reminder) => reminder.schedule.type,
  interval_minutes: ({ schedule }) => fieldsOf(schedule).intervalMinutes ?? null,
  interval_factor: ({ schedule }) => fieldsOf(schedule).intervalFactor ?? null,
  max_interval_minutes: ({ schedule }) => fieldsOf(schedule).maxIntervalMinutes ?? null,
  cron: ({ schedule }) => fieldsOf(schedule).cron ?? null,
  rrule: ({ schedule }) => fieldsOf(schedule).rrule ?? null,
  offsets: ({ schedule }) => [...(fieldsOf(schedule).offsets ?? [])],
  anchor_at: ({ schedule }) => toIso(fieldsOf(schedule).anchorAt ?? null),
  start_at: ({ bounds }) => toIso(bounds.startAt),
  end_at: ({ bounds }) => toIso(bounds.endAt),
  max_occurrences: ({ bounds }) => bounds.maxOccurrences,
  jitter_seconds: ({ bounds }) => bounds.jitterSeconds,
  misfire_policy: ({ bounds }) => bounds.misfirePolicy,
  calendar: ({ business }) => business?.calendar ?? null,
  counts_in: ({ business }) => business?.countsIn ?? null,
  outside_working_time: ({ business }) => business?.outside ?? null,
  quiet_hours: ({ quietHours }) => quietHours as JsonValue,
  ignore_quiet_hours: (reminder) => reminder.ignoreQuietHours,
  policy: ({ people }) => people.policy,
  deadline_at: ({ people }) => toIso(people.deadlineAt),
  recipients: ({ people }) => people.recipients as JsonValue,
  completes_when: ({ people }) => people.completesWhen as JsonValue,
  reopen: ({ people }) => people.reopens,
  run_at: (reminder) => toIso(reminder.runAt),
  next_run_at: (reminder) => toIso(reminder.nextRunAt),
  stop_condition_type: (reminder) => reminder.stopCondition?.type ?? null,
  stop_condition_value: (reminder) => reminder.stopCondition?.value ?? null,
  stop_condition_settings: (reminder) => reminder.stopCondition?.settings ?? null,
  on_unknown: (reminder) => reminder.onUnknown,
  done_means: (reminder) => reminder.doneMeans,
  allow_reassign: (reminder) => reminder.allowsReassign,
  silent_until: ({ silence }) => toIso(silence?.until ?? null),
};
/** Too large to be kept twice in every line of a timeline: only that they changed is said. */
const LARGE_FIELDS = ["message", "data", "rrule", "stop_condition_settings"];

function differences(before: ReminderRecord, after: ReminderRecord): JsonObject {
  const changed: JsonObject = {};
  for (const [name, read] of Object.entries(FIELDS)) {
    const [from, to] = [read(before), read(after)];
    if (!isSameJson(from, to)) changed[name] = LARGE_FIELDS.includes(name) ? {} : { from, to };
  }
  return changed;
}
