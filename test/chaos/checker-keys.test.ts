import { expect, test } from "vitest";
import type { Court } from "./checks/case.ts";
import { judgeKeys } from "./checks/endings.ts";
import { event, row, T } from "./worlds/quiet.ts";

/** One of a key was done after 2 s, and put off after 10 s; another of the same was created after 3 s, and is done after `doneMs`. */
function accusedOf(doneMs: number, putOffMs = 10_000): string[] {
  const accused: string[] = [];
  const court = { accuse: (rule: string) => accused.push(rule) } as unknown as Court;
  const [before, after] = [
    row(1, { key: "thing/1", status: "COMPLETED", createdAt: T, completedAt: T + 12_000 }),
    row(2, { key: "thing/1", status: "COMPLETED", createdAt: T + 3_000, completedAt: T + doneMs }),
  ];
  const events = [
    event(1, T + 2_000, "completed"),
    event(1, T + putOffMs, "snoozed"),
    event(1, T + 12_000, "completed"),
  ];
  judgeKeys({ reminders: [before, after], events }, court);
  return accused;
}

test("what is put off after it was done may be ACTIVE once the other one of its key is over", () => {
  expect(accusedOf(9_000)).toEqual([]);
});

test("two of one key were ACTIVE together where it is put off while the other one is, or was before that came", () => {
  expect(accusedOf(11_000)).toEqual(["P1"]);
  expect(accusedOf(9_000, 2_500)).toEqual(["P1"]);
});
