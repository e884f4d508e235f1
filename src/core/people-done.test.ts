import { expect, test } from "vitest";
import { HOUR, MINUTE, reminderRecord, T0 } from "../../test/support/reminders.ts";
import { NO_PEOPLE } from "./people.ts";
import { doneCount, hasDone, namesOfDone, recipientsDone, whyDoneByNow } from "./people-done.ts";
import { DEFAULT_RETRY } from "./retry.ts";
import { simulate } from "./simulate.ts";

const people = (...addresses: string[]) => ({
  ...NO_PEOPLE,
  recipients: addresses.map((address) => ({ address })),
});

test("what somebody has done counts for them though their address is written otherwise since, and once", () => {
  const both = people("Ann@example.org", "bob@example.org");
  const done = namesOfDone(both, ["ann@example.org", "ANN@example.org", "eve@example.org"]);
  expect(recipientsDone(both, done)).toEqual(["Ann@example.org"]);
  expect(doneCount(both, done)).toBe(1);
  expect(hasDone(both, done, "ann@EXAMPLE.org")).toBe(true);
  expect(hasDone(both, done, "bob@example.org")).toBe(false);
  expect(hasDone(both, done, null)).toBe(false);
});

test("an address that is there twice, in other capitals, is done twice: so all of them can be", () => {
  const twice = people("Ann@example.org", "ann@example.org");
  expect(doneCount(twice, namesOfDone(twice, ["ann@example.org"]))).toBe(1);
  expect(doneCount(twice, namesOfDone(twice, ["ann@example.org", "Ann@example.org"]))).toBe(2);
  const same = people("ann@example.org", "ann@example.org");
  expect(doneCount(same, namesOfDone(same, ["ann@example.org"]))).toBe(2);
});

test("where there are no recipients, whoever has done it is the one", () => {
  expect(doneCount(NO_PEOPLE, namesOfDone(NO_PEOPLE, []))).toBe(0);
  expect(doneCount(NO_PEOPLE, namesOfDone(NO_PEOPLE, ["a", "b"]))).toBe(1);
});

test("a life counts those who are its people now, as the engine does", () => {
  const three = people("ANN@example.org", "bob@example.org", "carl@example.org");
  const done = namesOfDone(three, ["ann@example.org", "eve@example.org"]);
  const says = (person: string, at: number) => ({ at, wish: { kind: "person_done" as const, person } });
  const life = simulate(reminderRecord({ people: three }), {
    ...{ until: T0 + 6 * HOUR, stopMetAt: null, stopHeardAfterMs: 0, outages: [], retry: DEFAULT_RETRY },
    ...{ draw: () => 0.5, receive: () => ({ answer: "sent", takesMs: 0 }) },
    wishes: [says("bob@example.org", T0 + 90 * MINUTE), says("carl@example.org", T0 + 150 * MINUTE)],
    audience: {
      known: { policy: null, wasGiven: true, contacts: new Map(), flaw: null, done },
      ways: { addressOf: () => null },
    },
  });
  expect(life.reminder).toMatchObject({ completionReason: "people_done", completedAt: T0 + 150 * MINUTE });
  expect(life.deliveries.map(({ to }) => to?.recipient)).toEqual([
    ...["bob@example.org", "carl@example.org", "bob@example.org", "carl@example.org"],
    "carl@example.org",
  ]);
});

test("what takes no more than have done theirs already, as others were taken off since, is done when it is due next", () => {
  const life = simulate(reminderRecord({ people: people("ANN@example.org") }), {
    ...{ until: T0 + 6 * HOUR, stopMetAt: null, stopHeardAfterMs: 0, outages: [], retry: DEFAULT_RETRY, wishes: [] },
    ...{ draw: () => 0.5, receive: () => ({ answer: "sent", takesMs: 0 }) },
    audience: {
      known: {
        ...{ policy: null, wasGiven: true, contacts: new Map(), flaw: null },
        done: namesOfDone(people("ANN@example.org"), ["ann@example.org"]),
      },
      ways: { addressOf: () => null },
    },
  });
  expect(life.reminder).toMatchObject({ status: "COMPLETED", completionReason: "people_done" });
  expect(life.deliveries).toEqual([]);
});

test.each([
  ["all that are left", people("ann@example.org"), "1 of 1 have done theirs, and it takes 1"],
  ["any", { ...people("ann@example.org", "bob@example.org"), completesWhen: "any" as const }, "1 of 2 have done"],
  ["one of two", people("ann@example.org", "bob@example.org"), null],
  ["nobody, for there are none", people(), null],
  ["nobody, for it is for one", NO_PEOPLE, null],
])("who has done theirs is enough by now: %s", (_what, those, because) => {
  const why = whyDoneByNow(those, namesOfDone(those, ["ann@example.org"]));
  if (because === null) expect(why).toBeNull();
  else expect(why).toContain(because);
});
