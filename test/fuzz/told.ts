import fc from "fast-check";
import type { Json } from "./document.ts";
import { flaw, flawed } from "./flaws.ts";
import { DELIVERY, mail, REPLY_TO, RETURN_PATH } from "./mails.ts";
import { nastyWord } from "./words.ts";

/** Who tells something from outside, and proves that it is them. */
export const TELLERS = ["sendgrid", "mailgun", "postmark", "ses", "twilio", "slack", "source", "mail"] as const;
export type Teller = (typeof TELLERS)[number];

/** What somebody outside tells, rightly signed when it is sent: what it says may be anything. */
export interface Told {
  kind: "told";
  by: Teller;
  /** Of which tenant, counted round. */
  tenant: number;
  /** In Latin-1, a character for each byte, with the words of `mails.ts` that stand for addresses and deliveries. */
  body: string;
  /** What kind of body it is; null: JSON, or what its teller always sends. */
  type: string | null;
  query: string;
  /** Which of the deliveries that are known it speaks of. */
  about: number;
}

const ADDRESSES = [
  "ann@example.org",
  "b@example.com",
  "ann@example.org, evil@x.example",
  "\u202Eann@example.org",
  "",
  "a@b",
  "x".repeat(400),
];
const address: fc.Arbitrary<Json> = fc.oneof(fc.constantFrom<Json>(...ADDRESSES), nastyWord);
const messageId = fc.constantFrom(
  `<${DELIVERY}@company.example>`,
  `${DELIVERY}@x`,
  "<>",
  "<<>>",
  "1-2-3@x",
  "<1-9999999999999999-0@x>",
);
const words = fc.oneof(fc.constantFrom("550 5.1.1 unknown", "5.4.4", "452 4.2.2 full", "", "smtp; x"), nastyWord);
const code = fc.constantFrom("5.1.1", "5.4.4", "4.2.2", "5.0.0", "", "9.9.9");

const sendgrid: fc.Arbitrary<Json> = fc.array(
  fc.record({
    email: address,
    event: fc.constantFrom(
      "bounce",
      "dropped",
      "spamreport",
      "unsubscribe",
      "group_unsubscribe",
      "deferred",
      "open",
      "processed",
    ),
    type: fc.constantFrom("bounce", "blocked", "expired"),
    status: code,
    reason: fc.oneof(words, fc.constantFrom("Bounced Address", "Spam Reporting Address", "Unsubscribed Address")),
    "smtp-id": messageId,
    timestamp: fc.constantFrom(0, -1, 2 ** 53, 1e308),
  }),
  { maxLength: 12 },
);

const mailgun: fc.Arbitrary<Json> = fc.record({
  "event-data": fc.record({
    event: fc.constantFrom("failed", "complained", "unsubscribed", "delivered", "opened"),
    severity: fc.constantFrom("permanent", "temporary"),
    reason: fc.constantFrom("bounce", "suppress-bounce", "suppress-complaint", "suppress-unsubscribe"),
    recipient: address,
    "delivery-status": fc.record({ code: fc.constantFrom(550, 452, 0), message: words, "enhanced-code": code }),
    envelope: fc.record({ sender: fc.constantFrom(RETURN_PATH, "x@y") }),
    message: fc.record({ headers: fc.record({ "message-id": messageId }) }),
  }),
});

const received = fc.record({
  to: fc.constantFrom(REPLY_TO, REPLY_TO, RETURN_PATH, "nobody@example.org", `${REPLY_TO}, ${REPLY_TO}`),
  subject: words,
  text: fc.oneof(
    fc.constantFrom("done", "snooze 2d", "not me", "stop", "I'll do it by Friday", "", "> done"),
    nastyWord,
  ),
  html: fc.constantFrom("", "<p>done</p>", "<div>".repeat(500), "<script>"),
  automatic: fc.constantFrom("no", "auto-replied", ""),
  id: fc.constantFrom("<1@x>", "", "<a>\r\nX: y"),
});

const postmark: fc.Arbitrary<Json> = fc.oneof(
  fc.record({
    RecordType: fc.constantFrom("Bounce", "SpamComplaint", "SubscriptionChange", "Open", "Delivery"),
    Type: fc.constantFrom(
      "HardBounce",
      "SoftBounce",
      "AutoResponder",
      "SpamNotification",
      "Unsubscribe",
      "constructor",
    ),
    Email: address,
    Details: words,
    SuppressSending: fc.boolean(),
    SuppressionReason: fc.constantFrom("HardBounce", "SpamComplaint", "ManualSuppression"),
    Metadata: fc.record({ "message-id": messageId }),
  }),
  received.map(({ to, subject, text, html, automatic, id }) => ({
    ...{
      OriginalRecipient: to,
      Subject: subject,
      TextBody: text,
      HtmlBody: html,
      FromFull: { Email: "ann@example.org" },
    },
    Headers: [
      { Name: "Auto-Submitted", Value: automatic },
      { Name: "Message-ID", Value: id },
    ],
  })),
);

const ses: fc.Arbitrary<Json> = fc.oneof(
  fc.record({
    notificationType: fc.constantFrom("Bounce", "Complaint", "Delivery"),
    mail: fc.record({
      source: fc.constantFrom(RETURN_PATH, "x@y"),
      headers: fc.array(fc.record({ name: fc.constantFrom("Message-ID", "x"), value: messageId }), { maxLength: 3 }),
    }),
    bounce: fc.record({
      bounceType: fc.constantFrom("Permanent", "Transient", "Undetermined"),
      bouncedRecipients: fc.array(fc.record({ emailAddress: address, status: code, diagnosticCode: words }), {
        maxLength: 4,
      }),
    }),
    complaint: fc.record({
      complaintFeedbackType: fc.constantFrom("abuse", "not-spam"),
      complainedRecipients: fc.array(fc.record({ emailAddress: address }), { maxLength: 3 }),
    }),
  }),
  mail.map((content) => ({
    ...{ notificationType: "Received", content: Buffer.from(content, "latin1").toString("base64") },
    receipt: { recipients: [REPLY_TO, RETURN_PATH], action: { encoding: "BASE64" } },
  })),
);

