import { describe, expect, test } from "vitest";
import { HOUR, MINUTE, reminderRecord, T0 } from "../../test/support/reminders.ts";
import { answerTo } from "./answer.ts";
import { type Moment, transition } from "./lifecycle.ts";
import { NO_PEOPLE } from "./people.ts";
import { readPolicy } from "./policy.ts";
import type { ReminderRecord } from "./reminder.ts";
import { replan } from "./replan.ts";
import { PLAIN_SURROUNDINGS } from "./schedule/surroundings.ts";
import { type ReminderEdit, update } from "./update.ts";

const DAY = 24 * HOUR;

const TEXT = {
  name: "p",
  steps: [
    { to: ["recipient"], repeat: 1 },
    { after: { elapsed: "PT4H" }, to: ["manager"] },
  ],
  rotas: {},
};
const policy = readPolicy(JSON.stringify(TEXT));

const byDeadline = readPolicy(
  JSON.stringify({
    name: "p",
    steps: [{ to: ["recipient"] }, { after: { deadline: "-PT1H" }, to: ["manager"] }],
    rotas: {},
  }),
);

const ESCALATION = { step: 1, given: 0, sends: 0, firstAt: T0, isVoid: false, isOver: false };

/** Once a week, and its policy's second step four hours after the first. It has fired once, at `T0`. */
function fired(fields: Partial<ReminderRecord> = {}): ReminderRecord {
  return reminderRecord({
    schedule: { type: "recurring", intervalMinutes: 7 * 24 * 60, anchorAt: T0 },
    people: {
      ...NO_PEOPLE,
      policy: "p",
      escalation: ESCALATION,
    },
    ...{ occurrenceCount: 1, lastOccurrenceAt: T0, lastRunAt: T0, nextRunAt: T0 + 4 * HOUR },
    ...fields,
  });
}

const moment = (now: number, more: Partial<Moment> = {}): Moment => ({ now, lastOutcome: "sent", policy, ...more });

/** An office that is always open, so that all is counted by a calendar and nothing is moved by it. */
const OPEN = [{ from: "00:00", to: "24:00" }];
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const CALENDAR = ["UTC", JSON.stringify(Object.fromEntries(DAYS.map((day) => [day, OPEN]))), "[]", "[]"].join("\n");
const BUSINESS = { calendar: "office", countsIn: "all_time", outside: "next" } as const;
const calendars = new Map([["office", CALENDAR]]);

describe("a reminder that is resumed", () => {
  const resumed = (now: number, fields: Partial<ReminderRecord> = {}) =>
    transition("resume", fired({ status: "PAUSED", ...fields }), moment(now, { calendars }));

  test("gives the step that has begun meanwhile at once, and not when its schedule comes round again", () => {
    expect(resumed(T0 + DAY)).toMatchObject({ reminder: { status: "ACTIVE", nextRunAt: T0 + DAY } });
  });

  test.each([null, BUSINESS])("waits for the step that is yet to begin, by the calendar %j", (business) => {
    expect(resumed(T0 + HOUR, { business })).toMatchObject({ reminder: { nextRunAt: T0 + 4 * HOUR } });
  });

  test("is over once its end has passed, and due when somebody has asked for it", () => {
    const bounds = { ...fired().bounds, endAt: T0 + 12 * HOUR };
    expect(resumed(T0 + DAY, { bounds })).toMatchObject({ reminder: { completionReason: "schedule_ended" } });
    expect(resumed(T0 + DAY, { runAt: T0 + 2 * DAY, nextRunAt: T0 + 2 * DAY })).toMatchObject({
      reminder: { nextRunAt: T0 + 2 * DAY },
    });
  });

  test("goes by its schedule before it has fired by its policy, and where it goes by none", () => {
    const unfired = {
      people: { ...NO_PEOPLE, policy: "p" },
      occurrenceCount: 0,
      lastOccurrenceAt: null,
      nextRunAt: T0,
    };
    expect(resumed(T0 + HOUR, unfired)).toMatchObject({ reminder: { nextRunAt: T0 + 7 * DAY } });
    expect(resumed(T0 + DAY, { people: NO_PEOPLE })).toMatchObject({ reminder: { nextRunAt: T0 + 7 * DAY } });
  });
});

