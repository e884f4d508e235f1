import { generateKeyPairSync } from "node:crypto";
import ICAL from "ical.js";
import { describe, expect, onTestFinished, test } from "vitest";
import { BrokenAccount, toEmailAccount } from "../../src/channels/email/account.ts";
import { readDkim } from "../../src/channels/email/dkim.ts";
import { createEmailChannel, type EmailSettings } from "../../src/channels/email/email.ts";
import { textOf } from "../../src/channels/email/plain-text.ts";
import { readReturnPath } from "../../src/channels/email/return-path.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { unhurried } from "../support/email.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";
import { type ReceivedMail, startSmtp } from "../support/smtp.ts";

/** What arrives of one message, by an account as a tenant would set it. */
async function arrived(
  account: JsonObject = {},
  changes: MessageChanges = {},
  settings: Partial<EmailSettings> = {},
): Promise<ReceivedMail> {
  const smtp = await startSmtp();
  const stored = { smtp_host: "127.0.0.1", smtp_port: smtp.port, smtp_tls: "off", from_email: "noreply@acme.example" };
  const own = toEmailAccount({ ...stored, ...account }, new Map());
  const email = createEmailChannel({
    ...{ from: { address: "a@example.com", name: "A" }, server: null, concurrency: 5, print: () => {} },
    ownAccount: async () => own,
    ...settings,
  });
  onTestFinished(() => email.close());
  await email.send(exampleMessage(changes), unhurried);
  return smtp.received[0] as ReceivedMail;
}

const headersOf = ({ raw }: ReceivedMail): string => raw.slice(0, raw.indexOf("\r\n\r\n"));

