/**
 * Which version of the time zone database this process works by, like "2026a". Versions sort by their age: what an older one
 * has worked out is worked out anew.
 */
export const ZONE_RULES = process.versions.tz ?? "0";
