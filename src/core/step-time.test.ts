import { describe, expect, test } from "vitest";
import { reminderRecord } from "../../test/support/reminders.ts";
import { type Course, type Escalating, escalate, nextByPolicy } from "./escalation.ts";
import { type AfterText, policyFlaws, readPolicy, type StepText } from "./policy.ts";
import type { CountsIn } from "./schedule/business.ts";
import { toCalendar } from "./schedule/business-calendar.ts";
import { type Timetable, timetableOf } from "./schedule/schedule.ts";

const OPEN = [{ from: "09:00", to: "17:00" }];
/** On weekdays from nine to five, but not on Christmas Day, a Friday. */
const calendar = toCalendar({
  timeZone: "Europe/Berlin",
  hours: { monday: OPEN, tuesday: OPEN, wednesday: OPEN, thursday: OPEN, friday: OPEN },
  dates: [],
  holidays: ["2026-12-25"],
});
/** A Wednesday, 15:00 in Berlin. */
const FIRST = Date.parse("2026-12-23T15:00:00+01:00");

function timetable(countsIn: CountsIn): Timetable {
  return { ...timetableOf(reminderRecord(), null), business: { name: "office", calendar, countsIn, outside: "next" } };
}

/** The first occurrence by this policy, and when it is due again. */
function first(
  steps: StepText[],
  countsIn: CountsIn,
): { escalating: Escalating; course: Course; nextAt: number | null } {
  const policy = readPolicy(JSON.stringify({ name: "p", steps, rotas: {} }));
  const escalating: Escalating = { policy, escalation: null, wasGiven: true, deadlineAt: null };
  const table = timetable(countsIn);
  const course = escalate(escalating, { since: FIRST, at: FIRST, isAskedFor: false }, table.business);
  if (course.step === null) throw new Error(course.because);
  const when = { occurrenceAt: FIRST, now: FIRST, scheduled: null };
  return { escalating, course, nextAt: nextByPolicy(escalating, course, when, table).nextRunAt };
}

const working = (text: string): AfterText => ({ working_time: text });

describe("a step after so much working time", () => {
  test.each([
    ["PT8H", "2026-12-24T15:00:00+01:00", "8 working hours"],
    // The end of Thursday is the beginning of what is worked next: that is Monday.
    ["PT10H", "2026-12-28T09:00:00+01:00", "10 working hours"],
    ["PT36H", "2026-12-31T11:00:00+01:00", "36 working hours"],
    ["P1D", "2026-12-24T15:00:00+01:00", "1 working day"],
    ["P2D", "2026-12-28T15:00:00+01:00", "2 working days"],
    ["P2DT3H", "2026-12-29T10:00:00+01:00", "2 working days 3 working hours"],
  ])("%s begins at %s", (text, begins, said) => {
    const { escalating, course, nextAt } = first(
      [{ to: ["recipient"] }, { after: working(text), to: ["manager"] }],
      "all_time",
    );
    expect(nextAt).toBe(Date.parse(begins));

    const at = (instant: number) =>
      escalate(
        { ...escalating, escalation: course.escalation },
        { since: instant, at: instant, isAskedFor: false },
        timetable("all_time").business,
      );
    expect(at(Date.parse(begins) - 1)).toMatchObject({ step: { number: 1 } });
    expect(at(Date.parse(begins))).toMatchObject({
      step: { number: 2 },
      because: `the first one was ${said} ago or more`,
    });
  });

  test("can't be counted in what has no length in working time", () => {
    const steps: StepText[] = [{ to: ["recipient"] }, { after: working("P1W"), to: ["manager"] }];
    expect(policyFlaws({ name: "p", steps, rotas: {} })).toEqual([
      {
        ...{ step: 2, field: "after.working_time" },
        message: "must be days, hours, minutes and seconds where working time counts, which P1W isn't",
      },
    ]);
  });
});

test.each<[CountsIn, number, string]>([
  ["working_days", 2 * 1_440, "2026-12-28T15:00:00+01:00"],
  ["working_days", 1_440, "2026-12-24T15:00:00+01:00"],
  ["working_time", 8 * 60, "2026-12-24T15:00:00+01:00"],
  // Friday afternoon is no working time, nor is the weekend.
  ["all_time", 2 * 1_440, "2026-12-28T09:00:00+01:00"],
  ["working_days", 90, "2026-12-23T16:30:00+01:00"],
])(
  "the interval of a step is counted as its reminder counts: in %s, %d minutes lead to %s",
  (countsIn, minutes, next) => {
    expect(first([{ to: ["recipient"], interval_minutes: minutes }], countsIn).nextAt).toBe(Date.parse(next));
  },
);