const event: fc.Arbitrary<Json> = fc.record({
  type: fc.constantFrom("invoice.paid", "invoice.*", "a", "x".repeat(300), ""),
  data: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
  entity_id: fc.constantFrom("1", "2", "INT_100", "\u202E"),
});

/** With one or two things wrong with it, now and then. */
function hostile(json: fc.Arbitrary<Json>): fc.Arbitrary<string> {
  return fc
    .tuple(
      json,
      fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: fc.array(flaw, { maxLength: 2 }) }),
    )
    .map(([value, flaws]) => Buffer.from(JSON.stringify(flaws.reduce<Json>(flawed, value))).toString("latin1"));
}

/** Twilio's forms: what became of a message, and what somebody writes back. */
const form: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.tuple(fc.constantFrom("From", "To"), fc.constantFrom("+4915112345678", "+15005550006", "x", "+")),
      },
      {
        weight: 4,
        arbitrary: fc.tuple(
          fc.constant("Body"),
          fc.oneof(fc.constantFrom("STOP", " start", "HELP", "stop it"), nastyWord),
        ),
      },
      {
        weight: 3,
        arbitrary: fc.tuple(
          fc.constant("MessageStatus"),
          fc.constantFrom("sent", "undelivered", "failed", "delivered"),
        ),
      },
      {
        weight: 2,
        arbitrary: fc.tuple(fc.constant("ErrorCode"), fc.constantFrom("30003", "30005", "21610", "x", "99999999999")),
      },
      { weight: 1, arbitrary: fc.tuple(nastyWord, nastyWord) },
    ),
    { maxLength: 8 },
  )
  .map((fields) =>
    new URLSearchParams(
      fields.map(([name, value]): [string, string] => [name.toWellFormed(), value.toWellFormed()]),
    ).toString(),
  );

const press: fc.Arbitrary<Json> = fc.record({
  type: fc.constantFrom("block_actions", "block_actions", "view_submission"),
  user: fc.record({ id: fc.constantFrom("U0123456789", "u", "W1"), team_id: fc.constantFrom("T0123456789", null) }),
  container: fc.record({
    channel_id: fc.constantFrom("C0123456789", "<!here>"),
    message_ts: fc.constantFrom("1.2", "1", "x"),
  }),
  actions: fc.array(
    fc.record({
      action_id: fc.constantFrom("answer:done", "answer:1d", "answer:not_me", "answer:", "x", "answer:__proto__"),
      value: fc.oneof(fc.constantFrom("", "EAAB", "x".repeat(1_900)), nastyWord),
      action_ts: fc.constantFrom("1.2", "9".repeat(50)),
    }),
    { maxLength: 3 },
  ),
  response_url: fc.constantFrom(
    "http://127.0.0.1:1/",
    "https://evil.example/x",
    "file:///etc/passwd",
    "",
    "http://[::1]:1/",
  ),
});

/** A mail that a provider has taken, as the fields of a form. */
const forwarded = received.map(({ to, subject, text, html, automatic, id }) => {
  const fields = {
    ...{ recipient: to, sender: "ann@example.org", subject, "body-plain": text, "body-html": html, "Message-Id": id },
    ...{ envelope: JSON.stringify({ to: [to], from: "ann@example.org" }), text, html, "Auto-Submitted": automatic },
    headers: `Message-ID: ${id}\r\nAuto-Submitted: ${automatic}\r\n`,
  };
  const parts = Object.entries(fields).map(
    ([name, value]) => `--f\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value.toWellFormed()}\r\n`,
  );
  return Buffer.from(`${parts.join("")}--f--\r\n`).toString("latin1");
});

const MULTIPART = "multipart/form-data; boundary=f";

/** Anything that `tellers` tell. */
export function tellings(tellers: readonly Teller[]): fc.Arbitrary<Told> {
  const bodies: Record<Teller, fc.Arbitrary<Pick<Told, "body" | "type">>> = {
    sendgrid: fc.oneof(asJson(sendgrid), asForm),
    mailgun: fc.oneof(asJson(mailgun), asForm),
    postmark: asJson(postmark),
    ses: asJson(ses),
    twilio: form.map((body) => ({ body, type: "application/x-www-form-urlencoded" })),
    slack: hostile(press).map((body) => ({ body, type: null })),
    source: asJson(event),
    mail: mail.map((body) => ({ body, type: "message/rfc822" })),
  };
  return fc.oneof(
    ...tellers.map((by) => ({
      weight: by === "mail" ? 4 : 1,
      arbitrary: fc
        .record({
          said: bodies[by],
          tenant: fc.nat(20),
          about: fc.nat(100),
          query: fc.constantFrom("", "", `?delivery=${DELIVERY}`, "?delivery=1-2-3", "?delivery="),
        })
        .map(({ said, tenant, about, query }): Told => {
          const takesQuery = by !== "slack" && by !== "source" && by !== "mail";
          return { kind: "told", by, tenant, about, query: takesQuery ? query : "", ...said };
        }),
    })),
  );
}

function asJson(json: fc.Arbitrary<Json>): fc.Arbitrary<Pick<Told, "body" | "type">> {
  return hostile(json).map((body) => ({ body, type: null }));
}

const asForm: fc.Arbitrary<Pick<Told, "body" | "type">> = forwarded.map((body) => ({ body, type: MULTIPART }));
