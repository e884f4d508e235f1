import type { z } from "zod";
import type { Entity } from "../conditions/condition.ts";
import { flagKeysOf } from "../conditions/evaluate.ts";
import { MAX_FLAG_KEY_LENGTH } from "../core/flag-key.ts";
import type { StopCondition } from "../core/reminder.ts";
import { begin, type NewTimes, needsMoment } from "../core/schedule/begin.ts";
import { type ByCalendar, editedByCalendar, NO_CALENDARS } from "../core/schedule/by-calendar.ts";
import { DEFAULT_MIN_INTERVAL_SECONDS } from "../core/schedule/check.ts";
import type { Tenant } from "../core/tenant.ts";
import { readMoment } from "../store/moment.ts";
import type { NewReminder } from "../store/new-reminders.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { parseRecipient } from "./channel-check.ts";
import { checkInstallation } from "./check-installation.ts";
import type { ApiContext } from "./context.ts";
import { invalidField } from "./problem.ts";
import type { CreateReminder } from "./schemas/reminder.ts";
import { toBounds, toByCalendarFields } from "./schemas/schedule.ts";
import { toStopCondition } from "./schemas/stop-condition.ts";
import { lengthOf } from "./schemas/text.ts";

export type NewReminderContext = Pick<ApiContext, "channels" | "minIntervalSeconds" | "installation">;

/** What new reminders rest on besides what is said of them. */
export type Moment = Awaited<ReturnType<typeof readMoment>> | null;

export type Wish = z.output<typeof CreateReminder>;

/** Asks the database what is needed to make these reminders; nothing where none of them needs it, as most don't. */
export async function momentFor(database: TenantDatabase, wishes: readonly Wish[]): Promise<Moment> {
  const asking = wishes.filter(
    (wish) => needsMoment({ scheduleType: wish.schedule_type, bounds: toBounds(wish) }) || wish.calendar != null,
  );
  if (asking.length === 0) return null;
  return readMoment(
    database,
    asking.map((wish) => ({ entityType: wish.entity_type, entityId: wish.entity_id })),
    [...new Set(asking.flatMap(({ calendar }) => calendar ?? []))],
  );
}

/**
 * The reminder that a request asks for. Throws a 422 where its channel, its flag or its schedule can't be as the request
 * says.
 */
export function toNewReminder(
  wish: Wish,
  { channels, minIntervalSeconds = DEFAULT_MIN_INTERVAL_SECONDS, installation }: NewReminderContext,
  moment: Moment,
  tenant: Tenant,
): NewReminder {
  const key = { entityType: wish.entity_type, entityId: wish.entity_id, eventType: wish.event_type };
  const times = toNewTimes(wish);
  const begun = begin(times, key, needsMoment(times) ? (moment?.now ?? null) : null, {
    contactZone: moment?.zoneOf(key) ?? null,
    calendars: moment?.calendars ?? NO_CALENDARS,
    minIntervalSeconds,
  });
  if ("kind" in begun) throw invalidField(begun.field, begun.message);
  // Field by field: spreading objects costs more here than all the rest, a thousand times for each bulk request.
  const reminder: NewReminder = {
    entityType: key.entityType,
    entityId: key.entityId,
    eventType: key.eventType,
    channel: wish.channel,
    recipient: parseRecipient(channels, wish.channel, wish.recipient ?? null),
    subject: wish.subject ?? null,
    message: wish.message ?? null,
    data: wish.data ?? {},
    timeZone: times.timeZone,
    schedule: begun.schedule,
    firstRun: begun.firstRun,
    bounds: times.bounds,
    business: times.business ?? null,
    quietHours: wish.quiet_hours ?? null,
    ignoreQuietHours: wish.ignore_quiet_hours ?? false,
    runAt: times.runAt,
    stopCondition: toStopCondition(wish),
    onUnknown: wish.on_unknown ?? ("hold" as const),
  };
  checkFlagKeys(reminder.stopCondition, reminder);
  checkInstallation(reminder.stopCondition, installation, tenant);
  return reminder;
}

function toNewTimes(wish: Wish): NewTimes {
  return {
    scheduleType: wish.schedule_type,
    intervalMinutes: wish.interval_minutes,
    intervalFactor: wish.interval_factor,
    maxIntervalMinutes: wish.max_interval_minutes,
    cron: wish.cron,
    rrule: wish.rrule,
    offsets: wish.offsets,
    anchorAt: wish.anchor_at,
    bounds: toBounds(wish),
    business: byCalendar(wish),
    runAt: wish.run_at ?? null,
    timeZone: wish.time_zone ?? null,
  };
}

function byCalendar(wish: Wish): ByCalendar | null {
  const business = editedByCalendar(null, toByCalendarFields(wish));
  if (business !== null && "kind" in business) throw invalidField(business.field, business.message);
  return business;
}

/** Throws a 422 where a stop condition, its placeholders filled in, names a flag that can't be. */
export function checkFlagKeys(stopCondition: StopCondition | null, entity: Entity): void {
  const isFit = (key: string) => key.length <= MAX_FLAG_KEY_LENGTH || lengthOf(key) <= MAX_FLAG_KEY_LENGTH;
  if (stopCondition === null || flagKeysOf(stopCondition, entity).every(isFit)) return;
  const message = `must name a flag of at most ${MAX_FLAG_KEY_LENGTH} characters once its placeholders are filled in`;
  throw invalidField(stopCondition.value === null ? "stop_condition_settings" : "stop_condition_value", message);
}
