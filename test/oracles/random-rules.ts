import type { Random } from "../chaos/random.ts";

/** A cron expression of five fields, of the parts that every implementation has. */
export function randomCron(random: Random): string {
  const whole = (from: number, to: number): number => from + Math.floor(random.between(0, to - from + 1));
  const numbers = (from: number, to: number): string =>
    random.pick([
      () => "*",
      () => String(whole(from, to)),
      () => `*/${whole(2, Math.ceil((to - from) / 2))}`,
      () => [whole(from, to), whole(from, to), whole(from, to)].join(","),
      () => {
        const begin = whole(from, to - 1);
        return `${begin}-${whole(begin, to)}`;
      },
      () => {
        const begin = whole(from, to - 1);
        return `${begin}-${whole(begin, to)}/${whole(1, 7)}`;
      },
    ])();
  const day = random.pick([() => "*", () => numbers(1, 31), () => "L", () => `${whole(1, 28)}W`])();
  const weekday = random.pick([
    () => "*",
    () => numbers(0, 6),
    () => random.pick(["MON-FRI", "SAT,SUN", "WED"]),
    () => `${whole(0, 6)}#${whole(1, 4)}`,
    () => `${whole(0, 6)}L`,
  ])();
  const month = random.chance(0.7) ? "*" : random.pick([numbers(1, 12), "JAN", "MAR-OCT", "FEB"]);
  return [numbers(0, 59), numbers(0, 23), day, month, weekday].join(" ");
}

const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

export interface RandomRrule {
  /** DTSTART on a floating clock, as in RFC 5545. */
  start: string;
  rule: string;
}

/** An RRULE that RFC 5545 allows, without what implementations are known to take differently (docs/schedules-oracle.md). */
export function randomRrule(random: Random): RandomRrule {
  const whole = (from: number, to: number): number => from + Math.floor(random.between(0, to - from + 1));
  const some = <T>(most: number, make: () => T): T[] => [...new Set(Array.from({ length: whole(1, most) }, make))];
  const signed = (to: number): number => (random.chance(0.7) ? whole(1, to) : -whole(1, to));
  const freq = random.pick(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]);
  const parts = [`FREQ=${freq}`];
  const maybe = (chance: number, part: () => string): void => {
    if (random.chance(chance)) parts.push(part());
  };
  const isByDate = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY"].includes(freq);
  maybe(0.5, () => `INTERVAL=${whole(1, freq === "MINUTELY" ? 90 : freq === "YEARLY" ? 3 : 7)}`);
  maybe(0.2, () => `COUNT=${whole(1, 30)}`);
  if (!parts.some((part) => part.startsWith("COUNT"))) {
    maybe(0.2, () => `UNTIL=${whole(2026, 2029)}${String(whole(1, 12)).padStart(2, "0")}15T120000Z`);
  }
  maybe(0.3, () => `BYMONTH=${some(4, () => whole(1, 12))}`);
  const day = random.pick(["none", "monthday", "weekday", "nth", "yearday", "weekno", "both"]);
  if ((day === "monthday" || day === "both") && freq !== "WEEKLY") {
    parts.push(`BYMONTHDAY=${some(4, () => signed(31))}`);
  }
  if (day === "weekday" || day === "both") parts.push(`BYDAY=${some(4, () => random.pick(WEEKDAYS))}`);
  if (day === "nth" && (freq === "MONTHLY" || freq === "YEARLY")) {
    parts.push(`BYDAY=${some(3, () => `${signed(4)}${random.pick(WEEKDAYS)}`)}`);
  }
  if (day === "yearday" && freq === "YEARLY") parts.push(`BYYEARDAY=${some(4, () => signed(366))}`);
  if (day === "weekno" && freq === "YEARLY") {
    parts.push(`BYWEEKNO=${some(3, () => signed(52))}`, `BYDAY=${some(3, () => random.pick(WEEKDAYS))}`);
  }
  maybe(0.3, () => `BYHOUR=${some(3, () => whole(0, 23))}`);
  maybe(0.3, () => `BYMINUTE=${some(3, () => whole(0, 59))}`);
  if (isByDate && parts.some((part) => part.startsWith("BY"))) maybe(0.2, () => `BYSETPOS=${some(2, () => signed(3))}`);
  maybe(0.2, () => `WKST=${random.pick(WEEKDAYS)}`);
  const two = (number: number): string => String(number).padStart(2, "0");
  const start = `2026${two(whole(1, 12))}${two(whole(1, 28))}T${two(whole(0, 23))}${two(whole(0, 59))}00`;
  return { start, rule: parts.join(";") };
}
