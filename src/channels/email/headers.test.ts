import { expect, test } from "vitest";
import { exampleMessage } from "../../../test/support/message.ts";
import { readDeliveryId } from "../../core/reminder.ts";
import { feedbackOfPostmark } from "./feedback/postmark.ts";
import { messageHeaders } from "./headers.ts";

const headersBy = (...hosts: string[]) =>
  messageHeaders(exampleMessage(), {
    ...{ from: "noreply@company.example", root: null, own: {}, unsubscribeUrl: null },
    servers: hosts.map((host) => ({ host })),
  }).headers;

test("Postmark is asked to leave the Message-ID alone, and tells by its metadata which message it speaks of", () => {
  const headers = headersBy("smtp.example.com", "smtp.postmarkapp.com");
  expect(headers["X-PM-KeepID"]).toBe("true");

  const Metadata = { "message-id": headers["X-PM-Metadata-message-id"] };
  const [told] = feedbackOfPostmark({ RecordType: "Bounce", Type: "HardBounce", Email: "ann@example.com", Metadata });

  const { idempotencyKey } = exampleMessage();
  expect(told?.messageId).toBe(`${idempotencyKey}@postmark`);
  expect(readDeliveryId(idempotencyKey)).not.toBeNull();
  // What Postmark takes for a name and a value of its metadata.
  expect("message-id".length).toBeLessThanOrEqual(20);
  expect(told?.messageId?.length).toBeLessThanOrEqual(80);
});

test.each([["smtp.example.com"], ["postmarkapp.com.example"], ["notpostmarkapp.com"]])(
  "no other server gets words for Postmark: %s",
  (host) => {
    expect(Object.keys(headersBy(host)).filter((name) => name.startsWith("X-PM"))).toEqual([]);
  },
);
