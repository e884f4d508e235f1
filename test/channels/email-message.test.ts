import { describe, expect, test } from "vitest";
import { emailChannel, failure, unhurried } from "../support/email.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";
import { type ReceivedMail, startSmtp } from "../support/smtp.ts";

/** Sends one message through a real server and returns what arrived. */
async function arrived(changes: MessageChanges = {}): Promise<ReceivedMail> {
  const smtp = await startSmtp();
  await emailChannel({ port: smtp.port }).send(exampleMessage(changes), unhurried);
  const [mail] = smtp.received;
  if (mail === undefined || smtp.received.length !== 1) throw new Error(`${smtp.received.length} mails arrived`);
  return mail;
}

describe("an e-mail", () => {
  test("says what it is about, for whom, how often so far and when again, as text and as HTML", async () => {
    const { mail } = await arrived({
      contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/Berlin", locale: "en-GB" },
    });

    expect(mail.subject).toBe("Reminder: Feedback form (interviewer INT_100)");
    for (const part of [mail.text, mail.html]) {
      expect(part).toContain("Hello Ann,");
      expect(part).toContain("“Feedback form” for interviewer INT_100 is still open.");
      expect(part).toContain("come up 3 times since 15 January 2025");
      expect(part).toMatch(/Wednesday,? 15 January 2025 at 15:30 CET/);
      expect(part).toContain("stop by themselves");
    }
    expect(mail.from?.value).toEqual([{ name: "Reminder System", address: "noreply@company.example" }]);
    expect(mail.headers.get("content-type")).toMatchObject({ value: "multipart/alternative" });
  });

  test("tells machines not to answer, and offers no unsubscribing that doesn't exist", async () => {
    const { mail } = await arrived();

    expect(mail.headers.get("auto-submitted")).toBe("auto-generated");
    expect(mail.headers.get("x-auto-response-suppress")).toBe("OOF, AutoReply");
    for (const absent of ["precedence", "list", "list-unsubscribe", "list-unsubscribe-post"]) {
      expect(mail.headers.has(absent)).toBe(false);
    }
  });

  test("keeps its Message-ID over a retry, and shares it with no other message", async () => {
    const smtp = await startSmtp();
    const email = emailChannel({ port: smtp.port });
    const first = exampleMessage();

    const receipt = await email.send(first, unhurried);
    await email.send(first, unhurried);
    await email.send(exampleMessage({ occurrenceAt: first.occurrenceAt + 3_600_000, occurrenceNumber: 4 }), unhurried);
    await email.send(exampleMessage({ reminder: { id: 2 } }), unhurried);

    const ids = smtp.received.map(({ mail }) => mail.messageId);
    expect(ids[0]).toBe(`<1-${first.occurrenceAt}-0@company.example>`);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    expect(receipt).toEqual({ providerId: "250 queued as TEST1", demo: false });
    expect(new Set(smtp.received.map(({ mail }) => mail.subject)).size).toBe(1);
  });

  test("carries every script and emoji unharmed, in subject, text and HTML", async () => {
    const words = "Überfällig 📋 תזכורת 提醒 🧑‍🚀";

    const { mail } = await arrived({
      reminder: { subject: words, message: `${words}\n\n{{ data.note }}`, data: { note: "naïve ≥ 1 €" } },
    });

    expect(mail.subject).toBe(words);
    expect(mail.text).toContain(`${words}\n\nnaïve ≥ 1 €`);
    expect(mail.html).toContain(words);
    expect(mail.html).toContain("naïve ≥ 1 €");
  });

  test("fills in its own templates from the reminder, its data and its contact", async () => {
    const { mail } = await arrived({
      contact: { name: "Ann", email: "ann@example.com", timeZone: "America/New_York", locale: null },
      reminder: {
        subject: "{{ data.invoice }} is due ({{ occurrence_number }})",
        message:
          "Dear {{ contact.name }},\nplease look at {{ entity_type }} {{ entity_id }} by {{ next_run_at | date: '%H:%M' }}.",
        data: { invoice: "Invoice 42" },
      },
    });

    expect(mail.subject).toBe("Invoice 42 is due (3)");
    expect(mail.text).toContain("Dear Ann,\nplease look at interviewer INT_100 by 09:30.");
    expect(mail.html).toContain("Dear Ann,<br>");
    expect(mail.text).not.toContain("Hello Ann");
  });

  test("greets nobody by the contact's name but the contact", async () => {
    const contact = { name: "Ann", email: "ann@example.com", timeZone: null, locale: null };

    const { mail } = await arrived({ contact, recipient: "manager@example.com" });

    expect(mail.text).not.toContain("Ann");
  });
});

