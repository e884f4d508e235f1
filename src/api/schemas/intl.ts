export { isZone as isTimeZone } from "../../core/schedule/zone.ts";

/** True for a well-formed language tag (BCP 47). */
export function isLocale(tag: string): boolean {
  try {
    new Intl.Locale(tag);
    return true;
  } catch {
    return false;
  }
}
