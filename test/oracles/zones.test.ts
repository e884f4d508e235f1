import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { offsetAt, toInstant, toWallClock } from "../../src/core/schedule/wall-clock.ts";

const FROM = Date.UTC(2020, 0, 1);
const UNTIL = Date.UTC(2040, 0, 1);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const ZONES = Intl.supportedValuesOf("timeZone");

/** The system's own table of when a zone's clocks change, and to which offset; null where there is no zdump. */
function zdump(zone: string): { at: number; offset: number }[] | null {
  const { stdout, status } = spawnSync("zdump", ["-v", "-c", "2020,2040", zone], { encoding: "utf8" });
  if (status !== 0 || stdout === null) return null;
  const LINE = /\w+ +(\w+) +(\d+) +(\d+):(\d+):(\d+) +(\d+) UTC? = .* isdst=\d gmtoff=(-?\d+)/;
  return stdout.split("\n").flatMap((line) => {
    const [, month = "", ...numbers] = LINE.exec(line) ?? [];
    if (!month) return [];
    const [day = 0, hour = 0, minute = 0, second = 0, year = 0, offset = 0] = numbers.map(Number);
    const at = Date.UTC(year, MONTHS.indexOf(month), day, hour, minute, second);
    return at > FROM && at < UNTIL ? [{ at, offset: offset * 1_000 }] : [];
  });
}

const hasZdump = zdump("Europe/Berlin")?.length;

test.skipIf(!hasZdump)("the clocks of every zone change when zdump says, 2020 to 2040", () => {
  const wrong: string[] = [];
  let changes = 0;
  for (const zone of ZONES) {
    const lines = zdump(zone) ?? [];
    changes += lines.length;
    for (const { at, offset } of lines) {
      if (offsetAt(at, zone) !== offset)
        wrong.push(`${zone} ${new Date(at).toISOString()}: ${offsetAt(at, zone)}, not ${offset}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(changes).toBeGreaterThan(5_000);
});

/** Each tenth, and those whose clocks do what no others do. */
const SOME_ZONES = [
  ...ZONES.filter((_, index) => index % 10 === 0),
  ...["Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Chatham", "America/Nuuk", "Antarctica/Troll", "Asia/Gaza"],
];

test("the clock and the instant lead to each other, by the quarter of an hour around each change", () => {
  for (const zone of SOME_ZONES) {
    let before = offsetAt(FROM, zone);
    for (let day = FROM; day < Date.UTC(2026, 0, 1); day += 7 * 86_400_000) {
      const offset = offsetAt(day, zone);
      if (offset === before) continue;
      before = offset;
      let last = Number.NEGATIVE_INFINITY;
      for (let wall = day - 8 * 86_400_000; wall < day + 86_400_000; wall += 900_000) {
        const instant = toInstant(wall, zone);
        // Later readings are never earlier instants, and a reading that exists is read there, the first time.
        expect(instant).toBeGreaterThanOrEqual(last);
        last = instant;
        const read = toWallClock(instant, zone);
        if (read === wall) expect(toWallClock(instant - 3_600_000, zone)).not.toBe(wall);
        else expect(toWallClock(instant - 1, zone)).toBeLessThan(wall);
      }
    }
  }
});
