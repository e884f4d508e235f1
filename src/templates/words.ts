import type { Instant } from "../core/instant.ts";

/** What turns the writing direction of all that comes after it: within a line of ours, ours as well (UAX #9 §2). */
const TURNS = /[\u202A-\u202E\u2066-\u2069]/g;

/** Names of others as they stand within our own words. */
export function withoutTurns(name: string): string {
  return name.replace(TURNS, "");
}

/** What a reminder is about: `interview panel INT_100`. */
export function writeEntity({ entityType, entityId }: { entityType: string; entityId: string }): string {
  return `${humaniseInside(entityType)} ${withoutTurns(entityId)}`;
}

/** `feedback_form` -> "Feedback form". What holds no word at all comes back as it is. */
export function humanise(identifier: string): string {
  const words = humaniseInside(identifier);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The same within a sentence: `loanApplication` -> "loan application"; `SLA_breach` keeps its capitals. */
export function humaniseInside(identifier: string): string {
  const words = withoutTurns(identifier)
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1 $2")
    .split(/[\s_.:/-]+/u)
    .filter((word) => word !== "");
  if (words.length === 0) return withoutTurns(identifier);
  return words.map(asWritten).join(" ");
}

const ABBREVIATIONS = new Set(["sla", "gdpr", "kyc", "nda", "hr", "vat"]);

function asWritten(word: string): string {
  if (ABBREVIATIONS.has(word)) return word.toUpperCase();
  return /^\p{Lu}\p{Ll}*$/u.test(word) ? word.toLowerCase() : word;
}

/** The first of these that this machine knows as an IANA time zone, else UTC. */
export function chooseTimeZone(...wishes: (string | null | undefined)[]): string {
  return wishes.find((zone) => zone && isUsable({ timeZone: zone })) ?? "UTC";
}

/** The first of these that is a language tag (BCP 47), else English. */
export function chooseLocale(...wishes: (string | null | undefined)[]): string {
  return wishes.find((locale) => locale && isUsable({}, locale)) ?? "en";
}

const INSTANT: Intl.DateTimeFormatOptions = {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
};

/** "Monday, November 24, 2025 at 4:00 PM UTC", in the reader's zone and language. */
export function writeInstant(at: Instant, style: { timeZone: string; locale: string }): string {
  return plainSpaces(formatOf("instant", style, INSTANT).format(at));
}

/** "November 24, 2025", in the reader's zone and language. */
export function writeDay(at: Instant, style: { timeZone: string; locale: string }): string {
  return plainSpaces(formatOf("day", style, { dateStyle: "long" }).format(at));
}

const MOST_FORMATS = 500;
// To make one takes a hundred times as long as to use it.
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(
  name: string,
  { timeZone, locale }: { timeZone: string; locale: string },
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${name} ${timeZone} ${locale}`;
  const known = formats.get(key);
  if (known) return known;
  if (formats.size >= MOST_FORMATS) formats.clear();
  const format = new Intl.DateTimeFormat(locale, { ...options, timeZone });
  formats.set(key, format);
  return format;
}

/** Intl sets narrow no-break spaces, which terminals and older mail programs show as boxes. */
function plainSpaces(text: string): string {
  return text.replace(/[\u00A0\u202F]/g, " ");
}

function isUsable(options: Intl.DateTimeFormatOptions, locale = "en"): boolean {
  try {
    new Intl.DateTimeFormat(locale, options);
    return true;
  } catch {
    return false;
  }
}
