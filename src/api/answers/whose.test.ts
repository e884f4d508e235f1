import { expect, test } from "vitest";
import { reminderRecord } from "../../../test/support/reminders.ts";
import { NO_PEOPLE, type Recipient } from "../../core/people.ts";
import type { Asked } from "./asked.ts";
import { isSomebodyElsesByNow, isTheirs, placeOf } from "./whose.ts";

/** What a mail to Ann asked, of a reminder that goes to its contact. */
function asked(fields: Partial<Asked> & { email?: string | null }): Asked {
  const { email = "ann@example.org", ...others } = fields;
  return {
    ...{
      reminder: reminderRecord({ channel: "email", recipient: null }),
      channel: "email",
      recipient: "ann@example.org",
    },
    ...{ isOwn: true, person: null, via: null, former: null, contact: { email } },
    ...others,
  } as Asked;
}

const NOT_ME = { kind: "not_me", to: null } as Parameters<typeof isSomebodyElsesByNow>[1];

test.each([
  ["hers still, however it is written", { email: "Ann@Example.org" }, false],
  ["her contact has another address by now", { email: "eve@example.org" }, true],
  ["it has none, so nobody knows", { email: null }, false],
  ["it went over another channel", { email: "eve@example.org", channel: "sms", recipient: "+4915112345678" }, false],
  ["it went to her stand-in", { email: "eve@example.org", via: "person/ann" }, false],
  [
    "her mails go to another address than the usual one",
    { contact: { email: "office@example.org", addresses: { email: "ann@example.org" } } as never },
    false,
  ],
  ["she is only told of it", { email: "eve@example.org", isOwn: false }, false],
  ["it was given to Eve", { reminder: reminderRecord({ channel: "email", recipient: "eve@example.org" }) }, true],
])("whether it is somebody else's by now: %s", (_, fields, expected) => {
  expect(isSomebodyElsesByNow(asked(fields as Partial<Asked>), NOT_ME)).toBe(expected);
});

test.each([
  ["https://example.org/Hooks/A", "HTTPS://Example.ORG/Hooks/A", false],
  ["https://example.org/hooks/a", "https://example.org/Hooks/A", true],
])("of URLs capitals count behind the host: %s by now, was %s", (by, was, expected) => {
  const given = asked({
    channel: "webhook",
    recipient: was,
    reminder: reminderRecord({ channel: "webhook", recipient: by }),
  });
  expect(isSomebodyElsesByNow(given, NOT_ME)).toBe(expected);
  expect(isTheirs(given)).toBe(!expected);
});

test("where its channel knows where its contact is reached, numbers tell as well", () => {
  const reminder = reminderRecord({ channel: "sms", recipient: null });
  const given = asked({ reminder, channel: "sms", recipient: "+4915112345678" });
  expect(isSomebodyElsesByNow(given, NOT_ME, "+4915112345679")).toBe(true);
  for (const reachedAt of ["+4915112345678", null, undefined])
    expect(isSomebodyElsesByNow(given, NOT_ME, reachedAt)).toBe(false);
  expect(isSomebodyElsesByNow({ ...given, via: "person/bob" }, NOT_ME, "+4915112345679")).toBe(false);
});

const address = (text: string): Recipient => ({ address: text });
const contact = (entityId: string): Recipient => ({ contact: { entity_type: "person", entity_id: entityId } });

test.each<[string, Partial<Asked>, Recipient[], string | null]>([
  ["by name", { person: "person/ann" }, [contact("ann"), address("ann@example.org")], "person/ann"],
  ["however it is written", { person: "ann@example.org" }, [address("Ann@Example.org")], "Ann@Example.org"],
  [
    "the one that is written like that, where there are two",
    { person: "ann@example.org" },
    [address("Ann@Example.org"), address("ann@example.org")],
    "ann@example.org",
  ],
  ["of before there were several", {}, [address("bob@example.org"), address("ann@example.org")], "ann@example.org"],
  ["as whom it is about", {}, [contact("bob"), contact("ann")], "person/ann"],
  [
    "by where it went, though it was for a contact",
    { person: "person/a" },
    [address("ann@example.org")],
    "ann@example.org",
  ],
  ["not where they were told as a manager", { person: "person/a", isOwn: false }, [address("ann@example.org")], null],
  ["not another contact", {}, [contact("bob")], null],
  ["none any more", { person: "ann@example.org" }, [address("bob@example.org")], null],
])("who of several it is by now: %s", (_, fields, recipients, expected) => {
  const people = { ...NO_PEOPLE, recipients };
  const reminder = reminderRecord({ recipient: null, entityType: "person", entityId: "ann", people });
  const given = asked({ ...fields, reminder });
  expect(placeOf(given)).toBe(expected);
  expect(isTheirs(given)).toBe(expected !== null);
});