test("who takes back a snooze has the policy go on where it was", () => {
  const somebody = { who: "ann@example.org", details: {} };
  const snoozed = answerTo(fired(), { kind: "snooze", until: T0 + 3 * DAY }, somebody, moment(T0 + MINUTE));
  if (snoozed.kind !== "changed") throw new Error(snoozed.kind);
  const woken = answerTo(snoozed.reminder, { kind: "wake" }, somebody, moment(T0 + 2 * MINUTE));
  expect(woken).toMatchObject({ reminder: { silence: null, nextRunAt: T0 + 4 * HOUR } });
});

test("a change of its calendar leaves the step where the calendar lets it be", () => {
  const reminder = fired({ business: BUSINESS });
  const around = { zone: null, calendar: CALENDAR };
  const unplanned = { reminder, around, lastOccurrenceAt: T0, runAt: null, wasPlanned: false, isUnderWay: false };
  expect(replan({ ...unplanned, policy, now: T0 + HOUR })).toMatchObject({ nextRunAt: T0 + 4 * HOUR });
  // What somebody has asked for stays as well.
  const asked = { ...unplanned, runAt: T0 + 2 * DAY };
  expect(replan({ ...asked, policy, now: T0 + HOUR })).toMatchObject({ nextRunAt: T0 + 2 * DAY });
});

