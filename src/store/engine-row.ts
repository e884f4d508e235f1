import type { Audience } from "../core/audience.ts";
import type { Progress } from "../core/ceiling.ts";
import { writeContactAddress } from "../core/contact-address.ts";
import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import { NO_PEOPLE } from "../core/people.ts";
import { type QuietHours, quietHoursFor } from "../core/quiet-hours.ts";
import type { Contact, OnUnknown, Reminder } from "../core/reminder.ts";
import { firstZone } from "../core/schedule/zone.ts";
import type { Silence } from "../core/silence.ts";
import { NO_FLAGS, type StopReminder, type StopSubject } from "../core/stop-subject.ts";
import { CALENDAR_TEXT } from "./calendars.ts";
import type { Row } from "./postgres.ts";
import {
  type ByCalendarColumns,
  type PeopleColumns,
  SCHEDULE_COLUMNS,
  toBounds,
  toByCalendar,
  toPeople,
  toSchedule,
  toSilence,
  toStopCondition,
} from "./reminder-row.ts";
import { ZONE_RULES } from "./zone-rules.ts";

/** What deciding and sending need to know of a reminder besides what its stop condition may: each column more is paid for at every firing. */
export type EngineReminder = StopReminder &
  Pick<
    Reminder,
    "schedule" | "bounds" | "business" | "stopCondition" | "silence" | "people" | "status" | "nextWallAt" | "deletedAt"
  > & {
    /** Only read where there is jitter, which what was asked for has none of. */
    runAt: Instant | null;
  };

/** What is kept of few reminders; most share one that says nothing. */
export interface Standing {
  onUnknown: OnUnknown;
  /** Messages that were sent, where its condition counts them. */
  sentCount: number;
  /** How often in a row nobody could say whether it is done. */
  unknownCount: number;
  /** See `Progress`. */
  countedFrom: Progress["countedFrom"];
}

/** What surrounds a reminder and decides when it is due and when it may be delivered; most share one that says nothing. */
export interface Around {
  /** Its contact's time zone, else its tenant's, for where it has none itself; null: UTC. */
  zone: string | null;
  /** Its tenant's alone. */
  tenantZone: string | null;
  /** The calendar that it goes by, as `readCalendar` reads it. */
  calendar: string | null;
  /** When nothing is delivered to its contact, on that person's clock. */
  quietHours: QuietHours;
  /** What that is made of besides the contact's own; null: it is delivered at any hour. */
  quietParts: { tenant: QuietHours | null; reminder: QuietHours | null } | null;
}

export type EngineContact = Pick<
  Contact,
  "name" | "email" | "timeZone" | "locale" | "phone" | "addresses" | "preferences" | "push"
> & {
  /** True while its delegate stands for it. */
  isAway: boolean;
};

/** A reminder with the facts for its decision and the contact for its message, all from one query. */
export interface ReminderWithFacts {
  reminder: EngineReminder;
  bucket: number;
  lastOccurrenceAt: number | null;
  /** True when its due instant was worked out by rules of its time zone that are older than ours. */
  isOutdated: boolean;
  /** The flag that its stop condition names, if that is one that a join brings. */
  flags: StopSubject["flags"];
  standing: Standing;
  /** The database's instant at which it was read. */
  now: Instant;
  contact: EngineContact | null;
  around: Around;
  /** Who is to be told, where that is more than one recipient or contact; null: it isn't, or nobody has read it yet. */
  audience: Audience | null;
}

/**
 * The columns of `reminder_jobs` that make an `EngineReminder` and its `Standing`: what most reminders have nothing of comes as
 * one column, for each is paid for at every firing.
 */
export const ENGINE_REMINDER_COLUMNS = `id, tenant_id, bucket, entity_type, entity_id, event_type, channel, recipient,
           subject, message, data, time_zone, ${SCHEDULE_COLUMNS}, stop_condition_type,
           stop_condition_value, flag_key, status, next_run_at, last_occurrence_at, occurrence_count, created_at, deleted_at,
           case when jitter_seconds is not null then run_at end as jittered_run_at,
           case when stop_condition_type <> 'db_check' or ceiling_from is not null
                then jsonb_build_object(
                       'settings', stop_condition_settings, 'on_unknown', on_unknown, 'sent', sent_count,
                       'unknown', unknown_count, 'from_count', ceiling_from_count,
                       'from', (extract(epoch from ceiling_from) * 1000)::bigint) end as standing,
           case when calendar is not null or quiet_hours is not null or ignore_quiet_hours or silent_until is not null
                then jsonb_build_object(
                       'calendar', calendar, 'counts_in', counts_in, 'outside_working_time', outside_working_time,
                       'quiet_hours', quiet_hours, 'ignore_quiet_hours', ignore_quiet_hours,
                       'silent_until', (extract(epoch from silent_until) * 1000)::bigint, 'silent_by', silent_by) end as timing,
           case when policy is not null or recipients is not null
                then jsonb_build_object(
                       'policy', policy, 'escalation', escalation, 'recipients', recipients, 'completes_when', completes_when,
                       'deadline_at', (extract(epoch from deadline_at) * 1000)::bigint) end as people`;

/** What is read beside a reminder `r`, from the joins in `FACTS_JOINS`. */
export const FACTS_COLUMNS = `coalesce(f.value, false) as flag_is_set, c.tenant_id is not null as has_contact,
         c.name as contact_name, c.email as contact_email, c.time_zone as contact_time_zone, c.locale as contact_locale,
         case when t.time_zone is not null or t.quiet_hours is not null or c.quiet_hours is not null or cal.name is not null
                   or c.preferences is not null or c.addresses is not null or c.phone is not null
                   or c.delegate_until is not null or c.has_push
              then jsonb_build_object(
                     'zone', t.time_zone, 'tenant_quiet', t.quiet_hours, 'contact_quiet', c.quiet_hours,
                     'calendar', case when cal.name is not null then ${CALENDAR_TEXT} end,
                     'phone', c.phone, 'addresses', c.addresses, 'preferences', c.preferences,
                     'is_away', c.delegate_until > reminder_now(), 'has_push', c.has_push) end as around`;

