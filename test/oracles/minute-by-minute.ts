import type { CalendarRules, Hours } from "../../src/core/schedule/business-calendar.ts";
import type { Random } from "../chaos/random.ts";

const MINUTE = 60_000;
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;

/**
 * Working time by somebody who knows nothing but how to look at a clock once a minute and write down whether the shop is open:
 * slow, and with nothing in common with our arithmetic. An hour that the clocks show again is taken as still the minute
 * before it, as is declared for all schedules.
 */
export class Watchman {
  readonly from: number;
  /** For each minute from `from` on what the clock shows, and whether it is open. */
  readonly clocks: readonly string[];
  readonly open: readonly boolean[];
  readonly #rules: CalendarRules;

  constructor(rules: CalendarRules, from: number, until: number) {
    this.#rules = rules;
    this.from = from;
    this.clocks = clocksOf(rules.timeZone, from, until);
    this.open = this.clocks.map((shown) => this.isOpenWhenShown(shown));
  }

  isOpenWhenShown(shown: string): boolean {
    const [date = "", time = ""] = shown.split(" ");
    return this.hoursOn(date).some(({ from, to }) => from <= time && time < to);
  }

  hoursOn(date: string): readonly Hours[] {
    const { hours, dates, holidays } = this.#rules;
    const own = dates.find((special) => special.date === date);
    if (own) return own.hours;
    if (holidays.includes(date)) return [];
    return hours[WEEKDAYS[new Date(`${date}T12:00:00Z`).getUTCDay()] as (typeof WEEKDAYS)[number]] ?? [];
  }

  index(at: number): number {
    return Math.round((at - this.from) / MINUTE);
  }

  at(index: number): number {
    return this.from + index * MINUTE;
  }

  /** The first open minute from this one on before which so many minutes were open. */
  later(at: number, minutes: number): number | null {
    let left = minutes;
    for (let index = this.index(at); index < this.open.length; index += 1) {
      if (!this.open[index]) continue;
      if (left === 0) return this.at(index);
      left -= 1;
    }
    return null;
  }

  /** The last open minute from which so many are open before this one. */
  earlier(at: number, minutes: number): number | null {
    let left = minutes;
    for (let index = this.index(at) - 1; index >= 0; index -= 1) {
      if (this.open[index]) left -= 1;
      if (left === 0) return this.at(index);
    }
    return null;
  }

  between(from: number, to: number): number {
    return this.open.slice(this.index(from), this.index(to)).filter(Boolean).length;
  }

  /** The date so many working days later or earlier. */
  dateAfter(date: string, days: number): string {
    let [shown, left] = [date, Math.abs(days)];
    while (left > 0) {
      shown = new Date(Date.parse(`${shown}T12:00:00Z`) + Math.sign(days) * 86_400_000).toISOString().slice(0, 10);
      if (this.hoursOn(shown).length > 0) left -= 1;
    }
    return shown;
  }
}

const seen = new Map<string, string[]>();

/** What the clock shows at each minute, but never less than it has shown before. */
function clocksOf(timeZone: string, from: number, until: number): string[] {
  const name = `${timeZone} ${from} ${until}`;
  const before = seen.get(name);
  if (before) return before;
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
  const clocks: string[] = [];
  let latest = "";
  for (let at = from; at < until; at += MINUTE) {
    const shown = clock.format(at);
    if (shown > latest) latest = shown;
    clocks.push(latest);
  }
  seen.set(name, clocks);
  return clocks;
}

export function randomCalendar(random: Random, timeZone: string, days: readonly string[]): CalendarRules {
  const whole = (from: number, to: number): number => from + Math.floor(random.between(0, to - from + 1));
  const time = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
  const someHours = (): Hours[] => {
    const edges = [...new Set(Array.from({ length: 2 * whole(1, 3) }, () => whole(0, 288) * 5))].sort((a, b) => a - b);
    const hours: Hours[] = [];
    for (let n = 0; n + 1 < edges.length; n += 2) {
      hours.push({ from: time(edges[n] as number), to: time(edges[n + 1] as number) });
    }
    return hours;
  };
  const usual = [{ from: "09:00", to: "12:00" }, { from: "13:00", to: "17:30" }]; // biome-ignore format: one line
  const isUsual = random.chance(0.5);
  const hours = Object.fromEntries(
    WEEKDAYS.filter(() => random.chance(0.7)).map((weekday) => [weekday, isUsual ? usual : someHours()]),
  );
  const dates = days
    .filter(() => random.chance(0.1))
    .map((date) => ({ date, hours: random.chance(0.5) ? [] : someHours() }));
  return { timeZone, hours, dates, holidays: days.filter(() => random.chance(0.1)) };
}
