import type { NextRun } from "../core/decide.ts";
import type { Instant } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { People } from "../core/people.ts";
import type { QuietHours } from "../core/quiet-hours.ts";
import type { DoneMeans, OnUnknown, StopCondition } from "../core/reminder.ts";
import type { ByCalendar } from "../core/schedule/by-calendar.ts";
import type { Bounds } from "../core/schedule/kinds.ts";
import type { Row } from "./postgres.ts";
import {
  type NewSchedule,
  orNull,
  toAnswersRow,
  toPeopleRow,
  toScheduleRow,
  toTimingRow,
  unusual,
  wallOrNull,
} from "./reminder-columns.ts";

export interface NewReminder {
  entityType: string;
  entityId: string;
  eventType: string;
  channel: string;
  recipient: string | null;
  subject: string | null;
  message: string | null;
  data: JsonObject;
  timeZone: string | null;
  schedule: NewSchedule;
  bounds: Bounds;
  business: ByCalendar | null;
  quietHours: QuietHours | null;
  ignoreQuietHours: boolean;
  /** First due instant that was asked for. */
  runAt: Instant | null;
  /** When it is due first; null: as `runAt` says, else one interval from now, or now where there is none. */
  firstRun: NextRun | null;
  stopCondition: StopCondition | null;
  onUnknown: OnUnknown;
  doneMeans: DoneMeans | null;
  allowsReassign: boolean;
  people: People;
}

/** What a new reminder may say, as it travels, and of which type it is. */
const COLUMNS = {
  entity_type: "text",
  entity_id: "text",
  event_type: "text",
  channel: "text",
  recipient: "text",
  subject: "text",
  message: "text",
  data: "jsonb",
  time_zone: "text",
  schedule_type: "text",
  interval_minutes: "integer",
  interval_factor: "float8",
  max_interval_minutes: "integer",
  cron: "text",
  rrule: "text",
  offsets: "text[]",
  anchor_at: "timestamptz",
  start_at: "timestamptz",
  end_at: "timestamptz",
  max_occurrences: "integer",
  jitter_seconds: "integer",
  misfire_policy: "text",
  run_at: "timestamptz",
  next_run_at: "timestamptz",
  next_wall_at: "timestamp",
  stop_condition_type: "text",
  stop_condition_value: "text",
  stop_condition_settings: "jsonb",
  on_unknown: "text",
  calendar: "text",
  counts_in: "text",
  outside_working_time: "text",
  quiet_hours: "jsonb",
  ignore_quiet_hours: "boolean",
  done_means: "text",
  allow_reassign: "boolean",
  policy: "text",
  deadline_at: "timestamptz",
  recipients: "jsonb",
  completes_when: "jsonb",
  reopens: "boolean",
} as const;

type Column = keyof typeof COLUMNS;

const NAMES = Object.keys(COLUMNS) as Column[];
/** Written from what is read, not as it was said. */
const WORKED_OUT: ReadonlySet<Column> = new Set(["anchor_at", "next_run_at"]);

export interface InsertStatement {
  text: string;
  /** From `$4` on: each column that is said, as one value where all say the same, else as an array. */
  values: unknown[];
}

/**
 * The statement that creates those reminders whose key no ACTIVE one holds: `$1` the tenant, `$2` how long to wait
 * for locks, `$3` the version of the zone rules. It names what is said by any of them, and the rest is null: few say more than a
 * quarter of what can be said, and to look for all of it in each took a fifth of the time. Of many, most say mostly the same.
 * They must have different keys.
 */
export function insertOf(reminders: readonly NewReminder[]): InsertStatement {
  const rows = reminders.map(toRow);
  const said = NAMES.flatMap((name): Said[] => {
    if (rows.every((row) => row[name] === undefined)) return [];
    const values = rows.map((row) => asParameter(name, row[name]));
    const varies = values.some((value) => value !== values[0]);
    return [{ name, varies, value: varies ? values : values[0] }];
  });
  return { text: insertStatement(said), values: said.map(({ value }) => value) };
}

interface Said {
  name: Column;
  /** False where all say the same of it. */
  varies: boolean;
  value: unknown;
}