describe("nobody gets into an e-mail who was not meant to", () => {
  const LINE_ENDS = [
    "\r\nBcc: evil@example.net\r\n\r\nbody",
    "\nBcc: evil@example.net",
    "\rBcc: evil@example.net",
    "\u2028Bcc: evil@example.net",
  ];

  test.each(LINE_ENDS)("not by a line end in the subject, the data or an id (%j)", async (lineEnd) => {
    const { raw, mail, envelope } = await arrived({
      reminder: {
        subject: `Hello {{ data.x }}${lineEnd}`,
        entityId: `INT${lineEnd}`,
        eventType: `form${lineEnd}`,
        data: { x: lineEnd },
      },
    });

    expect(envelope.to).toEqual(["ann@example.com"]);
    expect(mail.bcc).toBeUndefined();
    expect(raw.split("\r\n\r\n")[0]).not.toMatch(/^bcc:/im);
    expect(mail.subject).toContain("evil@example.net");
  });

  test.each(["=?utf-8?Q?=0D=0ABcc:=20evil@example.net?=", "=?utf-8?Q?=E2=80=AEgpj.exe?=", "=?UTF-8?B?YWJj?="])(
    "not by what looks as if it were encoded: a subject is read as it was written (%s)",
    async (word) => {
      for (const own of [word, `Pay ${word} ${"x".repeat(50)} ${word}`, `${"Rückruf ".repeat(6)}${word}`]) {
        const { raw, mail } = await arrived({ reminder: { subject: own } });
        expect(mail.subject).toBe(own);
        const head = raw.split("\r\n\r\n")[0] as string;
        expect(Math.max(...head.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(78);
      }
    },
  );

  test.each(LINE_ENDS)("not by a line end in the sender's name (%j)", async (lineEnd) => {
    const smtp = await startSmtp();

    await emailChannel({ port: smtp.port }, { name: `Reminders${lineEnd}` }).send(exampleMessage(), unhurried);

    expect(smtp.received[0]?.envelope).toEqual({ from: "noreply@company.example", to: ["ann@example.com"] });
    expect(smtp.received[0]?.mail.bcc).toBeUndefined();
    expect(smtp.received[0]?.mail.from?.value).toHaveLength(1);
  });

  test("not by a delivery's key in the Message-ID", async () => {
    const { mail, envelope } = await arrived({ idempotencyKey: "1>\r\nBcc: <evil@example.net" });

    expect(mail.messageId).toBe("<1_3e__d__a_Bcc_3a__20__3c_evil_40_example.net@company.example>");
    expect(mail.bcc).toBeUndefined();
    expect(envelope.to).toHaveLength(1);
  });

  test.each([
    "a, evil@example.net",
    "a@example.com, evil@example.net",
    "Ann <evil@example.net>",
    "a@example.com\r\nRCPT TO:<evil@example.net>",
    '"a@b"@example.com',
  ])("not by a recipient that is more than one plain address (%j)", async (recipient) => {
    const smtp = await startSmtp();

    const error = await failure(emailChannel({ port: smtp.port }).send(exampleMessage({ recipient }), unhurried));

    expect(error.name).toBe("Permanent");
    expect(error.message).toContain("must be one plain e-mail address like ann@example.com");
    expect(smtp.connections).toBe(0);
  });

  test("no file and no page of this machine gets in by data that looks like one", async () => {
    const { mail } = await arrived({
      reminder: {
        message: "{{ data }} {{ data.path }}",
        data: { path: "/etc/passwd", href: "http://127.0.0.1/", content: "x" },
      },
    });

    expect(mail.text).toContain('{"path":"/etc/passwd","href":"http://127.0.0.1/","content":"x"} /etc/passwd');
    expect(mail.attachments).toEqual([]);
    expect(mail.text).not.toContain("root:");
  });
});

test("a broken template is a permanent failure that says where it is broken, and nothing is sent", async () => {
  const smtp = await startSmtp();
  const message = exampleMessage({ reminder: { message: "Dear\n{% if data.x %}never closed" } });

  const error = await failure(emailChannel({ port: smtp.port }).send(message, unhurried));

  expect(error.name).toBe("Permanent");
  expect(error.message).toBe("the reminder's message is broken: tag {% if data.x %} not closed, line:2, col:1");
  expect(smtp.connections).toBe(0);
});

test("a message without an address is a permanent failure that says what to set", async () => {
  const smtp = await startSmtp();

  const error = await failure(emailChannel({ port: smtp.port }).send(exampleMessage({ recipient: null }), unhurried));

  expect(error.name).toBe("Permanent");
  expect(error.message).toBe(
    "no address for interviewer/INT_100: set `recipient` on the reminder, or PUT /contacts/interviewer/INT_100 with an email",
  );
});
