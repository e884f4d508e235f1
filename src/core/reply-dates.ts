import { dateOf, weekdayOf } from "./schedule/calendar.ts";
import { namedDay, nameOfDay } from "./until.ts";

// Without accents, as `readReply` compares. Sunday is 0; in English what people shorten them to, too.
const WEEKDAYS = [
  /\b(sunday|sun|sonntag|dimanche|domingo)\b/,
  /\b(monday|mon|montag|lundi|lunes)\b/,
  /\b(tuesday|tues?|dienstag|mardi|martes)\b/,
  /\b(wednesday|wed|mittwoch|mercredi|miercoles)\b/,
  /\b(thursday|thu|thurs?|donnerstag|jeudi|jueves)\b/,
  /\b(friday|fri|freitag|vendredi|viernes)\b/,
  /\b(saturday|sat|samstag|sonnabend|samedi|sabado)\b/,
];
const MONTHS = [
  "january|januar|janner|janvier|enero|jan",
  "february|februar|fevrier|febrero|feb",
  "march|marz|mars|marzo|mar",
  "april|avril|abril|apr",
  "may|mai|mayo",
  "june|juni|juin|junio|jun",
  "july|juli|juillet|julio|jul",
  "august|aout|agosto|aug",
  "september|septembre|septiembre|sept|sep",
  "october|oktober|octobre|octubre|oct|okt",
  "november|novembre|noviembre|nov",
  "december|dezember|decembre|diciembre|dec|dez",
];
const MONTH = MONTHS.join("|");
const TOMORROW = /\b(tomorrow|morgen|demain|manana)\b/;
const TODAY = /\b(today|heute|aujourd'hui|hoy)\b/;

const ISO = /\b(\d{4})-(\d{1,2})-(\d{1,2})\b/;
/** 4 December 2026, 4. Dezember, 1er decembre, 4 de diciembre de 2026. */
const DAY_MONTH = new RegExp(
  `\\b(\\d{1,2})(?:\\.|er|st|nd|rd|th)? ?(?:de |of )?(${MONTH})\\b\\.?,? ?(?:de |del )?(\\d{4})?`,
);
/** December 4th, 2026. */
const MONTH_DAY = new RegExp(`\\b(${MONTH})\\.? (\\d{1,2})(?:st|nd|rd|th)?\\b,? ?(\\d{4})?`);
/** 4.12.2026: with dots the day comes first everywhere. With slashes nobody can know, unless one of the two is no month. */
const DOTTED = /\b(\d{1,2})\.(\d{1,2})(?:\.(\d{4}|\d{2})?(?!\d)|$)/;
const SLASHED = /\b(\d{1,2})\/(\d{1,2})\/(\d{4})\b/;

/** Each way to name a day, as what it names; null for one that there isn't, or that could be two. */
const WAYS: readonly (readonly [RegExp, (found: RegExpExecArray, today: number) => string | null])[] = [
  [ISO, ([, year, month, day], today) => named(Number(year), Number(month), Number(day), today)],
  [DAY_MONTH, ([, day, month, year], today) => named(yearOf(year), monthOf(month), Number(day), today)],
  [MONTH_DAY, ([, month, day, year], today) => named(yearOf(year), monthOf(month), Number(day), today)],
  [DOTTED, ([, day, month, year], today) => named(yearOf(year), Number(month), Number(day), today)],
  [SLASHED, ([, first, second, year], today) => bySlashes(Number(first), Number(second), Number(year), today)],
  [TOMORROW, (_, today) => nameOfDay(today + 1)],
  [TODAY, (_, today) => nameOfDay(today)],
  ...WEEKDAYS.map(
    (names, weekday) =>
      [names, (_: unknown, today: number) => nameOfDay(today + (((weekday - weekdayOf(today) + 6) % 7) + 1))] as const,
  ),
];

/**
 * The days that a text names, like `2026-01-31`, each way to name one once. Without a year it is the next one of that name from
 * `today` on; a day of the week is the next one after it.
 */
export function findDates(text: string, today: number): string[] {
  return WAYS.flatMap(([way, read]) => {
    const found = way.exec(text);
    const day = found && read(found, today);
    return day ? [day] : [];
  });
}

const BESIDE = /\b(next|the|on|den|dem|der|nachsten?|kommenden?|le|el|prochaine?|proximo)\b|[.,\s]/g;

/** The one day that a text names, and nothing else; null where it says more, or names what could be two. */
export function dateAlone(text: string, today: number): string | null {
  let rest = text;
  let day: string | null = null;
  for (const [way, read] of WAYS) {
    const found = way.exec(rest);
    if (!found) continue;
    // "Friday, 4 December": the date counts.
    day ??= read(found, today);
    if (day === null) return null;
    rest = rest.replace(way, " ");
  }
  return rest.replaceAll(BESIDE, "") === "" ? day : null;
}

function bySlashes(first: number, second: number, year: number, today: number): string | null {
  if (first > 12) return named(year, second, first, today);
  if (second > 12) return named(year, first, second, today);
  return first === second ? named(year, first, second, today) : null;
}

function yearOf(digits: string | undefined): number | null {
  if (digits === undefined) return null;
  return digits.length === 2 ? 2_000 + Number(digits) : Number(digits);
}

function monthOf(name: string | undefined): number {
  return MONTHS.findIndex((names) => names.split("|").includes(name ?? "")) + 1;
}

function named(year: number | null, month: number, dayOfMonth: number, today: number): string | null {
  const thisYear = dateOf(today).year;
  const days = (year === null ? [thisYear, thisYear + 1] : [year]).map((one) =>
    namedDay([String(one).padStart(4, "0"), pad(month), pad(dayOfMonth)].join("-")),
  );
  const day = days.find((one) => one !== null && (year !== null || one >= today));
  return day === undefined || day === null ? null : nameOfDay(day);
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