// The bucket, the first due instant and the anchor are given here, so that the trigger that fills them in for plain SQL has
// nothing to do. The limit to waiting for locks ends with the statement.
function insertStatement(said: readonly Said[]): string {
  const read = new Map(
    said.map(({ name, varies }, n) => [name, varies ? name : `$${n + FIRST_SAID}::${typeOf(name)}`]),
  );
  const of = (name: Column): string => read.get(name) ?? `null::${typeOf(name)}`;
  const varying = said.flatMap(({ name, varies }, n) =>
    varies ? [{ name, values: `$${n + FIRST_SAID}::${typeOf(name)}[]` }] : [],
  );
  const written = said.map(({ name }) => name).filter((name) => !WORKED_OUT.has(name));
  return `
    with patience as materialized (select set_config('lock_timeout', $2, true))
    insert into reminder_jobs (tenant_id, bucket, next_run_at, anchor_at, zone_rules, ${written.join(", ")})
    select $1, reminder_bucket($1, ${of("entity_type")}, ${of("entity_id")}, ${of("event_type")}), first_at,
           coalesce(${of("anchor_at")}, case ${of("schedule_type")} when 'recurring' then first_at end),
           case when ${of("next_wall_at")} is null and ${of("calendar")} is null and ${of("start_at")} is null
                then '' else $3 end,
           ${written.map((name) => WRITTEN_AS[name]?.(of(name)) ?? of(name)).join(", ")}
      from patience,${unnested(varying)}
           lateral (
             select coalesce(${of("next_run_at")}, ${of("run_at")},
                             reminder_now() + coalesce(${of("interval_minutes")}, 0) * interval '1 minute')::timestamptz(3)
           ) as first (first_at)
    on conflict (tenant_id, entity_type, entity_id, event_type, bucket) where status = 'ACTIVE' and deleted_at is null
    do nothing
    returning id, entity_type, entity_id, event_type, next_run_at, created_at`;
}

/** A row for each; where nothing varies, there is but one. */
function unnested(varying: readonly { name: string; values: string }[]): string {
  if (varying.length === 0) return "";
  const [names, values] = [varying.map(({ name }) => name), varying.map(({ values }) => values)];
  return `
           unnest(${values.join(", ")}) as wanted (${names.join(", ")}),`;
}

const FIRST_SAID = 4;
/** Lists of different lengths make no array. */
const TRAVELS_AS: Partial<Record<Column, string>> = { offsets: "jsonb" };
const WRITTEN_AS: Partial<Record<Column, (read: string) => string>> = {
  data: (read) => `coalesce(${read}, '{}')`,
  offsets: (read) => `case when ${read} is not null then array(select jsonb_array_elements_text(${read})) end`,
};

function typeOf(name: Column): string {
  return TRAVELS_AS[name] ?? COLUMNS[name];
}

function asParameter(name: Column, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  return typeOf(name) === "jsonb" ? JSON.stringify(value) : value;
}

/** What is as usual is left out. */
function toRow(reminder: NewReminder): Row {
  const row: Row = {
    entity_type: reminder.entityType,
    entity_id: reminder.entityId,
    event_type: reminder.eventType,
    channel: reminder.channel,
    recipient: reminder.recipient,
    subject: reminder.subject,
    message: reminder.message,
    data: isEmpty(reminder.data) ? undefined : reminder.data,
    time_zone: reminder.timeZone,
    ...toScheduleRow(reminder.schedule, reminder.bounds),
    ...toTimingRow(reminder),
    ...toAnswersRow(reminder),
    ...toPeopleRow(reminder.people),
    run_at: orNull(reminder.runAt),
    next_run_at: orNull(reminder.firstRun?.nextRunAt ?? null),
    next_wall_at: wallOrNull(reminder.firstRun?.nextWallAt ?? null),
    stop_condition_type: reminder.stopCondition?.type,
    stop_condition_value: reminder.stopCondition?.value,
    stop_condition_settings: reminder.stopCondition?.settings,
    on_unknown: unusual(reminder.onUnknown),
  };
  for (const name in row) if (row[name] === null) row[name] = undefined;
  return row;
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}
