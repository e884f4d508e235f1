import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyActive } from "../../test/support/any-schedule.ts";
import { HOUR, MINUTE, reminderRecord, T0 } from "../../test/support/reminders.ts";
import { type Answer, answerTo, doneMeans } from "./answer.ts";
import type { Instant } from "./instant.ts";
import type { World } from "./life/world.ts";
import { transition } from "./lifecycle.ts";
import { NO_PEOPLE } from "./people.ts";
import type { CompletionReason, ReminderRecord } from "./reminder.ts";
import { DEFAULT_RETRY } from "./retry.ts";
import { simulate } from "./simulate.ts";
import { update } from "./update.ts";

const DAY = 24 * HOUR;
const ANN = { who: "ann@example.com", details: {} };
const moment = (now: Instant) => ({ now, lastOutcome: null });

function outcomeOf(reminder: ReminderRecord, answer: Answer, now = T0 + MINUTE): ReminderRecord {
  const answered = answerTo(reminder, answer, ANN, moment(now));
  if (answered.kind !== "changed") throw new Error(`${answer.kind} did not change it: ${JSON.stringify(answered)}`);
  return answered.reminder;
}

function calmWorld(until: Instant, fields: Partial<World> = {}): World {
  return {
    ...{ until, stopMetAt: null, stopHeardAfterMs: 0, outages: [], wishes: [], retry: DEFAULT_RETRY, draw: () => 0.5 },
    receive: () => ({ answer: "sent", takesMs: 0 }),
    ...fields,
  };
}

const fired = reminderRecord({ nextRunAt: T0 + HOUR, lastOccurrenceAt: T0, lastRunAt: T0, occurrenceCount: 1 });
const ended = (completionReason: CompletionReason) =>
  reminderRecord({
    ...{ schedule: { type: "one_time" }, status: "COMPLETED", completionReason, completedAt: T0 },
    ...{ nextRunAt: null, lastOccurrenceAt: T0, occurrenceCount: 1 },
  });

