import { RuleError } from "./rule-error.ts";

export const FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"] as const;
export type Frequency = (typeof FREQUENCIES)[number];

export interface ByDay {
  /** 0 is Sunday. */
  weekday: number;
  /** The n-th in the month or year, from its end when negative; 0: each. */
  nth: number;
}

/** The parts of an RRULE (RFC 5545 §3.3.10) as they are written; empty lists restrict nothing. */
export interface RuleParts {
  freq: Frequency;
  interval: number;
  count: number | null;
  until: string | null;
  /** 0 is Sunday. */
  weekStart: number;
  months: number[];
  weekNumbers: number[];
  yearDays: number[];
  monthDays: number[];
  weekdays: ByDay[];
  hours: number[];
  minutes: number[];
  seconds: number[];
  positions: number[];
}

export const MOST_COUNTED = 10_000;
const MOST_INTERVAL = 100_000;
const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
const LISTS = ["BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"];
const KNOWN = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", ...LISTS];

/** Reads the value of an RRULE, and refuses what the RFC doesn't allow. Throws a `RuleError`. */
export function readParts(value: string): RuleParts {
  const given = new Map<string, string>();
  for (const part of value.split(";").filter((part) => part !== "")) {
    const [name = "", text, more] = part.split("=").map((side) => side.trim().toUpperCase());
    if (!text || more !== undefined) throw new RuleError(`has a part that can't be read: ${part.slice(0, 60)}`);
    if (!KNOWN.includes(name)) throw new RuleError(`has a part ${name.slice(0, 30)}; known are ${KNOWN.join(", ")}`);
    if (given.has(name)) throw new RuleError(`has ${name} twice`);
    given.set(name, text);
  }
  const numbers = (name: string, least: number, most: number, signed = false): number[] =>
    readNumbers(name, given.get(name), { least, most, signed });
  const one = (name: string, most: number): number | null =>
    given.has(name) ? (numbers(name, 1, most)[0] as number) : null;

  const parts: RuleParts = {
    freq: readFrequency(given.get("FREQ")),
    interval: one("INTERVAL", MOST_INTERVAL) ?? 1,
    count: one("COUNT", MOST_COUNTED),
    until: given.get("UNTIL") ?? null,
    weekStart: given.has("WKST") ? readWeekday(given.get("WKST") as string) : 1,
    months: numbers("BYMONTH", 1, 12),
    weekNumbers: numbers("BYWEEKNO", 1, 53, true),
    yearDays: numbers("BYYEARDAY", 1, 366, true),
    monthDays: numbers("BYMONTHDAY", 1, 31, true),
    weekdays: readByDays(given.get("BYDAY")),
    hours: numbers("BYHOUR", 0, 23),
    minutes: numbers("BYMINUTE", 0, 59),
    seconds: numbers("BYSECOND", 0, 59),
    positions: numbers("BYSETPOS", 1, 366, true),
  };
  refuseCombinations(parts, given);
  return parts;
}

function readFrequency(text: string | undefined): Frequency {
  if (text === "SECONDLY") throw new RuleError("must not be SECONDLY: people are not reminded every second");
  const frequency = FREQUENCIES.find((name) => name === text);
  if (!frequency) throw new RuleError(`needs a FREQ, one of ${FREQUENCIES.join(", ")}`);
  return frequency;
}

function readNumbers(
  name: string,
  text: string | undefined,
  { least, most, signed }: { least: number; most: number; signed: boolean },
): number[] {
  if (text === undefined) return [];
  const isSingle = !LISTS.includes(name);
  const texts = isSingle ? [text] : text.split(",", MOST_COUNTED);
  const numbers = texts.map((digits) => {
    const number = /^[+-]?\d{1,6}$/.test(digits) ? Number(digits) : Number.NaN;
    const size = signed ? Math.abs(number) : number;
    if (size >= least && size <= most) return number;
    const range = signed ? `from ${least} to ${most} or from -${most} to -${least}` : `from ${least} to ${most}`;
    throw new RuleError(`has ${name}=${digits.slice(0, 30)}: ${isSingle ? "it is" : "its values are"} ${range}`);
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function readByDays(text: string | undefined): ByDay[] {
  if (text === undefined) return [];
  const days = text.split(",", 1_000).map((item) => {
    const [, nth, weekday = ""] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(item) ?? [];
    if (Number(nth ?? 1) === 0 || Math.abs(Number(nth ?? 1)) > 53) throw new RuleError(`has no such day: ${item}`);
    return { weekday: readWeekday(weekday), nth: Number(nth ?? 0) };
  });
  return [...new Map(days.map((day) => [`${day.nth}:${day.weekday}`, day])).values()];
}

function readWeekday(text: string): number {
  const weekday = WEEKDAYS.indexOf(text);
  if (weekday < 0) throw new RuleError(`has a day that is none of ${WEEKDAYS.join(", ")}`);
  return weekday;
}

/** What §3.3.10 forbids: each of these would mean nothing, or each program would take it otherwise. */
function refuseCombinations(parts: RuleParts, given: ReadonlyMap<string, string>): void {
  const { freq } = parts;
  const forbid = (isWrong: boolean, what: string): void => {
    if (isWrong) throw new RuleError(what);
  };
  forbid(given.has("COUNT") && given.has("UNTIL"), "must not have both COUNT and UNTIL");
  forbid(given.has("BYWEEKNO") && freq !== "YEARLY", "must not have BYWEEKNO unless it is YEARLY");
  forbid(
    given.has("BYYEARDAY") && ["DAILY", "WEEKLY", "MONTHLY"].includes(freq),
    `must not have BYYEARDAY where it is ${freq}`,
  );
  forbid(given.has("BYMONTHDAY") && freq === "WEEKLY", "must not have BYMONTHDAY where it is WEEKLY");
  const counts = parts.weekdays.some(({ nth }) => nth !== 0);
  forbid(
    counts && !["MONTHLY", "YEARLY"].includes(freq),
    `must not count days in BYDAY (as 2MO does) where it is ${freq}`,
  );
  forbid(counts && given.has("BYWEEKNO"), "must not count days in BYDAY (as 2MO does) beside BYWEEKNO");
  const others = LISTS.filter((name) => name !== "BYSETPOS" && given.has(name));
  forbid(given.has("BYSETPOS") && others.length === 0, "must have another BY part beside BYSETPOS");
}
