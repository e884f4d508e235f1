import { describe, expect, test } from "vitest";
import {
  DELIVERY,
  type Documented,
  MAILGUN,
  POSTMARK,
  SENDGRID,
  SES,
} from "../../../../test/support/documented-feedback.ts";
import { readDeliveryId } from "../../../core/reminder.ts";
import type { Feedback } from "./feedback.ts";
import { feedbackOfMailgun } from "./mailgun.ts";
import { feedbackOfPostmark } from "./postmark.ts";
import { feedbackOfSendGrid } from "./sendgrid.ts";
import { feedbackOfSes } from "./ses.ts";

const PROVIDERS: [string, (body: unknown) => Feedback[], readonly Documented[]][] = [
  ["Amazon SES", feedbackOfSes, SES],
  ["SendGrid", feedbackOfSendGrid, SENDGRID],
  ["Mailgun", feedbackOfMailgun, MAILGUN],
  ["Postmark", feedbackOfPostmark, POSTMARK],
];

describe.each(PROVIDERS)("%s, as its documentation has it, tells", (_, feedbackOf, documented) => {
  test.each(documented.map((one) => [one.what, one] as const))("%s", (_, { body, means }) => {
    const told = feedbackOf(JSON.parse(JSON.stringify(body)));
    expect(told.map(({ kind, address }) => [kind, address])).toEqual(means);
    for (const { messageId, because } of told) {
      expect(because).not.toBe("");
      if (messageId !== null) expect(messageId.split("@")[0]).toBe(DELIVERY);
    }
  });

  test("of which message it speaks", () => {
    const [first] = feedbackOf(JSON.parse(JSON.stringify(documented[0]?.body)));
    const id = first?.messageId ?? "";
    expect(readDeliveryId(id.slice(0, id.lastIndexOf("@")))).toMatchObject({ reminderId: 17 });
  });
});
