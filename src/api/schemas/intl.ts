const CANONICAL_ZONES = new Set(Intl.supportedValuesOf("timeZone"));

/** True for a name of the IANA time zone database, its aliases included. */
export function isTimeZone(name: string): boolean {
  if (CANONICAL_ZONES.has(name)) return true;
  // Newer runtimes take offsets like +01:00 as well, which know no daylight saving and are no names.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** True for a well-formed language tag (BCP 47). */
export function isLocale(tag: string): boolean {
  try {
    new Intl.Locale(tag);
    return true;
  } catch {
    return false;
  }
}
