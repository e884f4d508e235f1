// A thread of its own: the library takes most of a second to load, and as long for a year of some countries. Plain JavaScript,
// because a thread is started from a file as it is.
// @ts-check
import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";
import Holidays from "date-holidays";

const { version } = createRequire(import.meta.url)("date-holidays/package.json");
const DAY_MS = 86_400_000;

/**
 * Each whole day of which the public holidays of a place are made. A day that is free only in part, or only for some, is none.
 * @param {{ country: string, region: string | null, from: number, until: number }} asked
 */
function holidaysOf({ country, region, from, until }) {
  const known = new Holidays();
  const regions = Object.keys(known.getStates(country) ?? {});
  if (!known.getCountries()[country]) return { unknown: "country", known: Object.keys(known.getCountries()) };
  if (region !== null && !regions.includes(region)) return { unknown: "region", known: regions };
  const place = region === null ? new Holidays(country) : new Holidays(country, region);
  /** @type {Map<string, string>} */
  const days = new Map();
  for (let year = from; year <= until; year += 1) {
    for (const { date, start, end, name, type } of place.getHolidays(year)) {
      if (type !== "public" || date.slice(11, 19) !== "00:00:00") continue;
      const first = Date.parse(`${date.slice(0, 10)}T00:00:00Z`);
      const count = Math.round((end.getTime() - start.getTime()) / DAY_MS);
      for (let day = 0; day < count; day += 1) {
        const iso = new Date(first + day * DAY_MS).toISOString().slice(0, 10);
        if (!days.has(iso)) days.set(iso, name);
      }
    }
  }
  const holidays = [...days].map(([date, name]) => ({ date, name })).sort((a, b) => (a.date < b.date ? -1 : 1));
  return { holidays, version };
}

parentPort?.on("message", ({ id, asked }) => {
  try {
    parentPort?.postMessage({ id, answer: holidaysOf(asked) });
  } catch (error) {
    parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
