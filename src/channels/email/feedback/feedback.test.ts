import { describe, expect, test } from "vitest";
import { readMime } from "../received/mime.ts";
import { feedbackOfMail as feedbackOf } from "./dsn.ts";
import { type Feedback, kindOf } from "./feedback.ts";
import { feedbackOfMailgun } from "./mailgun.ts";
import { feedbackOfPostmark } from "./postmark.ts";
import { feedbackOfSendGrid } from "./sendgrid.ts";
import { feedbackOfSes } from "./ses.ts";

const ADDRESS = "ann@example.com";
const kinds = (feedback: Feedback[]) => feedback.map(({ kind }) => kind);

test.each([
  ["5.1.1", "hard"],
  ["5.1.2", "hard"],
  ["5.1.10", "hard"],
  ["5.2.1", "hard"],
  ["5.2.2", "soft"],
  ["5.3.4", "soft"],
  ["5.4.4", "soft"],
  ["5.7.1", "soft"],
  ["4.2.2", "soft"],
  ["5.0.0", "hard"],
  [null, "hard"],
])("of what is permanent, %s is %s", (code, kind) => {
  expect(kindOf(code, true)).toBe(kind);
});

describe("Amazon SES", () => {
  const bounce = (bounceType: string, recipient: object) => ({
    notificationType: "Bounce",
    mail: {
      source: "bounces+1-a-0-x@example.com",
      headers: [{ name: "Message-ID", value: "<1-1736947800000-0@company.example>" }],
    },
    bounce: { bounceType, bounceSubType: "General", bouncedRecipients: [{ emailAddress: ADDRESS, ...recipient }] },
  });

  test("tells of a mailbox that isn't there, and of which message", () => {
    const words = { status: "5.1.1", diagnosticCode: "smtp; 550 5.1.1 user unknown" };
    expect(feedbackOfSes(bounce("Permanent", words))).toEqual([
      {
        address: ADDRESS,
        kind: "hard",
        because: "smtp; 550 5.1.1 user unknown (General)",
        returnPath: "bounces+1-a-0-x@example.com",
        messageId: "1-1736947800000-0@company.example",
      },
    ]);
  });

  test.each([
    ["a full mailbox", bounce("Transient", { status: "5.1.1" }), ["soft"]],
    ["no route, though it calls that permanent", bounce("Permanent", { status: "5.4.4" }), ["soft"]],
    ["nobody knows what", bounce("Undetermined", {}), ["soft"]],
    ["a delivery", { notificationType: "Delivery", mail: {} }, []],
    ["an event", { ...bounce("Permanent", {}), notificationType: undefined, eventType: "Bounce" }, ["hard"]],
    [
      "a complaint",
      { notificationType: "Complaint", complaint: { complainedRecipients: [{ emailAddress: ADDRESS }] } },
      ["complaint"],
    ],
    [
      "its opposite",
      { notificationType: "Complaint", complaint: { complaintFeedbackType: "not-spam", complainedRecipients: [{}] } },
      [],
    ],
  ])("%s", (_, message, expected) => {
    expect(kinds(feedbackOfSes(message))).toEqual(expected);
  });
});

test.each([
  [{ event: "bounce", type: "bounce", status: "5.1.1", reason: "550 unknown" }, ["hard"]],
  [{ event: "bounce", type: "bounce", status: "5.4.4" }, ["soft"]],
  [{ event: "bounce", type: "blocked", status: "5.7.1" }, ["soft"]],
  [{ event: "dropped", reason: "Bounced Address" }, ["hard"]],
  [{ event: "dropped", reason: "Spam Content" }, ["soft"]],
  [{ event: "spamreport" }, ["complaint"]],
  [{ event: "group_unsubscribe" }, ["unsubscribed"]],
  [{ event: "deferred", response: "451" }, []],
  [{ event: "open" }, []],
])("SendGrid: %j", (event, expected) => {
  const found = feedbackOfSendGrid([{ email: ADDRESS, "smtp-id": "<1-2-0@company.example>", ...event }]);
  expect(kinds(found)).toEqual(expected);
  for (const one of found) expect(one).toMatchObject({ address: ADDRESS, messageId: "1-2-0@company.example" });
});

test("where a provider has no words of its own, why is said in ours", () => {
  const said = (feedback: Feedback[]) => feedback.map(({ because }) => because);
  expect(said(feedbackOfSendGrid([{ event: "spamreport" }, { event: "unsubscribe" }]))).toEqual([
    "the reader calls it spam",
    "the reader unsubscribed",
  ]);
  expect(said(feedbackOfMailgun({ "event-data": { event: "complained" } }))).toEqual(["the reader calls it spam"]);
  expect(said(feedbackOfPostmark({ RecordType: "SpamComplaint" }))).toEqual(["the reader calls it spam"]);
});

test.each([
  [{ event: "failed", severity: "permanent", "delivery-status": { code: 550, message: "5.1.1 unknown" } }, ["hard"]],
  [{ event: "failed", severity: "permanent", "delivery-status": { code: 550, message: "5.4.4 no route" } }, ["soft"]],
  [{ event: "failed", severity: "temporary", "delivery-status": { code: 452 } }, ["soft"]],
  [{ event: "failed", severity: "permanent", reason: "suppress-bounce" }, ["hard"]],
  [{ event: "complained" }, ["complaint"]],
  [{ event: "unsubscribed" }, ["unsubscribed"]],
  [{ event: "delivered" }, []],
])("Mailgun: %j", (event, expected) => {
  expect(kinds(feedbackOfMailgun({ "event-data": { recipient: ADDRESS, ...event } }))).toEqual(expected);
});

