import { IntlMessageFormat } from "intl-messageformat";
import type { Catalog } from "./catalog.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";

const CATALOGS: Readonly<Record<string, Catalog>> = { en, de, fr, es };
const MOST_FORMATS = 2_000;

/** The built-in words for readers of this locale: in its language, or in English where it has none here. */
export function catalogFor(locale: string): Catalog {
  const [language = ""] = locale.toLowerCase().split("-", 1);
  return Object.hasOwn(CATALOGS, language) ? (CATALOGS[language] as Catalog) : en;
}

/** The locale by which numbers and dates stand within the built-in words: the reader's, where these are in its language. */
export function localeFor(locale: string): string {
  const [language = ""] = locale.toLowerCase().split("-", 1);
  return Object.hasOwn(CATALOGS, language) ? locale : "en";
}

// Reading a message takes longer than filling it in.
const formats = new Map<string, IntlMessageFormat>();

/** A message of a catalog with its values, by the plurals and numbers of this locale. */
export function say(message: string, locale: string, values: Record<string, string | number>): string {
  const name = `${locale} ${message}`;
  let format = formats.get(name);
  if (!format) {
    if (formats.size >= MOST_FORMATS) formats.clear();
    format = new IntlMessageFormat(message, locale, undefined, { ignoreTag: true });
    formats.set(name, format);
  }
  const said = format.format(values);
  return String(said).replace(/[\u00A0\u202F]/g, " ");
}
