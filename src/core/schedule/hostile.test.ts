import { expect, test } from "vitest";
import { checkTimetable } from "./check.ts";
import { toRule } from "./fields.ts";
import { NO_BOUNDS, type Schedule } from "./kinds.ts";

const NOW = Date.UTC(2026, 10, 24);
const all = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, n) => from + n).join(",");
const start = "DTSTART:19700101T000000\nRRULE:";

/** Each is written to make whoever works it out work for ever. */
const HOSTILE: [Schedule["type"], string][] = [
  ["cron", "0 0 30 2 *"],
  ["cron", "0 0 31 2,4,6,9,11 *"],
  ["cron", "59 23 29 2 1#5"],
  ["cron", `${all(0, 59)} ${all(0, 23)} ${all(1, 31)} * *`],
  ["rrule", `${start}FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30`],
  ["rrule", `${start}FREQ=YEARLY;INTERVAL=100000;BYMONTHDAY=31;BYMONTH=2`],
  ["rrule", `${start}FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30`],
  ["rrule", `${start}FREQ=MINUTELY;INTERVAL=1440;BYHOUR=8`],
  ["rrule", `${start}FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1`],
  ["rrule", `${start}FREQ=HOURLY;INTERVAL=24;BYHOUR=5;BYMINUTE=${all(0, 59)}`],
  ["rrule", `${start}FREQ=YEARLY;BYHOUR=${all(0, 23)};BYMINUTE=${all(0, 59)};BYSECOND=${all(0, 59)};BYSETPOS=-1`],
  ["rrule", `${start}FREQ=YEARLY;BYHOUR=${all(0, 23)};BYMINUTE=${all(0, 59)};BYSETPOS=${all(1, 366)}`],
  ["rrule", `${start}FREQ=DAILY;COUNT=10000;BYMONTH=2;BYMONTHDAY=29`],
  ["rrule", `${start}FREQ=MINUTELY;COUNT=10000;BYYEARDAY=366;BYHOUR=23;BYMINUTE=59`],
  ["rrule", `${start}FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTHDAY=31;BYMONTH=2`],
  ["rrule", `${start}FREQ=DAILY;BYSETPOS=366;BYHOUR=1,2`],
];

test.each(HOSTILE)("%s %s is worked out or refused without holding the process", (type, text) => {
  const cpuMs = (): number => {
    const { user } = process.cpuUsage();
    const schedule = toRule(type as "cron" | "rrule", { [type]: text }, { former: null, beginsAt: NOW, zone: "UTC" });
    if (!("kind" in schedule)) {
      const of = { entityType: "a", entityId: "b", eventType: "c" };
      checkTimetable({ schedule, bounds: NO_BOUNDS, zone: "UTC", of }, NOW, 60);
    }
    return (process.cpuUsage().user - user) / 1_000;
  };
  // The second time is the least that it takes: the first also waits for the compiler.
  const least = Math.min(...Array.from({ length: 3 }, cpuMs));
  expect(least).toBeLessThan(200);
});
