import { expect, test } from "vitest";
import { reminderRecord } from "../../../test/support/reminders.ts";
import type { Asked } from "./asked.ts";
import { isSomebodyElsesByNow } from "./overturned.ts";

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
  ["she is only told of it", { email: "eve@example.org", isOwn: false }, false],
  ["it was given to Eve", { reminder: reminderRecord({ channel: "email", recipient: "eve@example.org" }) }, true],
])("whether it is somebody else's by now: %s", (_, fields, expected) => {
  expect(isSomebodyElsesByNow(asked(fields as Partial<Asked>), NOT_ME)).toBe(expected);
});