export const FACTS_JOINS = `left join status_flags f on f.tenant_id = any (array[r.tenant_id]) and f.key = r.flag_key
    left join contacts c on c.tenant_id = any (array[r.tenant_id]) and (c.entity_type, c.entity_id) = (r.entity_type, r.entity_id)
    left join tenants t on t.name = r.tenant_id
    left join calendars cal on (cal.tenant_id, cal.name) = (r.tenant_id, r.timing ->> 'calendar')`;

const USUAL: Standing = Object.freeze({ onUnknown: "hold", sentCount: 0, unknownCount: 0, countedFrom: null });

/** `standing` as the database makes it. */
interface StandingColumn {
  settings: JsonObject | null;
  on_unknown: OnUnknown | null;
  sent: number;
  unknown: number | null;
  from: number | null;
  from_count: number | null;
}

function toStanding({ on_unknown, sent, unknown, from, from_count }: StandingColumn): Standing {
  return {
    onUnknown: on_unknown ?? "hold",
    sentCount: sent,
    unknownCount: unknown ?? 0,
    countedFrom: from === null ? null : { at: from, count: from_count ?? 0 },
  };
}

/** `timing` as the database makes it. */
interface TimingColumn extends ByCalendarColumns {
  quiet_hours: QuietHours | null;
  ignore_quiet_hours: boolean | null;
  silent_until: number | null;
  silent_by: Silence["by"] | null;
}

/** `around` as the database makes it. */
interface AroundColumn {
  zone: string | null;
  tenant_quiet: QuietHours | null;
  contact_quiet: QuietHours | null;
  calendar: string | null;
  phone: string | null;
  addresses: Contact["addresses"];
  preferences: Contact["preferences"];
  is_away: boolean | null;
  has_push: boolean | null;
}

const NOTHING_AROUND: Around = Object.freeze({
  zone: null,
  tenantZone: null,
  calendar: null,
  quietHours: [],
  quietParts: { tenant: null, reminder: null },
});
const NOTHING: AroundColumn = {
  ...{ zone: null, tenant_quiet: null, contact_quiet: null, calendar: null },
  ...{ phone: null, addresses: null, preferences: null, is_away: false, has_push: false },
};

function toAround(contactZone: string | null, timing: TimingColumn | null, around: AroundColumn | null): Around {
  if (contactZone === null && timing === null && around === null) return NOTHING_AROUND;
  const { zone: tenantZone, tenant_quiet: tenant, contact_quiet: contact, calendar } = around ?? NOTHING;
  const quietHours = timing?.ignore_quiet_hours
    ? NOTHING_AROUND.quietHours
    : quietHoursFor({ contact, tenant, reminder: timing?.quiet_hours ?? null });
  const quietParts = timing?.ignore_quiet_hours ? null : { tenant, reminder: timing?.quiet_hours ?? null };
  return { zone: firstZone(contactZone, tenantZone), tenantZone, calendar, quietHours, quietParts };
}

export function toReminderWithFacts(row: Row): ReminderWithFacts {
  const timing = row.timing as TimingColumn | null;
  const standing = row.standing as StandingColumn | null;
  const people = row.people as PeopleColumns | null;
  const {
    phone,
    addresses,
    preferences,
    is_away: isAway,
    has_push: hasPush,
  } = (row.around as AroundColumn | null) ?? NOTHING;
  const entity = { entityType: row.entity_type as string, entityId: row.entity_id as string };
  return {
    reminder: {
      id: row.id as number,
      tenantId: row.tenant_id as string,
      ...entity,
      eventType: row.event_type as string,
      channel: row.channel as string,
      recipient: row.recipient as string | null,
      subject: row.subject as string | null,
      message: row.message as string | null,
      data: row.data as Reminder["data"],
      timeZone: row.time_zone as string | null,
      schedule: toSchedule(row),
      bounds: toBounds(row),
      business: timing && toByCalendar(timing),
      stopCondition: toStopCondition(row, standing?.settings ?? null),
      silence: timing && toSilence(timing.silent_until, timing.silent_by),
      people: people === null ? NO_PEOPLE : toPeople({ ...people, reopens: null }),
      status: row.status as Reminder["status"],
      nextRunAt: row.next_run_at as number | null,
      nextWallAt: row.next_wall_at as number | null,
      occurrenceCount: row.occurrence_count as number,
      createdAt: row.created_at as number,
      runAt: row.jittered_run_at as number | null,
      deletedAt: row.deleted_at as number | null,
    },
    bucket: row.bucket as number,
    lastOccurrenceAt: row.last_occurrence_at as number | null,
    isOutdated: row.next_wall_at !== null && (row.zone_rules as string) < ZONE_RULES,
    flags: row.flag_key === null ? NO_FLAGS : new Map([[row.flag_key as string, row.flag_is_set as boolean]]),
    standing: standing === null ? USUAL : toStanding(standing),
    now: row.now as Instant,
    contact: row.has_contact
      ? {
          name: row.contact_name as string | null,
          email: row.contact_email as string | null,
          timeZone: row.contact_time_zone as string | null,
          locale: row.contact_locale as string | null,
          ...{
            phone,
            addresses,
            preferences,
            isAway: isAway ?? false,
            push: hasPush ? writeContactAddress(entity) : null,
          },
        }
      : null,
    around: toAround(row.contact_time_zone as string | null, timing, row.around as AroundColumn | null),
    audience: null,
  };
}
