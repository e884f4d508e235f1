import { expect, test } from "vitest";
import { DELIVERY, TWILIO } from "../../../test/support/documented-feedback.ts";
import { feedbackOfTwilio } from "./feedback.ts";

test.each(TWILIO.map((one) => [one.what, one] as const))(
  "Twilio, as its documentation has it, tells: %s",
  (_, { body, means }) => {
    const told = feedbackOfTwilio(body, DELIVERY);
    expect(told.map(({ kind, address }) => [kind, address])).toEqual(means);
  },
);