describe("who changes something else about it leaves the step when it is due", () => {
  const edited = (edit: ReminderEdit, now = T0 + HOUR, fields: Partial<ReminderRecord> = {}) =>
    update(fired(fields), edit, now, undefined, policy);

  test.each<[string, ReminderEdit]>([
    ["its end", { bounds: { endAt: T0 + 21 * DAY } }],
    ["its jitter", { bounds: { jitterSeconds: 60 } }],
    ["its interval", { intervalMinutes: 24 * 60 }],
    // The first step was given as often as it is to be.
    ["its interval to a short one", { intervalMinutes: 60 }],
  ])("%s", (_what, edit) => {
    expect(edited(edit)).toMatchObject({ reminder: { nextRunAt: T0 + 4 * HOUR } });
  });

  test("unless somebody says when it is due; its end may not come before it is due at all", () => {
    expect(edited({ runAt: T0 + 2 * HOUR })).toMatchObject({ reminder: { nextRunAt: T0 + 2 * HOUR } });
    expect(edited({ bounds: { endAt: T0 + 2 * HOUR } })).toMatchObject({ kind: "invalid", field: "end_at" });
  });

  test.each<ReminderEdit>([{ bounds: { endAt: T0 + 21 * DAY } }, { intervalMinutes: 24 * 60 }])(
    "also where it has begun, and waits for as long after the message before it, which was held back: %j",
    (edit) => {
      const nextRunAt = T0 + 14 * HOUR;
      expect(edited(edit, T0 + 11 * HOUR, { nextRunAt })).toMatchObject({ reminder: { nextRunAt } });
    },
  );

  test("though its schedule goes on meanwhile: the new one comes first, if it is sooner, unless the step has an interval of its own", () => {
    const reminder = fired({ nextRunAt: T0 + 14 * HOUR });
    const hourly = (by: typeof policy) => update(reminder, { intervalMinutes: 60 }, T0 + 11 * HOUR, undefined, by);
    expect(hourly(policy)).toMatchObject({ reminder: { nextRunAt: T0 + 12 * HOUR } });
    const [first, second] = TEXT.steps;
    const paced = readPolicy(JSON.stringify({ ...TEXT, steps: [{ ...first, interval_minutes: 24 * 60 }, second] }));
    expect(hourly(paced)).toMatchObject({ reminder: { nextRunAt: T0 + 14 * HOUR } });
  });

  test("also where its calendar is closed at present, and where it is given one, when that is open", () => {
    const office = [{ from: "09:00", to: "17:00" }];
    const opened = ["UTC", JSON.stringify(Object.fromEntries(DAYS.map((day) => [day, office]))), "[]", "[]"].join("\n");
    const around = { ...PLAIN_SURROUNDINGS, calendars: new Map([["office", opened]]) };
    const changed = (edit: ReminderEdit, fields: Partial<ReminderRecord>) =>
      update(fired(fields), edit, T0 + 11 * HOUR, around, policy);
    const friday = (hour: number) => Date.UTC(2026, 0, 16, hour);
    const end = { bounds: { endAt: T0 + 21 * DAY } };
    expect(changed(end, { business: BUSINESS, nextRunAt: friday(13) })).toMatchObject({
      reminder: { nextRunAt: friday(13) },
    });
    expect(changed({ business: { calendar: "office" } }, { nextRunAt: friday(1) })).toMatchObject({
      reminder: { nextRunAt: friday(9) },
    });
  });

  test("but not before the start that it is given: then its schedule says what comes first", () => {
    const startAt = T0 + 10 * DAY;
    const first = T0 + 14 * DAY;
    const later = edited({ bounds: { startAt } });
    expect(later).toMatchObject({ reminder: { nextRunAt: first } });
    expect(edited({ bounds: { startAt } }, T0 + 11 * HOUR, { nextRunAt: T0 + 14 * HOUR })).toMatchObject({
      reminder: { nextRunAt: first },
    });
    if (later.kind !== "changed") throw new Error(later.kind);
    const paused = { ...later.reminder, status: "PAUSED" as const, nextRunAt: T0 + 2 * DAY };
    expect(transition("resume", paused, moment(T0 + 3 * DAY))).toMatchObject({ reminder: { nextRunAt: first } });
  });

  test("at once where a start is taken back that it has begun before", () => {
    const waiting = { bounds: { ...fired().bounds, startAt: T0 + 10 * DAY }, nextRunAt: T0 + 14 * DAY };
    const takenBack = { bounds: { startAt: null } };
    expect(edited(takenBack, T0 + 5 * HOUR, waiting)).toMatchObject({ reminder: { nextRunAt: T0 + 5 * HOUR } });
    expect(edited(takenBack, T0 + 2 * HOUR, waiting)).toMatchObject({ reminder: { nextRunAt: T0 + 4 * HOUR } });
  });

  test("and one that has fired for the last time is due no more, whatever its deadline is", () => {
    const last = { bounds: { ...fired().bounds, maxOccurrences: 1 }, nextRunAt: null, runAt: T0 };
    const people = { ...fired().people, deadlineAt: T0 + DAY };
    expect(edited({ people }, T0 + HOUR, last)).toMatchObject({ reminder: { nextRunAt: null } });
  });

  test("nor is one whose policy has come to its end, whatever its schedule is", () => {
    const people = { ...fired().people, escalation: { ...ESCALATION, step: 2, isOver: true } };
    for (const edit of [{ bounds: { endAt: T0 + 21 * DAY } }, { intervalMinutes: 60 }])
      expect(edited(edit, T0 + HOUR, { people, nextRunAt: null })).toMatchObject({ reminder: { nextRunAt: null } });
  });

  test("and a step that counts from the deadline is due by the new one", () => {
    const people = { ...fired().people, deadlineAt: T0 + 2 * DAY };
    const reminder = fired({ people, nextRunAt: T0 + 2 * DAY - HOUR });
    for (const deadlineAt of [T0 + DAY, T0 + 3 * DAY])
      expect(update(reminder, { people: { ...people, deadlineAt } }, T0 + HOUR, undefined, byDeadline)).toMatchObject({
        reminder: { nextRunAt: deadlineAt - HOUR },
      });
  });

  test("also where it had begun by the old one, and waited for a message that was held back", () => {
    const people = { ...fired().people, deadlineAt: T0 + 2 * HOUR };
    const reminder = fired({ people, nextRunAt: T0 + 11 * HOUR });
    const moved = (deadlineAt: number) =>
      update(reminder, { people: { ...people, deadlineAt } }, T0 + 5 * HOUR, undefined, byDeadline);
    expect(moved(T0 + 3 * DAY)).toMatchObject({ reminder: { nextRunAt: T0 + 3 * DAY - HOUR } });
    expect(moved(T0 + 3 * HOUR)).toMatchObject({ reminder: { nextRunAt: T0 + 11 * HOUR } });
  });
});

