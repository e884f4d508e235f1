import { RuleError, remembering } from "./rule-error.ts";

/** A cron expression, taken apart. */
export interface CronRule {
  /** Minutes of the day, in order. */
  minutes: readonly number[];
  /** Indexed by month, 1 is January. */
  months: readonly boolean[];
  /** Days of the month that hold, or null when any does. */
  days: DayOfMonth[] | null;
  /** Days of the week that hold, or null when any does. */
  weekdays: Weekday[] | null;
}

export type DayOfMonth =
  | { kind: "day"; day: number }
  /** `L`, and `L-3`: so many days before the last. */
  | { kind: "last"; before: number }
  /** `15W`: the working day (Monday to Friday) nearest to the 15th, within the month. */
  | { kind: "nearest"; day: number }
  /** `LW`: the last working day. */
  | { kind: "last working day" };

export type Weekday =
  | { kind: "every"; weekday: number }
  /** `MON#2`: the second Monday of the month. */
  | { kind: "nth"; weekday: number; nth: number }
  /** `5L`: the last Friday of the month. */
  | { kind: "last"; weekday: number };

const LONGEST = 200;
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

interface Field {
  name: string;
  min: number;
  max: number;
  /** Names of the values from `min` on. */
  names: readonly string[];
}

const MINUTE: Field = { name: "the minute", min: 0, max: 59, names: [] };
const HOUR: Field = { name: "the hour", min: 0, max: 23, names: [] };
const DAY: Field = { name: "the day of the month", min: 1, max: 31, names: [] };
const MONTH: Field = { name: "the month", min: 1, max: 12, names: MONTHS };
/** 7 is Sunday as well. */
const WEEKDAY: Field = { name: "the day of the week", min: 0, max: 7, names: WEEKDAYS };

const SHORTHANDS = new Map([
  ["@hourly", "0 * * * *"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@weekly", "0 0 * * 0"],
  ["@monthly", "0 0 1 * *"],
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
]);

/** Reads a cron expression of five fields. Throws a `RuleError` that says what is wrong with it. */
export const parseCron = remembering((text: string): CronRule => {
  if (text.length > LONGEST) throw new RuleError(`must have at most ${LONGEST} characters`);
  const expression = SHORTHANDS.get(text.trim().toLowerCase()) ?? text.trim();
  const fields = expression.split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  if (fields.length !== 5) {
    const seconds = fields.length === 6 ? ", without one for seconds or years" : "";
    throw new RuleError(`must have five fields${seconds}: minute, hour, day of month, month, day of week`);
  }
  const hours = numbers(hour, HOUR);
  const months = numbers(month, MONTH);
  return {
    minutes: hours.flatMap((h) => numbers(minute, MINUTE).map((m) => h * 60 + m)),
    months: Array.from({ length: 13 }, (_, index) => months.includes(index)),
    days: isAny(day) ? null : items(day, DAY).flatMap(readDay),
    weekdays: isAny(weekday) ? null : items(weekday, WEEKDAY).flatMap(readWeekday),
  };
});

function isAny(field: string): boolean {
  return field === "*" || field === "?";
}

function items(field: string, { name }: Field): string[] {
  const parts = field.toUpperCase().split(",");
  if (parts.some((part) => part === "")) throw new RuleError(`has an empty place in ${name} (${field})`);
  return parts;
}

/** The values of a field that has nothing but numbers, names, ranges, lists and steps; in order, each once. */
function numbers(field: string, kind: Field): number[] {
  const values = items(field, kind).flatMap((item) => readRange(item, kind));
  return [...new Set(values)].sort((a, b) => a - b);
}

function readDay(item: string): DayOfMonth[] {
  if (item === "LW" || item === "WL") return [{ kind: "last working day" }];
  const last = /^L(?:-(\d{1,2}))?$/.exec(item);
  if (last) {
    const before = Number(last[1] ?? 0);
    if (before > 30) throw new RuleError(`counts too far back from the month's end (${item}): at most L-30`);
    return [{ kind: "last", before }];
  }
  const nearest = /^(\d+)W$/.exec(item);
  if (nearest) return [{ kind: "nearest", day: readValue(nearest[1] as string, DAY) }];
  return readRange(item, DAY).map((day) => ({ kind: "day", day }));
}

function readWeekday(item: string): Weekday[] {
  const nth = /^([^#]+)#(\d+)$/.exec(item);
  if (nth) {
    const which = Number(nth[2]);
    if (which < 1 || which > 5) throw new RuleError(`has no such week in a month (${item}): from #1 to #5`);
    return [{ kind: "nth", weekday: readValue(nth[1] as string, WEEKDAY) % 7, nth: which }];
  }
  const last = /^(.+?)L$/.exec(item);
  if (last) return [{ kind: "last", weekday: readValue(last[1] as string, WEEKDAY) % 7 }];
  if (item === "L") return [{ kind: "every", weekday: 6 }];
  return readRange(item, WEEKDAY).map((weekday) => ({ kind: "every", weekday: weekday % 7 }));
}

/** `*`, `5`, `MON`, `9-17`, and any but a single value with `/step`. */
function readRange(item: string, field: Field): number[] {
  const [range = "", step, more] = item.split("/");
  if (more !== undefined) throw new RuleError(`has two steps in ${field.name} (${item})`);
  const [from, to] = readBounds(range, field);
  if (step === undefined) return span(from, to, 1);
  if (!/^\d{1,2}$/.test(step) || Number(step) < 1) throw new RuleError(`has a step that is no number (${item})`);
  if (!isAny(range) && !range.includes("-")) {
    throw new RuleError(`has a step without a range (${item}): write ${range}-${field.max}/${step} or */${step}`);
  }
  return span(from, to, Number(step));
}

function readBounds(range: string, field: Field): [number, number] {
  if (isAny(range)) return [field.min, field === WEEKDAY ? 6 : field.max];
  const [first = "", second, more] = range.split("-");
  if (more !== undefined) throw new RuleError(`can't be read at ${range} in ${field.name}`);
  const from = readValue(first, field);
  const to = second === undefined ? from : readValue(second, field);
  // FRI-SUN ends with the week's other Sunday.
  const end = field === WEEKDAY && to === 0 && from > 0 ? 7 : to;
  if (end < from) throw new RuleError(`has a range in ${field.name} that ends before it begins (${range})`);
  return [from, end];
}

function readValue(text: string, { name, min, max, names }: Field): number {
  const named = names.indexOf(text.slice(0, 3));
  if (named >= 0 && text.length === 3) return named + min;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const orNames = names.length > 0 ? ` or ${names[0]} to ${names.at(-1)}` : "";
  throw new RuleError(`can't be read at ${JSON.stringify(text)}: ${name} is from ${min} to ${max}${orNames}`);
}

function span(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}