test.each([
  [{ RecordType: "Bounce", Type: "HardBounce", Details: "550 5.1.1" }, ["hard"]],
  [{ RecordType: "Bounce", Type: "SoftBounce" }, ["soft"]],
  [{ RecordType: "Bounce", Type: "DnsError" }, ["soft"]],
  [{ RecordType: "Bounce", Type: "AutoResponder" }, []],
  [{ RecordType: "Bounce", Type: "SpamNotification", Inactive: false }, ["soft"]],
  [{ RecordType: "Bounce", Type: "SpamNotification", Inactive: true }, ["complaint"]],
  [{ RecordType: "SpamComplaint", Type: "SpamComplaint" }, ["complaint"]],
  [
    { RecordType: "SubscriptionChange", SuppressSending: true, SuppressionReason: "ManualSuppression" },
    ["unsubscribed"],
  ],
  [{ RecordType: "SubscriptionChange", SuppressSending: false }, []],
  [{ RecordType: "Open" }, []],
])("Postmark: %j", (body, expected) => {
  expect(kinds(feedbackOfPostmark({ Email: ADDRESS, ...body }))).toEqual(expected);
});

test.each([
  null,
  5,
  "x",
  [],
  [[]],
  [null],
  {},
  { "event-data": 5 },
  { bounce: { bouncedRecipients: "x" } },
  { __proto__: null },
])("what is no such thing tells nothing: %j", (body) => {
  for (const told of [feedbackOfSes, feedbackOfSendGrid, feedbackOfMailgun, feedbackOfPostmark]) {
    expect(told(body)).toEqual([]);
  }
});

test("of a mail with lines without end the first 6,000 are read: each takes its time", async () => {
  const { text } = await readMime(Buffer.from(`From: ann@example.com\r\n\r\n${"x\r\n".repeat(80_000)}`));
  expect(text?.trim().split("\n")).toHaveLength(5_998);
});

describe("mail that came back", () => {
  const feedbackOfMail = async (mail: Buffer, envelopeTo: string | null) =>
    feedbackOf(await readMime(mail), envelopeTo);
  const report = (fields: string, to = "bounces+1-a-0-x@example.com") =>
    Buffer.from(
      `From: MAILER-DAEMON@mx.example.org\r\nTo: <${to}>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n` +
        `Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n` +
        `Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n${fields}\r\n--b\r\n` +
        `Content-Type: message/rfc822\r\n\r\nSubject: Reminder\r\n\r\nhello\r\n--b--\r\n`,
    );
  const failed = (status: string, words = "smtp; 550 no") =>
    report(
      `Final-Recipient: rfc822; ${ADDRESS}\r\nAction: failed\r\nStatus: ${status}\r\nDiagnostic-Code: ${words}\r\n`,
    );

  test("says who, why and which message it was", async () => {
    const folded = "smtp; 550 5.1.1\r\n <ann@example.com>: Recipient\r\n\taddress rejected";
    expect(await feedbackOfMail(failed("5.1.1", folded), null)).toEqual([
      {
        address: ADDRESS,
        kind: "hard",
        because: "550 5.1.1 <ann@example.com>: Recipient address rejected",
        returnPath: "bounces+1-a-0-x@example.com",
        messageId: null,
      },
    ]);
    const [told] = await feedbackOfMail(failed("5.1.1"), "Bounces+2-b-0-y@example.com");
    expect(told?.returnPath).toBe("Bounces+2-b-0-y@example.com");
  });

  test.each([
    ["5.4.4", "smtp; no route", "soft"],
    ["5.2.2", "smtp; 552 mailbox full", "soft"],
    ["4.4.7", "smtp; timed out", "soft"],
    ["5.7.1", "smtp; 550 blocked", "soft"],
    ["5.0.0", "smtp; 550 user unknown", "hard"],
    ["5.0.0", "smtp; 554 rejected", "soft"],
  ])("%s (%s) is %s", async (status, words, kind) => {
    expect(kinds(await feedbackOfMail(failed(status, words), null))).toEqual([kind]);
  });

  test("in UTF-8, from servers that speak it with each other, says the same", async () => {
    const fields = `Original-Recipient: utf-8; ${ADDRESS}\r\nFinal-Recipient: utf-8; änn@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n`;
    const mail = report(fields).toString().replace("message/delivery-status", "message/global-delivery-status");
    const [told, ...others] = await feedbackOfMail(Buffer.from(mail), null);
    expect(others).toEqual([]);
    expect(told).toMatchObject({ address: ADDRESS, kind: "hard", returnPath: "bounces+1-a-0-x@example.com" });
  });

  test("that is delayed isn't lost, and that was relayed says nothing", async () => {
    expect(
      kinds(
        await feedbackOfMail(report("Final-Recipient: rfc822; a@b.c\r\nAction: delayed\r\nStatus: 4.4.1\r\n"), null),
      ),
    ).toEqual(["soft"]);
    expect(
      await feedbackOfMail(report("Final-Recipient: rfc822; a@b.c\r\nAction: relayed\r\nStatus: 2.1.9\r\n"), null),
    ).toEqual([]);
  });

  test.each([
    [
      "an answer of who is out of office",
      "From: ann@example.com\r\nAuto-Submitted: auto-replied\r\nSubject: Out of office: 5.1.1 user unknown\r\n\r\n550 5.1.1 user unknown\r\n",
    ],
    [
      "a person's",
      "From: ann@example.com\r\n\r\nFinal-Recipient: rfc822; ann@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n",
    ],
    ["nothing", ""],
    ["a part in a part in a part", `${'Content-Type: multipart/mixed; boundary="a"\r\n\r\n--a\r\n'.repeat(15)}x`],
  ])("but is %s says nothing", async (_, mail) => {
    expect(await feedbackOfMail(Buffer.from(mail), null)).toEqual([]);
  });
});
