import type { Instant } from "../../core/instant.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { Renderable } from "../context.ts";
import type { DateStyle } from "../liquid.ts";
import { withoutTurns, writeDay, writeInstant } from "../words.ts";
import type { Catalog } from "./catalog.ts";
import { say } from "./speak.ts";

export type Fact = [label: string, value: string];

const DAY_MS = 86_400_000;
const LONGEST_URL = 2_000;

/** What there is to know about a reminder: until when, how often so far, when next. */
export function factsOf(message: Renderable, catalog: Catalog, style: DateStyle): Fact[] {
  const { facts } = catalog;
  const { reminder, occurrenceNumber, nextRunAt, occurrenceAt, endsSilence } = message;
  const lines: Fact[] = [];
  // By when, the message itself says: it comes on the morning after that day.
  if (endsSilence?.by === "acknowledgement") lines.push([facts.promised, facts.promisedValue]);
  lines.push(...dueFactsOf(message, catalog, style));
  if (occurrenceNumber > 1) lines.push(countOf(message, catalog, style));
  const days = Math.floor((occurrenceAt - reminder.createdAt) / DAY_MS);
  if (occurrenceNumber > 1 && days > 0) lines.push([facts.open, say(facts.openValue, style.locale, { days })]);
  if (nextRunAt !== null) lines.push([facts.next, writeInstant(nextRunAt, style)]);
  else if (occurrenceNumber > 1) lines.push([facts.next, facts.noNext]);
  const end = nextRunAt === null ? null : endOf(message);
  if (end !== null) lines.push([facts.until, say(facts.untilValue, style.locale, { at: writeInstant(end, style) })]);
  return lines;
}

/** When and where, until when, and how much: what a message has to say wherever it goes. */
export function dueFactsOf({ reminder }: Renderable, { facts }: Catalog, style: DateStyle): Fact[] {
  const { location } = reminder.data;
  const when = whenOf(reminder.data, facts.whenValue, style);
  const where = when !== null && typeof location === "string" ? placeOf(location) : null;
  const told: [label: string, value: string | null][] = [
    [facts.when, when],
    [facts.where, where],
    [facts.due, dueOf(reminder.data, style) ?? deadlineOf(reminder, style)],
    [facts.amount, amountOf(reminder.data, style)],
  ];
  return told.filter((fact): fact is Fact => Boolean(fact[1]));
}

/** How often so far, and since when. */
export function countOf(
  { reminder, occurrenceNumber }: Pick<Renderable, "reminder" | "occurrenceNumber">,
  { facts }: Catalog,
  style: DateStyle,
): Fact {
  const day = writeDay(reminder.createdAt, style);
  return [facts.reminder, say(facts.reminderValue, style.locale, { number: occurrenceNumber, day })];
}

/** The address that `data` gives for what is to be done; null where it gives none of the web. */
export function urlOf({ reminder }: Renderable): string | null {
  for (const name of ["url", "link"]) {
    const url = Object.hasOwn(reminder.data, name) ? reminder.data[name] : null;
    if (typeof url === "string" && url.length <= LONGEST_URL && /^https?:\/\/[^\s<>"'`]+$/i.test(url)) return url;
  }
  return null;
}

const DATE_OR_INSTANT = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/;
const LONGEST_PLACE = 300;

/** A date is that day everywhere, an instant is written on the reader's clock; null for what is neither. */
function writeDateOf(value: JsonValue | undefined, style: DateStyle): string | null {
  if (typeof value !== "string" || !DATE_OR_INSTANT.test(value)) return null;
  const at = Date.parse(value);
  if (Number.isNaN(at)) return null;
  return value.length === 10 ? writeDay(at, { ...style, timeZone: "UTC" }) : writeInstant(at, style);
}

/** `starts_at`, and `ends_at` if that is later: the same as in the calendar's entry. */
function whenOf({ starts_at, ends_at }: JsonObject, fromTo: string, style: DateStyle): string | null {
  const from = writeDateOf(starts_at, style);
  const to = writeDateOf(ends_at, style);
  if (from === null || to === null) return from;
  const isLater = Date.parse(String(ends_at)) > Date.parse(String(starts_at));
  return isLater ? say(fromTo, style.locale, { from, to }) : from;
}

function placeOf(location: string): string {
  const place = withoutTurns(
    location
      .toWellFormed()
      .replace(/[\p{Cc}\u2028\u2029\s]+/gu, " ")
      .trim(),
  );
  return place.length <= LONGEST_PLACE ? place : `${place.slice(0, LONGEST_PLACE - 1).toWellFormed()}…`;
}

/** By which its policy counts. */
function deadlineOf({ people }: Renderable["reminder"], style: DateStyle): string | null {
  return people?.deadlineAt == null ? null : writeInstant(people.deadlineAt, style);
}

/** After this nothing comes any more, done or not. */
function endOf({ reminder: { bounds, stopCondition } }: Renderable): Instant | null {
  const deadline = stopCondition?.type === "deadline" ? Date.parse(stopCondition.value ?? "") : Number.NaN;
  const ends = [bounds?.endAt ?? Number.NaN, deadline].filter(Number.isFinite);
  return ends.length > 0 ? Math.min(...ends) : null;
}

/** `due`, `due_at`, `due_date` or `deadline`. */
function dueOf(data: Record<string, JsonValue>, style: DateStyle): string | null {
  for (const name of ["due", "due_at", "due_date", "deadline"]) {
    const due = Object.hasOwn(data, name) ? writeDateOf(data[name], style) : null;
    if (due !== null) return due;
  }
  return null;
}

/** `amount` and `currency`: "€1,234.50". */
function amountOf(data: Record<string, JsonValue>, { locale }: DateStyle): string | null {
  const amount = Object.hasOwn(data, "amount") ? data.amount : null;
  const currency = Object.hasOwn(data, "currency") ? data.currency : null;
  if (typeof amount !== "number" || typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency)) return null;
  const written = new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount);
  return written.replace(/[\u00A0\u202F]/g, " ");
}