describe("own headers", () => {
  test("are set beside ours, and mail that comes back goes where the account says", async () => {
    const mail = await arrived({
      headers: { "X-Team": "billing", "Reply-To": "help@acme.example", "List-Id": "<reminders.acme.example>" },
      envelope_from: "bounces@mail.acme.example",
    });
    expect(mail.envelope.from).toBe("bounces@mail.acme.example");
    expect(mail.mail.from?.value[0]?.address).toBe("noreply@acme.example");
    expect(headersOf(mail)).toMatch(/^X-Team: billing\r$/m);
    expect(mail.mail.replyTo?.value).toEqual([{ name: "", address: "help@acme.example" }]);
    expect(mail.mail.headers.get("auto-submitted")).toBe("auto-generated");
  });

  test.each([
    ...["From", "To", "Cc", "Bcc", "Sender", "Subject", "Date", "Message-ID", "In-Reply-To", "References"],
    ...["MIME-Version", "Content-Type", "Content-Transfer-Encoding", "DKIM-Signature", "Received", "Return-Path"],
    ...["Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "List-Unsubscribe", "List-Unsubscribe-Post"],
    ...[
      "Resent-To",
      "X-Received",
      "X-Envelope-To",
      "",
      "X Team",
      "X-Team:",
      "X-Täm",
      "X-Team\r\nBcc",
      `X-${"a".repeat(99)}`,
    ],
  ])("that would make it another message are refused: %j", (name) => {
    const settings = { smtp_host: "h", from_email: "a@acme.example", headers: { [name]: "x@acme.example" } };
    expect(() => toEmailAccount(settings, new Map())).toThrow(BrokenAccount);
  });

  test.each(["", " ", "a\r\nBcc: evil@example.net", "a\nb", "a\rb", "a\0b", "ü", "a\u2028b", "x".repeat(301)])(
    "with such a value are refused: %j",
    (value) => {
      const settings = { smtp_host: "h", from_email: "a@acme.example", headers: { "X-Team": value } };
      expect(() => toEmailAccount(settings, new Map())).toThrow(BrokenAccount);
    },
  );

  test.each([{ "Reply-To": "a@acme.example, evil@example.net" }, { "X-A": "1", "x-a": "2" }])(
    "that are more than one are refused: %j",
    (headers) => {
      const settings = { smtp_host: "h", from_email: "a@acme.example", headers };
      expect(() => toEmailAccount(settings, new Map())).toThrow(BrokenAccount);
    },
  );
});

test("mail that comes back goes to an address that tells the delivery, where there is one for that", async () => {
  const secret = "b".repeat(32);
  const bounces = { address: null, secret };
  const { envelope, mail } = await arrived({ bounce_address: "bounces@mail.acme.example" }, {}, { bounces });
  expect(envelope.from).toMatch(/^bounces\+[0-9a-z-]+@mail\.acme\.example$/);
  const delivery = { reminderId: 1, occurrenceAt: exampleMessage().occurrenceAt, recipientNo: 0 };
  expect(readReturnPath(envelope.from, secret)).toEqual(delivery);
  expect(mail.from?.value[0]?.address).toBe("noreply@acme.example");
  expect((await arrived({}, {}, { bounces })).envelope.from).toBe("noreply@acme.example");
});

describe("unsubscribing", () => {
  const url = `https://reminders.acme.example/u/${"t".repeat(200)}`;
  const pem = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({ type: "pkcs8", format: "pem" });
  const dkim = readDkim("noreply@acme.example", { domain: null, selector: "s1", pem: pem.toString() });

  test("by one click is offered as RFC 8058 has it: on one line each, and signed", async () => {
    const smtp = await startSmtp();
    const email = createEmailChannel({
      from: { address: "noreply@acme.example", name: "Acme" },
      server: { host: "127.0.0.1", port: smtp.port, username: null, password: null, tls: "off" },
      ...{ concurrency: 5, print: () => {}, dkim, unsubscribeUrl: () => url },
    });
    onTestFinished(() => email.close());
    await email.send(exampleMessage(), unhurried);
    const head = headersOf(smtp.received[0] as ReceivedMail);
    expect(head).toContain(`\r\nList-Unsubscribe: <${url}>\r\n`);
    expect(head).toMatch(/\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click(\r\n|$)/);
    const signed = /;\s*h=([^;]*);/.exec(head.replaceAll(/\r\n\s+/g, ""))?.[1]?.split(":");
    expect(signed).toEqual(expect.arrayContaining(["list-unsubscribe", "list-unsubscribe-post"]));
  });

  test.each([
    "http://reminders.acme.example/u",
    "https://a.example/u>, <mailto:evil@example.net",
    "https://a.example/\r\nBcc: evil@example.net",
    `https://a.example/${"t".repeat(500)}`,
    "javascript:alert(1)",
  ])("isn't offered where its URL can't be written so: %j", async (bad) => {
    const mail = await arrived({}, {}, { unsubscribeUrl: () => bad });
    expect(headersOf(mail)).not.toMatch(/unsubscribe|^bcc/im);
  });
});

describe("a reminder that has a date", () => {
  function eventIn({ mail }: ReceivedMail): ICAL.Event {
    const [attachment] = mail.attachments.filter(({ filename }) => filename === "reminder.ics");
    const calendar = new ICAL.Component(ICAL.parse((attachment as { content: Buffer }).content.toString()));
    expect(calendar.getFirstPropertyValue("method")).toBe("PUBLISH");
    return new ICAL.Event(calendar.getFirstSubcomponent("vevent") ?? undefined);
  }
  const withDate = (data: JsonObject, number = 3): MessageChanges => ({ reminder: { data }, occurrenceNumber: number });

  test("brings it as a calendar, the same event each time", async () => {
    const data = {
      starts_at: "2026-03-29T09:30:00+02:00",
      ends_at: "2026-03-29T10:00:00+02:00",
      location: "Room\r\n5",
    };
    const first = eventIn(await arrived({}, withDate(data, 1)));
    const third = eventIn(await arrived({}, withDate(data, 3)));
    expect(first.uid).toBe("reminder-1@acme.example");
    expect(third.uid).toBe(first.uid);
    expect([first.sequence, third.sequence]).toEqual([1, 3]);
    expect(first.summary).toBe("Reminder: Feedback form (interviewer INT_100)");
    expect(first.location).toBe("Room  5");
    expect(first.startDate.toJSDate().toISOString()).toBe("2026-03-29T07:30:00.000Z");
    expect(first.endDate.toJSDate().toISOString()).toBe("2026-03-29T08:00:00.000Z");
  });

  test("says who publishes it, as a calendar that is published must, whatever they are called", async () => {
    const data = { starts_at: "2026-03-29T09:30:00+02:00" };
    const { mail } = await arrived({ from_name: 'A "B" \\; C' }, withDate(data));
    const [{ content } = { content: Buffer.alloc(0) }] = mail.attachments;
    const organizer = new ICAL.Component(ICAL.parse(content.toString()))
      .getFirstSubcomponent("vevent")
      ?.getFirstProperty("organizer");
    expect(organizer?.getFirstValue()).toBe("mailto:noreply@acme.example");
    expect(organizer?.getFirstParameter("cn")).toBe("A B ; C");
  });

  test("a whole day is one", async () => {
    const event = eventIn(await arrived({}, withDate({ starts_at: "2026-05-01" })));
    expect([event.startDate.isDate, event.startDate.toString(), event.endDate.toString()]).toEqual([
      ...[true, "2026-05-01", "2026-05-02"],
    ]);
  });

  test.each([
    ...["tomorrow", "2026-13-45", "2026-05-01T09:00:00", "", "2026-05-01\r\nBEGIN:VALARM", 5, null, { a: 1 }],
  ])("none comes of what can't be read: %j", async (starts_at) => {
    const { mail } = await arrived({}, withDate({ starts_at } as JsonObject));
    expect(mail.attachments).toEqual([]);
    expect(mail.text).toContain("is still open");
  });
});

describe("text out of HTML", () => {
  test("reads well alone", async () => {
    const html = `<style>p{}</style><h1>Invoice</h1><p>It is <b>due</b>. Pay <a href="https://pay.example.com/4">here</a>,
      <a href="https://x.example">https://x.example</a></p><ul><li>one</li><li>two &amp; a half</li></ul><img src="x">`;
    expect(await textOf(html)).toBe(
      "INVOICE\n\nIt is due. Pay here <https://pay.example.com/4>, https://x.example\n\n * one\n * two & a half",
    );
  });

  test.each([
    "<div>".repeat(20_000),
    "<table><tr><td>".repeat(5_000),
    `<a href="${"x".repeat(60_000)}">`,
    "<".repeat(60_000),
    "&".repeat(60_000),
    "<ul><li>".repeat(8_000),
  ])("is bounded, whatever the HTML is (%#)", async (html) => {
    expect((await textOf(html)).length).toBeLessThan(200_000);
  });
});
