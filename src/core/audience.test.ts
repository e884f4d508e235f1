import { expect, test } from "vitest";
import { reminderRecord, T0 } from "../../test/support/reminders.ts";
import { type Audience, addressees } from "./audience.ts";
import { NO_PEOPLE, type Recipient, toAddressed } from "./people.ts";
import { namesOfDone } from "./people-done.ts";
import type { Person } from "./person.ts";
import { readPolicy, type Step } from "./policy.ts";
import { HAS_DONE_THEIRS } from "./recheck.ts";

const ANN = { contact: { entity_type: "person", entity_id: "ann" } };
const STEP: Step = {
  ...{ number: 1, after: null, to: ["recipient", { address: "BOSS@example.org" }], channel: null, template: null },
  ...{ interval: null, repeat: null, unsubscribes: false },
};

/** Who gets an occurrence of a reminder for these. */
function found(recipients: readonly Recipient[], marks: readonly string[] = [], step: Step | null = null) {
  const people = { ...NO_PEOPLE, recipients };
  const ann = { entityType: "person", entityId: "ann", email: "ann@example.org", preferences: null, delegate: null };
  const audience: Audience = {
    ...{ policy: null, wasGiven: true, flaw: null, done: namesOfDone(people, marks) },
    contacts: new Map([["person/ann", ann as unknown as Person]]),
  };
  const ways = { addressOf: (_channel: string, { email }: Person) => email };
  return addressees(reminderRecord({ people }), step, audience, ways, T0);
}

const placesOf = (all: ReturnType<typeof found>): (string | null)[] => all.map(({ recipient }) => recipient);

test("who is there as an address and as a contact gets it once, however the address is written", () => {
  expect(placesOf(found([{ address: "Ann@Example.org" }, ANN]))).toEqual(["Ann@Example.org"]);
  expect(placesOf(found([ANN, { address: "Ann@Example.org" }]))).toEqual(["ann@example.org"]);
});

test("whom a step names besides gets it once as well, and no more once they have done theirs", () => {
  const boss = { address: "boss@example.org" };
  const once = found([boss], [], STEP);
  expect(once.map(({ recipient, optedOut }) => [recipient, optedOut])).toEqual([["boss@example.org", null]]);

  const others = found([boss, ANN], ["boss@example.org"], STEP);
  expect(others.map(({ recipient, optedOut }) => [recipient, optedOut])).toEqual([
    ["ann@example.org", null],
    ["BOSS@example.org", HAS_DONE_THEIRS],
  ]);
});

test("a message says that it has escalated from its policy's second step on", () => {
  const policy = readPolicy(
    JSON.stringify({ steps: [{ to: ["recipient"] }, { after: { sends: 1 }, to: ["recipient"] }] }),
  );
  const audience: Audience = {
    ...{ policy, wasGiven: true, flaw: null, done: new Set<string>(), contacts: new Map() },
  };
  const reminder = reminderRecord({ people: { ...NO_PEOPLE, recipients: [{ address: "ann@example.org" }] } });
  const ofEach = policy.steps.map((step) => addressees(reminder, step, audience, { addressOf: () => null }, T0));
  const asKept = ofEach.map(([one]) => toAddressed(JSON.parse(JSON.stringify(one?.addressed))));
  expect(asKept.map((addressed) => addressed?.hasEscalated ?? false)).toEqual([false, true]);
});

test("who has done theirs gets no more, though their address is written otherwise since", () => {
  expect(placesOf(found([{ address: "BOB@example.org" }, ANN], ["bob@example.org"]))).toEqual(["ann@example.org"]);
});

test.each([
  ["URLs that differ behind their host", "https://example.org/T/a", "https://example.org/T/A"],
  ["other services' names", "alerts", "Alerts"],
  ["contacts' names", "user/a@example.org", "user/A@example.org"],
])("what may be two places gets it at both: %s", (_what, one, other) => {
  expect(placesOf(found([{ address: one }, { address: other }]))).toEqual([one, other]);
});