describe("one that goes by another policy from now on, or by none", () => {
  const edited = (policyName: string | null, fields: Partial<ReminderRecord> = {}) => {
    const reminder = fired(fields);
    const people = { ...reminder.people, policy: policyName, escalation: null };
    return update(reminder, { people }, T0 + HOUR, undefined, policy);
  };

  test.each([null, "q"])("is due by its schedule, not when the former one's step was: %j", (name) => {
    expect(edited(name)).toMatchObject({ reminder: { nextRunAt: T0 + 7 * DAY } });
    const over = { people: { ...fired().people, escalation: { ...ESCALATION, step: 2, isOver: true } } };
    expect(edited(name, { ...over, nextRunAt: null })).toMatchObject({ reminder: { nextRunAt: T0 + 7 * DAY } });
  });

  test("but for what somebody has asked for, what is due, and what has not fired yet", () => {
    const asked = { runAt: T0 + 2 * DAY, nextRunAt: T0 + 2 * DAY };
    expect(edited(null, asked)).toMatchObject({ reminder: { nextRunAt: T0 + 2 * DAY } });
    expect(edited(null, { nextRunAt: T0 + MINUTE })).toMatchObject({ reminder: { nextRunAt: T0 + MINUTE } });
    const unfired = { people: { ...NO_PEOPLE, policy: "p" }, lastOccurrenceAt: null, occurrenceCount: 0 };
    expect(edited(null, unfired)).toMatchObject({ reminder: { nextRunAt: T0 + 4 * HOUR } });
  });
});

describe("one that is due next by the clocks on the wall, whose zone was changed", () => {
  const at = (text: string): number => Date.parse(text);
  const daily = {
    ...{ schedule: { type: "cron" as const, cron: "0 9 * * *" }, nextWallAt: at("2026-01-16T09:00Z") },
    ...{ lastOccurrenceAt: at("2026-01-15T09:00+01:00"), nextRunAt: at("2026-01-16T09:00+01:00") },
    people: {
      ...NO_PEOPLE,
      policy: "p",
      escalation: { step: 2, given: 0, sends: 1, firstAt: at("2026-01-14T09:00+01:00"), isVoid: false, isOver: false },
    },
  };
  const moved = (zone: string, now: number) => {
    const reminder = fired(daily);
    const { lastOccurrenceAt } = daily;
    const unplanned = { reminder, around: { zone, calendar: null }, lastOccurrenceAt, runAt: null, wasPlanned: false };
    return replan({ ...unplanned, isUnderWay: false, policy, now });
  };

  test("isn't due twice at what these show, where that comes later there", () => {
    expect(moved("America/New_York", at("2026-01-15T10:00+01:00"))).toEqual({
      nextRunAt: at("2026-01-16T09:00-05:00"),
      nextWallAt: daily.nextWallAt,
    });
  });

  test("isn't passed over, where they have shown it already", () => {
    expect(moved("Asia/Tokyo", at("2026-01-16T08:00+01:00"))).toEqual({
      nextRunAt: at("2026-01-16T09:00+09:00"),
      nextWallAt: daily.nextWallAt,
    });
  });

  test("doesn't keep back a step that begins before that", () => {
    const reminder = fired({
      ...daily,
      people: {
        ...daily.people,
        escalation: { ...daily.people.escalation, step: 1, sends: 0, firstAt: at("2026-01-16T06:00+01:00") },
      },
    });
    const { lastOccurrenceAt } = daily;
    const around = { zone: "America/New_York", calendar: null };
    const unplanned = { reminder, around, lastOccurrenceAt, runAt: null, wasPlanned: false, isUnderWay: false };
    expect(replan({ ...unplanned, policy, now: at("2026-01-16T07:00+01:00") })).toEqual({
      nextRunAt: at("2026-01-16T10:00+01:00"),
      nextWallAt: null,
    });
  });
});
