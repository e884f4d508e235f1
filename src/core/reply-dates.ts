import { dateOf, weekdayOf } from "./schedule/calendar.ts";
import { namedDay, nameOfDay } from "./until.ts";

// Without accents, as `readReply` compares. Sunday is 0; the first three or so letters do.
const WEEKDAYS = [
  /\b(sunday|sonntag|dimanche|domingo)\b/,
  /\b(monday|montag|lundi|lunes)\b/,
  /\b(tuesday|dienstag|mardi|martes)\b/,
  /\b(wednesday|mittwoch|mercredi|miercoles)\b/,
  /\b(thursday|donnerstag|jeudi|jueves)\b/,
  /\b(friday|freitag|vendredi|viernes)\b/,
  /\b(saturday|samstag|sonnabend|samedi|sabado)\b/,
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

/**
 * The first day that a text names, like `2026-01-31`; null where it names none, or one that could be two. Without a year it is the next one
 * of that name from `today` on; a day of the week is the next one after it.
 */
export function findDate(text: string, today: number): string | null {
  const iso = ISO.exec(text);
  if (iso) return named(Number(iso[1]), Number(iso[2]), Number(iso[3]), today);
  const dayMonth = DAY_MONTH.exec(text);
  if (dayMonth) return named(yearOf(dayMonth[3]), monthOf(dayMonth[2]), Number(dayMonth[1]), today);
  const monthDay = MONTH_DAY.exec(text);
  if (monthDay) return named(yearOf(monthDay[3]), monthOf(monthDay[1]), Number(monthDay[2]), today);
  const dotted = DOTTED.exec(text);
  if (dotted) return named(yearOf(dotted[3]), Number(dotted[2]), Number(dotted[1]), today);
  const slashed = SLASHED.exec(text);
  if (slashed) return bySlashes(Number(slashed[1]), Number(slashed[2]), Number(slashed[3]), today);
  if (TOMORROW.test(text)) return nameOfDay(today + 1);
  if (TODAY.test(text)) return nameOfDay(today);
  const weekday = WEEKDAYS.findIndex((names) => names.test(text));
  return weekday === -1 ? null : nameOfDay(today + (((weekday - weekdayOf(today) + 6) % 7) + 1));
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
