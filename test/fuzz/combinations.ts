import type { Json } from "./document.ts";

type Fields = { [name: string]: Json };

/**
 * Fields that only make sense together, which a schema doesn't say: drawn one by one, nearly all would be refused for their
 * company. Of each list a body gets one, now and then none.
 */
const COMBINATIONS: readonly (readonly Fields[])[] = [
  [
    { schedule_type: "one_time" },
    { schedule_type: "one_time", run_at: "2020-01-01T00:00:00Z" },
    { schedule_type: "recurring", interval_minutes: 1 },
    { schedule_type: "recurring", interval_minutes: 5_270_400, run_at: "2020-01-01T00:00:00Z" },
    { schedule_type: "cron", cron: "* * * * *" },
    { schedule_type: "cron", cron: "0 9 L * MON-FRI", time_zone: "Europe/Berlin" },
    { schedule_type: "cron", cron: "30 2 29 2 *", time_zone: "America/St_Johns" },
    { schedule_type: "cron", cron: "0 0 31 2 *" },
    { schedule_type: "rrule", rrule: "FREQ=DAILY;COUNT=3" },
    { schedule_type: "rrule", rrule: "FREQ=SECONDLY;BYSECOND=59;BYMONTHDAY=-31" },
    { schedule_type: "rrule", rrule: "DTSTART;TZID=Europe/Berlin:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR" },
    { schedule_type: "rrule", rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" },
    { schedule_type: "rrule", rrule: "DTSTART:99991231T235959Z\nRRULE:FREQ=DAILY" },
    { schedule_type: "offsets", offsets: ["-P7D", "PT0S", "P3D"], anchor_at: "2026-12-24T12:00:00Z" },
    { schedule_type: "offsets", offsets: ["P9999Y"], anchor_at: "9999-01-01T00:00:00Z" },
    { schedule_type: "backoff", interval_minutes: 1 },
    { schedule_type: "backoff", interval_minutes: 1, interval_factor: 1.5, max_interval_minutes: 60 },
  ],
  [
    {},
    { stop_condition_type: "db_check", stop_condition_value: "paid" },
    { stop_condition_type: "db_check", stop_condition_value: "{entity_type}:{entity_id}", on_unknown: "send" },
    { stop_condition_type: "deadline", stop_condition_value: "P14D" },
    { stop_condition_type: "max_attempts", stop_condition_value: "1" },
    {
      stop_condition_type: "any_of",
      stop_condition_settings: {
        conditions: [
          { type: "db_check", value: "paid" },
          { type: "not", settings: { condition: { type: "max_attempts", value: "2" } } },
        ],
      },
    },
    { stop_condition_type: "http_check", stop_condition_value: "http://127.0.0.1:9/{entity_id}" },
  ],
];

/** The lists whose fields are all among these. */
export function combinationsOf(names: readonly string[]): readonly (readonly Fields[])[] {
  return COMBINATIONS.filter((list) => namesIn(list).every((name) => names.includes(name)));
}

/** The same object with these fields, and with none of those that the others of their list have. */
export function combined(value: Fields, list: readonly Fields[], chosen: Fields): Fields {
  const others = new Set(namesIn(list));
  return { ...Object.fromEntries(Object.entries(value).filter(([name]) => !others.has(name))), ...chosen };
}

function namesIn(list: readonly Fields[]): string[] {
  return [...new Set(list.flatMap((fields) => Object.keys(fields)))];
}
