import type { z } from "zod";
import type { Entity } from "../conditions/condition.ts";
import { flagKeysOf } from "../conditions/evaluate.ts";
import { MAX_FLAG_KEY_LENGTH } from "../core/flag-key.ts";
import { NO_PEOPLE, type People } from "../core/people.ts";
import { peopleFlaw } from "../core/people-flaws.ts";
import { type Policy, type PolicyText, readPolicy } from "../core/policy.ts";
import type { ReminderRecord, StopCondition } from "../core/reminder.ts";
import { begin, type NewTimes, needsMoment } from "../core/schedule/begin.ts";
import { type ByCalendar, editedByCalendar, NO_CALENDARS } from "../core/schedule/by-calendar.ts";
import { DEFAULT_MIN_INTERVAL_SECONDS } from "../core/schedule/check.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import type { Tenant } from "../core/tenant.ts";
import { readPolicies } from "../store/audience.ts";
import { readMoment } from "../store/moment.ts";
import type { NewReminder } from "../store/new-reminder-rows.ts";
import type { TenantDatabase, TenantSql } from "../store/tenant-database.ts";
import { parseRecipient, parseRecipients } from "./channel-check.ts";
import { checkInstallation } from "./check-installation.ts";
import type { ApiContext } from "./context.ts";
import { invalidField } from "./problem.ts";
import { editedPeople } from "./schemas/people.ts";
import type { CreateReminder } from "./schemas/reminder.ts";
import { toBounds, toByCalendarFields } from "./schemas/schedule.ts";
import { toStopCondition } from "./schemas/stop-condition.ts";
import { lengthOf } from "./schemas/text.ts";

export type NewReminderContext = Pick<ApiContext, "channels" | "minIntervalSeconds" | "installation">;

/** What new reminders rest on besides what is said of them. */
export type Moment = (Awaited<ReturnType<typeof readMoment>> & { policies: Policies }) | null;

/** The policies that somebody names, by name. */
export type Policies = ReadonlyMap<string, PolicyText>;

export type Wish = z.output<typeof CreateReminder>;

/** Asks the database what is needed to make these reminders; nothing where none of them needs it, as most don't. */
export async function momentFor(database: TenantDatabase, wishes: readonly Wish[]): Promise<Moment> {
  const asking = wishes.filter(
    (wish) =>
      needsMoment({ scheduleType: wish.schedule_type, bounds: toBounds(wish) }) ||
      wish.calendar != null ||
      wish.policy != null,
  );
  if (asking.length === 0) return null;
  return readWith(database, asking);
}

const ORDINARY = new Set<unknown>(["one_time", "recurring"]);
const MOMENTOUS = [
  ...["calendar", "counts_in", "outside_working_time", "policy"],
  ...["start_at", "end_at", "max_occurrences", "jitter_seconds", "misfire_policy"],
];

/** False for what `momentFor` would ask nothing for, as can be seen before it is understood. */
export function mayNeedMoment(item: unknown): boolean {
  if (typeof item !== "object" || item === null) return false;
  const fields = item as Record<string, unknown>;
  return !ORDINARY.has(fields.schedule_type) || MOMENTOUS.some((name) => fields[name] != null);
}

/** What `momentFor` tells, whether they need it or not. */
export async function readWith(database: TenantDatabase, wishes: readonly Wish[]): Promise<NonNullable<Moment>> {
  const named = [...new Set(wishes.flatMap(({ policy }) => policy ?? []))];
  const moment = await readMoment(
    database,
    wishes.map((wish) => ({ entityType: wish.entity_type, entityId: wish.entity_id })),
    [...new Set(wishes.flatMap(({ calendar }) => calendar ?? []))],
  );
  return { ...moment, policies: await readNamedPolicies(database, named) };
}

/** Those of these policies that there are. */
export async function readNamedPolicies(database: TenantSql, names: readonly string[]): Promise<Policies> {
  const texts = await readPolicies(
    database,
    names.map((name) => ({ tenantId: database.tenant, name })),
  );
  return new Map(
    [...texts.values()].map((text) => JSON.parse(text) as PolicyText).map((policy) => [policy.name, policy]),
  );
}

/** The policy that a reminder goes by, of these; null: it goes by none, or that can't be read, of which firing tells. */
export function policyOf({ people }: Pick<ReminderRecord, "people">, policies: Policies): Policy | null {
  const text = people.policy === null ? undefined : policies.get(people.policy);
  try {
    return text ? readPolicy(JSON.stringify(text)) : null;
  } catch (error) {
    if (error instanceof RuleError) return null;
    throw error;
  }
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
    doneMeans: wish.done_means ?? null,
    allowsReassign: wish.allow_reassign ?? false,
    people: toPeople(wish, channels),
  };
  checkDoneMeans(reminder);
  checkFlagKeys(reminder.stopCondition, reminder);
  checkInstallation(reminder.stopCondition, installation, tenant);
  if (reminder.people !== NO_PEOPLE) checkPeople(reminder, moment?.policies, { force: wish.force });
  return reminder;
}

function toPeople(wish: Wish, channels: ApiContext["channels"]): People {
  if (wish.recipients == null) return editedPeople(NO_PEOPLE, wish, undefined);
  return editedPeople(NO_PEOPLE, wish, parseRecipients(channels, wish.channel, wish.recipients));
}

/** Throws a 422 where a reminder can't be for its people, or can't go by its policy. `namesAnew`: see `peopleFlaw`. */
export function checkPeople(
  reminder: Parameters<typeof peopleFlaw>[0],
  policies: Policies | undefined,
  { force = false, namesAnew = true }: { force?: boolean | undefined; namesAnew?: boolean },
): void {
  const { policy } = reminder.people;
  const flaw = peopleFlaw(reminder, (policy !== null && policies?.get(policy)) || null, { force, namesAnew });
  if (flaw) throw invalidField(flaw.field, flaw.message);
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

/** Throws a 422 where a flag is to be set, and there is none. */
export function checkDoneMeans({ doneMeans, stopCondition }: Pick<NewReminder, "doneMeans" | "stopCondition">): void {
  if (doneMeans !== "flag" || stopCondition?.type === "db_check") return;
  throw invalidField(
    "done_means",
    'must be "complete", or stop_condition_type must be "db_check": there is no flag to be set',
  );
}

/** Throws a 422 where a stop condition, its placeholders filled in, names a flag that can't be. */
export function checkFlagKeys(stopCondition: StopCondition | null, entity: Entity): void {
  const isFit = (key: string) => key.length <= MAX_FLAG_KEY_LENGTH || lengthOf(key) <= MAX_FLAG_KEY_LENGTH;
  if (stopCondition === null || flagKeysOf(stopCondition, entity).every(isFit)) return;
  const message = `must name a flag of at most ${MAX_FLAG_KEY_LENGTH} characters once its placeholders are filled in`;
  throw invalidField(stopCondition.value === null ? "stop_condition_settings" : "stop_condition_value", message);
}