describe("snooze and promise", () => {
  test("nothing is sent before the end, a message exactly then, and the regular instants stay what they were", () => {
    const world = calmWorld(T0 + 28 * HOUR, {
      from: T0 + MINUTE,
      wishes: [{ at: T0 + MINUTE, wish: { kind: "snooze", until: T0 + DAY + MINUTE } }],
    });
    const { deliveries } = simulate(fired, world);
    expect(deliveries.map(({ occurrenceAt }) => occurrenceAt)).toEqual([
      T0 + DAY + MINUTE,
      ...[25, 26, 27, 28].map((hours) => T0 + hours * HOUR),
    ]);
  });

  test("a promise always comes back: by whatever schedule, through pauses, resumptions, edits and outages", () => {
    const wait = fc.integer({ min: MINUTE, max: 40 * DAY });
    const whiles = fc.array(
      fc.record({
        share: fc.double({ min: 0, max: 1.2, noNaN: true }),
        wish: fc.constantFrom<World["wishes"][number]["wish"]>(
          "pause",
          "resume",
          { subject: "other" },
          { timeZone: "America/New_York" },
          { bounds: { jitterSeconds: 60 } },
        ),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(anyActive(T0), wait, wait, whiles, fc.boolean(), (start, first, length, wishes, isOut) => {
        const at = T0 + first;
        const until = at + length;
        const others = wishes.map(({ share, wish }) => ({ at: at + Math.floor(share * length), wish }));
        const outage = { from: until - MINUTE, until: until + DAY };
        const world = calmWorld(until + 20 * DAY, {
          from: Math.max(T0, start.createdAt),
          wishes: [
            { at, wish: { kind: "promise", until } as const },
            ...others.toSorted((a, b) => a.at - b.at),
            { at: until + 2 * DAY, wish: "resume" as const },
          ],
          outages: isOut ? [outage] : [],
        });
        const { deliveries, reminder } = simulate(start, world);
        expect(reminder.silence, JSON.stringify(reminder)).toEqual({ until, by: "acknowledgement" });
        const meanwhile = deliveries.filter(
          ({ attempts }) => attempts.some((attempt) => attempt.at > at && attempt.at < until), // what left before may
        );
        expect(meanwhile).toEqual([]);
        const then = deliveries.find(({ occurrenceAt }) => occurrenceAt === until);
        expect(then, JSON.stringify(reminder)).toBeDefined();
        expect(then?.status === "sent" || then?.because !== null).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test.each<CompletionReason>(["one_time_sent", "schedule_ended", "max_occurrences", "delivery_unknown"])(
    "one that had only ended (%s) begins again for it, and ends again when that is taken back",
    (reason) => {
      const silent = outcomeOf(ended(reason), { kind: "promise", until: T0 + DAY });
      expect(silent).toMatchObject({
        status: "ACTIVE",
        completionReason: null,
        completedAt: null,
        nextRunAt: T0 + DAY,
      });
      const back = answerTo(silent, { kind: "wake" }, ANN, { now: T0 + HOUR, lastOutcome: "sent" });
      expect(back).toMatchObject({
        reminder: { status: "COMPLETED", completionReason: "one_time_sent", silence: null },
      });
    },
  );

  test.each<CompletionReason>(["stop_condition", "manual", "done", "event", "deadline", "max_attempts"])(
    "what is done (%s) stays done",
    (reason) => {
      const answered = answerTo(ended(reason), { kind: "snooze", until: T0 + DAY }, ANN, moment(T0));
      expect(answered).toEqual({ kind: "refused", because: "it is done" });
    },
  );

  test("taken back, it is due when it would have been", () => {
    const silent = outcomeOf(fired, { kind: "snooze", until: T0 + DAY });
    expect(outcomeOf(silent, { kind: "wake" })).toEqual(fired);
    expect(answerTo(fired, { kind: "wake" }, ANN, moment(T0)).kind).toBe("unchanged");
  });

  test("a first run that was asked for is not brought forward by taking it back", () => {
    const later = reminderRecord({ runAt: T0 + 3 * DAY, nextRunAt: T0 + 3 * DAY });
    const silent = outcomeOf(later, { kind: "snooze", until: T0 + HOUR });
    expect(outcomeOf(silent, { kind: "wake" })).toEqual(later);
  });

  test("whoever asks for it now, or names its next instant, ends the silence", () => {
    const silent = outcomeOf(fired, { kind: "snooze", until: T0 + DAY });
    expect(transition("trigger", silent, moment(T0 + HOUR))).toMatchObject({ reminder: { silence: null } });
    expect(update(silent, { runAt: T0 + 5 * HOUR }, T0 + HOUR)).toMatchObject({
      reminder: { silence: null, nextRunAt: T0 + 5 * HOUR },
    });
    const slower = update(silent, { intervalMinutes: 120 }, T0 + HOUR);
    expect(slower).toMatchObject({ reminder: { silence: silent.silence, nextRunAt: T0 + DAY } });
  });

  test("the same again changes nothing", () => {
    const until = T0 + DAY;
    const silent = outcomeOf(fired, { kind: "promise", until });
    expect(answerTo(silent, { kind: "promise", until }, ANN, moment(T0 + HOUR)).kind).toBe("unchanged");
  });

  test("while it is PAUSED or deleted, it can't be put off", () => {
    for (const fields of [{ status: "PAUSED" }, { deletedAt: T0 }] as const) {
      const answered = answerTo({ ...fired, ...fields }, { kind: "snooze", until: T0 + DAY }, ANN, moment(T0));
      expect(answered.kind).toBe("refused");
    }
  });
});

describe("done", () => {
  const byFlag = { ...fired, stopCondition: { type: "db_check", value: "paid:{entity_id}", settings: null } };

  test("sets the flag that it waits for, or completes it, as the reminder says", () => {
    expect(answerTo(byFlag, { kind: "done" }, ANN, moment(T0))).toMatchObject({
      kind: "noted",
      flagKey: "paid:INT_100",
    });
    const told = answerTo({ ...byFlag, doneMeans: "complete" }, { kind: "done" }, ANN, moment(T0));
    expect(told).toMatchObject({ reminder: { status: "COMPLETED", completionReason: "done", nextRunAt: null } });
    expect(outcomeOf(fired, { kind: "done" })).toMatchObject({ status: "COMPLETED", completionReason: "done" });
  });

  test("a flag that can't be there is not waited for", () => {
    expect(doneMeans({ doneMeans: "flag", stopCondition: { type: "max_attempts", value: "3", settings: null } })).toBe(
      "complete",
    );
  });

  test("again, it changes nothing", () => {
    expect(answerTo(ended("done"), { kind: "done" }, ANN, moment(T0)).kind).toBe("unchanged");
  });
});

describe("not me", () => {
  test("nobody is nagged any more, and a person must look at it", () => {
    expect(outcomeOf(fired, { kind: "not_me", to: null })).toMatchObject({
      status: "PAUSED",
      needsAttention: "ann@example.com said that it isn't theirs: give it another recipient, then resume it",
    });
  });

  test("somebody else may be named only where the reminder allows it, and hears of it at once", () => {
    const answer = { kind: "not_me", to: "bob@example.com" } as const;
    expect(answerTo(fired, answer, ANN, moment(T0))).toMatchObject({ kind: "refused" });
    const theirs = outcomeOf({ ...fired, allowsReassign: true }, answer);
    expect(theirs).toMatchObject({ status: "ACTIVE", recipient: "bob@example.com", nextRunAt: T0 + MINUTE });
    const once = outcomeOf({ ...ended("one_time_sent"), allowsReassign: true }, answer);
    expect(once).toMatchObject({ status: "ACTIVE", recipient: "bob@example.com", nextRunAt: T0 + MINUTE });
  });
});

test("stop asks for a person while the address is the one that it goes to", () => {
  const answer = { kind: "stop", address: "Ann@example.com", scope: "reminder" } as const;
  expect(outcomeOf({ ...fired, recipient: "ann@example.com" }, answer).needsAttention).toMatch(
    /no more of this reminder/,
  );
  const elses = answerTo({ ...fired, recipient: "bob@example.com" }, answer, ANN, moment(T0));
  expect(elses).toMatchObject({ kind: "noted", change: { type: "opted_out" } });
});

test("stop, and taking it back, leave alone what a person must look at besides", () => {
  const paused = {
    ...fired,
    status: "PAUSED" as const,
    recipient: "ann@example.com",
    needsAttention: "it has fired 22 times",
  };
  const stop = { kind: "stop", address: "ann@example.com", scope: "reminder" } as const;
  const stopped = outcomeOf(paused, stop);
  expect(stopped.needsAttention).toMatch(/^it has fired 22 times; .* wants no more of this reminder: /);
  expect(outcomeOf(stopped, stop).needsAttention).toBe(stopped.needsAttention);
  const again = outcomeOf(stopped, { kind: "start", scope: "reminder" });
  expect(again).toMatchObject({ status: "PAUSED", needsAttention: "it has fired 22 times" });
  const both = outcomeOf(stopped, { ...stop, scope: "event_type" });
  const one = outcomeOf(both, { kind: "start", scope: "reminder" });
  expect(outcomeOf(one, { kind: "start", scope: "event_type" }).needsAttention).toBe("it has fired 22 times");
  // Whatever stands in its words.
  const odd = { ...paused, eventType: "pay; then: it", needsAttention: null };
  const no = { ...stop, scope: "event_type" } as const;
  const twice = outcomeOf(outcomeOf(odd, no), no);
  expect(twice.needsAttention?.match(/wants no more/g)).toHaveLength(1);
  expect(outcomeOf(twice, { kind: "start", scope: "event_type" }).needsAttention).toBeNull();
  const theirs = outcomeOf({ ...paused, allowsReassign: true }, { kind: "not_me", to: "bob@example.com" });
  expect(theirs).toMatchObject({ status: "PAUSED", needsAttention: "it has fired 22 times" });
});

test("whoever is named of several people stays as they are written, and what they have done with that", () => {
  const people = (...addresses: string[]) => ({
    ...NO_PEOPLE,
    recipients: addresses.map((address) => ({ address })),
  });
  const named = (to: string, ...addresses: string[]) => {
    const several = { ...fired, allowsReassign: true, people: people(...addresses) };
    const beside = { kind: "recipients", person: "ann@example.com", address: "ann@example.com" } as const;
    return outcomeOf(several, { kind: "not_me", to, beside }).people;
  };
  for (const order of [
    ["bob@example.com", "ann@example.com"],
    ["ann@example.com", "bob@example.com"],
  ])
    expect(named("Bob@Example.com", ...order)).toEqual(people("bob@example.com"));
  expect(named("eve@example.com", "ann@example.com", "bob@example.com")).toEqual(
    people("eve@example.com", "bob@example.com"),
  );
});
