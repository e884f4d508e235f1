import type { Feedback } from "../../src/channels/email/feedback/feedback.ts";

// What providers send, with all the fields that their documentation has, so that none of what isn't read stands in the way of what is.

/** One thing that a provider tells, and what is made of it: kind and address of each. */
export interface Documented {
  what: string;
  body: unknown;
  means: readonly (readonly [Feedback["kind"], string])[];
}

export const ANN = "ann@example.com";
/** The message that it is about, as we have named it. */
export const DELIVERY = "17-1764000000000-0";
const MESSAGE_ID = `${DELIVERY}@company.example`;
const hard = [["hard", ANN]] as const;
const soft = [["soft", ANN]] as const;
const complaint = [["complaint", ANN]] as const;
const unsubscribed = [["unsubscribed", ANN]] as const;

/** https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html */
const sesMail = {
  timestamp: "2025-11-24T16:00:01.000Z",
  source: "Reminder System <noreply@company.example>",
  sourceArn: "arn:aws:ses:eu-west-1:123456789012:identity/company.example",
  sourceIp: "192.0.2.10",
  callerIdentity: "smtp-user",
  sendingAccountId: "123456789012",
  messageId: "0102019aExample-aaaa-bbbb-000000",
  destination: [ANN],
  headersTruncated: false,
  headers: [
    { name: "From", value: "Reminder System <noreply@company.example>" },
    { name: "To", value: ANN },
    { name: "Subject", value: "Reminder: Payment" },
    { name: "Message-ID", value: `<${MESSAGE_ID}>` },
    { name: "MIME-Version", value: "1.0" },
  ],
  commonHeaders: {
    from: ["Reminder System <noreply@company.example>"],
    to: [ANN],
    messageId: `<${MESSAGE_ID}>`,
    subject: "Reminder: Payment",
  },
  tags: { "ses:configuration-set": ["reminders"], "ses:from-domain": ["company.example"] },
};

const sesBounce = (bounceType: string, bounceSubType: string, recipient: object) => ({
  bounceType,
  bounceSubType,
  bouncedRecipients: [{ emailAddress: ANN, ...recipient }],
  timestamp: "2025-11-24T16:00:03.000Z",
  feedbackId: "0102019aExample-cccc-000000",
  remoteMtaIp: "198.51.100.7",
  reportingMTA: "dsn; a7-12.smtp-out.eu-west-1.amazonses.com",
});

const sesComplaint = (fields: object) => ({
  complainedRecipients: [{ emailAddress: ANN }],
  timestamp: "2025-11-24T17:00:00.000Z",
  feedbackId: "0102019aExample-dddd-000000",
  complaintSubType: null,
  ...fields,
});

const unknownUser = { action: "failed", status: "5.1.1", diagnosticCode: "smtp; 550 5.1.1 user unknown" };
const topics = {
  unsubscribeAll: false,
  topicSubscriptionStatus: [{ topicName: "news", subscriptionStatus: "OptOut" }],
};
const subscription = (newTopicPreferences: object) => ({
  eventType: "Subscription",
  mail: sesMail,
  subscription: {
    contactList: "readers",
    timestamp: "2025-11-24T17:00:00.000Z",
    source: "UnsubscribeHeader",
    newTopicPreferences,
    oldTopicPreferences: topics,
  },
});

export const SES: readonly Documented[] = [
  {
    what: "a notification of a bounce",
    body: { notificationType: "Bounce", bounce: sesBounce("Permanent", "General", unknownUser), mail: sesMail },
    means: hard,
  },
  {
    what: "an event of a bounce",
    body: { eventType: "Bounce", bounce: sesBounce("Permanent", "NoEmail", unknownUser), mail: sesMail },
    means: hard,
  },
  {
    what: "a bounce without a status, and no headers",
    body: {
      notificationType: "Bounce",
      bounce: sesBounce("Permanent", "General", {}),
      mail: { ...sesMail, headers: undefined, commonHeaders: undefined },
    },
    means: hard,
  },
  {
    what: "an address on its own list",
    body: {
      eventType: "Bounce",
      bounce: sesBounce("Permanent", "OnAccountSuppressionList", {
        action: "failed",
        status: "5.1.1",
        diagnosticCode: "Amazon SES did not send the message to this address because it is on the suppression list.",
      }),
      mail: sesMail,
    },
    means: hard,
  },
  ...["General", "MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected"].map((subtype) => ({
    what: `what may pass: ${subtype}`,
    body: { eventType: "Bounce", bounce: sesBounce("Transient", subtype, {}), mail: sesMail },
    means: soft,
  })),
  {
    what: "what it doesn't know",
    body: { eventType: "Bounce", bounce: sesBounce("Undetermined", "Undetermined", {}), mail: sesMail },
    means: soft,
  },
  {
    what: "several at once",
    body: {
      eventType: "Bounce",
      bounce: {
        ...sesBounce("Permanent", "General", unknownUser),
        bouncedRecipients: [
          { emailAddress: ANN, ...unknownUser },
          { emailAddress: "bob@example.com", action: "failed", status: "5.4.4", diagnosticCode: "smtp; no route" },
        ],
      },
      mail: sesMail,
    },
    means: [...hard, ["soft", "bob@example.com"]],
  },
  {
    what: "a complaint",
    body: {
      eventType: "Complaint",
      complaint: sesComplaint({
        userAgent: "feedback reporter",
        complaintFeedbackType: "abuse",
        arrivalDate: "2025-11-24T16:30:00.000Z",
      }),
      mail: sesMail,
    },
    means: complaint,
  },
  {
    what: "a complaint without a type",
    body: { notificationType: "Complaint", complaint: sesComplaint({}), mail: sesMail },
    means: complaint,
  },
  {
    what: "who unsubscribes from everything",
    body: subscription({ ...topics, unsubscribeAll: true }),
    means: unsubscribed,
  },
  { what: "who chooses among topics", body: subscription(topics), means: [] },
  {
    what: "a delivery",
    body: {
      eventType: "Delivery",
      mail: sesMail,
      delivery: {
        timestamp: "2025-11-24T16:00:02.000Z",
        processingTimeMillis: 1001,
        recipients: [ANN],
        smtpResponse: "250 2.6.0 Message received",
        remoteMtaIp: "198.51.100.7",
        reportingMTA: "a7-12.smtp-out.eu-west-1.amazonses.com",
      },
    },
    means: [],
  },
  { what: "that it was sent", body: { eventType: "Send", mail: sesMail, send: {} }, means: [] },
  {
    what: "that it wasn't",
    body: { eventType: "Reject", mail: sesMail, reject: { reason: "Bad content" } },
    means: [],
  },
  {
    what: "that it was opened",
    body: {
      eventType: "Open",
      mail: sesMail,
      open: { ipAddress: "192.0.2.1", timestamp: "2025-11-24", userAgent: "x" },
    },
    means: [],
  },
  {
    what: "that it takes longer",
    body: {
      eventType: "DeliveryDelay",
      mail: sesMail,
      deliveryDelay: {
        timestamp: "2025-11-24T16:10:00.000Z",
        delayType: "TransientCommunicationFailure",
        expirationTime: "2025-11-25T06:00:00.000Z",
        delayedRecipients: [
          { emailAddress: ANN, status: "4.4.1", diagnosticCode: "smtp; 421 4.4.1 unable to connect" },
        ],
      },
    },
    means: [],
  },
  {
    what: "that a template can't be filled in",
    body: { eventType: "Rendering Failure", mail: sesMail, failure: { templateName: "t", errorMessage: "missing" } },
    means: [],
  },
];

/** https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event */
const sendGrid = (event: string, fields: object = {}) => ({
  email: ANN,
  timestamp: 1764000003,
  "smtp-id": `<${MESSAGE_ID}>`,
  event,
  category: ["reminders"],
  sg_event_id: `${event}-bm9uY2U`,
  sg_message_id: "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
  ...fields,
});
const sendGridBounce = { ip: "192.0.2.5", tls: 1, type: "bounce", status: "5.1.1", reason: "550 5.1.1 no such user" };
const dropped = (reason: string) => sendGrid("dropped", { reason, status: "5.0.0" });

export const SENDGRID: readonly Documented[] = [
  {
    what: "a bounce",
    body: [sendGrid("bounce", { ...sendGridBounce, bounce_classification: "Invalid Address" })],
    means: hard,
  },
  {
    what: "a bounce that only says what kind it is",
    body: [
      sendGrid("bounce", {
        type: "bounce",
        status: "5.0.0",
        reason: "550 x",
        bounce_classification: "Invalid Address",
      }),
    ],
    means: hard,
  },
  ...["Technical", "Content", "Reputation", "Frequency or Volume Too High", "Mailbox Unavailable"].map((kind) => ({
    what: `a bounce that isn't about the address: ${kind}`,
    body: [sendGrid("bounce", { type: "bounce", status: "5.0.0", reason: "550 x", bounce_classification: kind })],
    means: soft,
  })),
  {
    what: "one that is blocked",
    body: [sendGrid("bounce", { ...sendGridBounce, type: "blocked", status: "5.7.1" })],
    means: soft,
  },
  {
    what: "one that was tried for too long",
    body: [sendGrid("bounce", { type: "expired", reason: "unable to get mx info: no records" })],
    means: soft,
  },
  { what: "an address on its list of bounces", body: [dropped("Bounced Address")], means: hard },
  { what: "what is no address", body: [dropped("Invalid")], means: hard },
  { what: "an address on its list of complaints", body: [dropped("Spam Reporting Address")], means: complaint },
  { what: "an address that has unsubscribed", body: [dropped("Unsubscribed Address")], means: unsubscribed },
  ...[
    "Invalid SMTPAPI header",
    "Spam Content (if Spam Checker app is enabled)",
    "Recipient List over Package Quota",
  ].map((reason) => ({ what: `what is our fault: ${reason}`, body: [dropped(reason)], means: soft })),
  {
    what: "a list of everything that it may tell",
    body: [
      sendGrid("processed", { send_at: 1764000000, asm_group_id: 10 }),
      sendGrid("deferred", { response: "400 try again later", attempt: "5", domain: "example.com" }),
      sendGrid("delivered", { response: "250 OK", tls: 1 }),
      sendGrid("open", { useragent: "Mozilla/5.0", ip: "192.0.2.1", sg_machine_open: false }),
      sendGrid("click", {
        useragent: "x",
        ip: "192.0.2.1",
        url: "https://e.example",
        url_offset: { index: 0, type: "html" },
      }),
      sendGrid("bounce", sendGridBounce),
      sendGrid("dropped", { reason: "Bounced Address", status: "5.0.0" }),
      sendGrid("spamreport"),
      sendGrid("unsubscribe"),
      sendGrid("group_unsubscribe", { useragent: "x", ip: "192.0.2.1", url: "https://e.example", asm_group_id: 10 }),
      sendGrid("group_resubscribe", { useragent: "x", ip: "192.0.2.1", url: "https://e.example", asm_group_id: 10 }),
      { event: "account_status_change", type: "compliance_suspend", timestamp: 1764000003 },
    ],
    means: [...hard, ...hard, ...complaint, ...unsubscribed, ...unsubscribed],
  },
];

/** https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure */
const mailgun = (event: string, fields: object = {}) => ({
  signature: { timestamp: "1764000003", token: "0".repeat(50), signature: "0".repeat(64) },
  "event-data": {
    event,
    id: "G9Bn5sl1TC6nu79C8C0bwg",
    timestamp: 1764000003.1,
    "log-level": "error",
    "recipient-domain": "example.com",
    recipient: ANN,
    tags: ["reminders"],
    campaigns: [],
    "user-variables": {},
    flags: { "is-routed": false, "is-authenticated": true, "is-system-test": false, "is-test-mode": false },
    storage: { url: "https://se.api.mailgun.example/v3/domains/x/messages/k", key: "k" },
    envelope: { transport: "smtp", sender: "noreply@company.example", "sending-ip": "192.0.2.5", targets: ANN },
    message: {
      headers: { to: ANN, "message-id": MESSAGE_ID, from: "noreply@company.example", subject: "Reminder: Payment" },
      attachments: [],
      size: 4321,
    },
    ...fields,
  },
});
const status = (code: number, message: string, fields: object = {}) => ({
  ...{ "attempt-no": 1, code, message, description: "", "session-seconds": 0.5, "mx-host": "mx.example.com" },
  ...fields,
});
const failed = (severity: string, reason: string | undefined, deliveryStatus: object) =>
  mailgun("failed", { severity, reason, "delivery-status": deliveryStatus });

export const MAILGUN: readonly Documented[] = [
  {
    what: "a mailbox that isn't there",
    body: failed("permanent", "bounce", status(550, "5.1.1 The account doesn't exist", { "enhanced-code": "5.1.1" })),
    means: hard,
  },
  {
    what: "the same without a longer code",
    body: failed("permanent", "bounce", status(550, "no such user")),
    means: hard,
  },
  {
    what: "one that it calls soft all the same",
    body: failed("permanent", "bounce", status(550, "not now", { "bounce-type": "soft" })),
    means: soft,
  },
  {
    what: "an address on its list of bounces",
    body: failed(
      "permanent",
      "suppress-bounce",
      status(605, "", { description: "Not delivering to a bounced address" }),
    ),
    means: hard,
  },
  { what: "the same without a reason", body: failed("permanent", undefined, status(605, "")), means: hard },
  {
    what: "who has unsubscribed",
    body: failed("permanent", "suppress-unsubscribe", status(606, "")),
    means: unsubscribed,
  },
  { what: "the same without a reason", body: failed("permanent", undefined, status(606, "")), means: unsubscribed },
  { what: "who has complained", body: failed("permanent", "suppress-complaint", status(607, "")), means: complaint },
  { what: "the same without a reason", body: failed("permanent", undefined, status(607, "")), means: complaint },
  { what: "what was tried for too long", body: failed("permanent", "old", status(602, "Too old")), means: soft },
  { what: "what a provider blocks", body: failed("permanent", "espblock", status(554, "blocked")), means: soft },
  { what: "a domain that isn't found", body: failed("permanent", "generic", status(498, "No MX")), means: soft },
  { what: "a full mailbox", body: failed("temporary", "generic", status(452, "4.2.2 full")), means: soft },
  { what: "that it is to wait", body: failed("temporary", "greylisted", status(451, "4.7.1 later")), means: soft },
  { what: "a complaint", body: mailgun("complained"), means: complaint },
  {
    what: "who unsubscribes",
    body: mailgun("unsubscribed", { ip: "192.0.2.1", geolocation: { country: "US" } }),
    means: unsubscribed,
  },
  ...["accepted", "rejected", "delivered", "opened", "clicked", "stored", "list_member_uploaded", "constructor"].map(
    (event) => ({ what: event, body: mailgun(event), means: [] }),
  ),
];

/** https://postmarkapp.com/developer/webhooks/bounce-webhook */
const postmark = (RecordType: string, fields: object) => ({
  RecordType,
  MessageStream: "outbound",
  ID: 4323372036854776,
  ServerID: 23,
  MessageID: "883953f4-6105-42a2-a16a-77a8eac79483",
  Tag: "",
  Metadata: { "message-id": `${DELIVERY}@postmark` },
  ...fields,
});
const bounced = (Type: string, TypeCode: number, Details = "smtp;550 x") =>
  postmark("Bounce", {
    ...{ Type, TypeCode, Name: Type, Description: "What it means in general", Details, Email: ANN },
    ...{ From: "noreply@company.example", BouncedAt: "2025-11-24T16:00:03Z", DumpAvailable: true, Inactive: true },
    ...{ CanActivate: true, Subject: "Reminder: Payment", Content: "Return-Path: <>\r\nReceived: ..." },
  });
const changed = (SuppressSending: boolean, SuppressionReason: string | null) =>
  postmark("SubscriptionChange", {
    ...{ Recipient: ANN, Origin: "Recipient", SuppressSending, SuppressionReason, ChangedAt: "2025-11-24T17:00:00Z" },
  });

export const POSTMARK: readonly Documented[] = [
  { what: "HardBounce", body: bounced("HardBounce", 1, "smtp;550 5.1.1 no such user"), means: hard },
  { what: "HardBounce without a code", body: bounced("HardBounce", 1, ""), means: hard },
  { what: "HardBounce, which is no route", body: bounced("HardBounce", 1, "smtp;550 5.4.4 no route"), means: soft },
  { what: "BadEmailAddress", body: bounced("BadEmailAddress", 100_000), means: hard },
  { what: "ManuallyDeactivated", body: bounced("ManuallyDeactivated", 100_007), means: hard },
  ...[
    ["Transient", 2],
    ["DnsError", 256],
    ["Unknown", 2_048],
    ["SoftBounce", 4_096],
    ["Unconfirmed", 100_003],
    ["Blocked", 100_006],
    ["SMTPApiError", 100_009],
    ["DMARCPolicy", 100_012],
    ["TemplateRenderingFailed", 100_013],
  ].map(([type, code]) => ({ what: String(type), body: bounced(String(type), Number(code)), means: soft })),
  ...[
    ["Subscribe", 32],
    ["AutoResponder", 64],
    ["AddressChange", 128],
    ["OpenRelayTest", 1_024],
    ["VirusNotification", 8_192],
    ["ChallengeVerification", 16_384],
    ["InboundError", 100_010],
  ].map(([type, code]) => ({ what: String(type), body: bounced(String(type), Number(code)), means: [] })),
  { what: "Unsubscribe", body: bounced("Unsubscribe", 16), means: unsubscribed },
  {
    what: "SpamNotification, by a filter",
    body: { ...bounced("SpamNotification", 512, "smtp;554 5.7.1 rejected as spam"), Inactive: false },
    means: soft,
  },
  {
    what: "SpamNotification, after which nothing is sent there",
    body: bounced("SpamNotification", 512),
    means: complaint,
  },
  {
    what: "SpamComplaint",
    body: { ...bounced("SpamComplaint", 100_001), RecordType: "SpamComplaint" },
    means: complaint,
  },
  { what: "suppressed after a bounce", body: changed(true, "HardBounce"), means: hard },
  { what: "suppressed after a complaint", body: changed(true, "SpamComplaint"), means: complaint },
  { what: "suppressed as the reader wants", body: changed(true, "ManualSuppression"), means: unsubscribed },
  { what: "suppressed no more", body: changed(false, null), means: [] },
  ...["Delivery", "Open", "Click"].map((type) => ({ what: type, body: postmark(type, { Recipient: ANN }), means: [] })),
];

export const PHONE = "+4915112345678";
const SID = "SM0123456789abcdef0123456789abcdef";
/** https://www.twilio.com/docs/messaging/guides/track-outbound-message-status */
const told = (status: string, fields: object = {}) => ({
  ...{ AccountSid: `AC${"0".repeat(32)}`, ApiVersion: "2010-04-01", From: "+15005550006", To: PHONE },
  ...{ MessageSid: SID, SmsSid: SID, MessageStatus: status, SmsStatus: status },
  ...fields,
});
/** https://www.twilio.com/docs/messaging/guides/webhook-request */
const written = (Body: string, fields: object = {}) => ({
  ...{ AccountSid: `AC${"0".repeat(32)}`, ApiVersion: "2010-04-01", From: PHONE, To: "+15005550006", Body },
  ...{ MessageSid: SID, SmsSid: SID, SmsMessageSid: SID, SmsStatus: "received", NumMedia: "0", NumSegments: "1" },
  ...{
    FromCity: "",
    FromState: "",
    FromZip: "",
    FromCountry: "DE",
    ToCity: "",
    ToState: "",
    ToZip: "",
    ToCountry: "US",
  },
  ...fields,
});
const byService = { MessagingServiceSid: `MG${"1".repeat(32)}` };

export const TWILIO: readonly Documented[] = [
  ...["accepted", "queued", "sending", "sent", "delivered", "read", "canceled", "scheduled"].map((status) => ({
    what: status,
    body: told(status, { RawDlrDoneDate: "2511241600" }),
    means: [],
  })),
  {
    what: "a phone that isn't reached just now",
    body: told("undelivered", { ErrorCode: "30003", ErrorMessage: "Unreachable destination handset" }),
    means: [["soft", PHONE]],
  },
  { what: "what a carrier filters", body: told("undelivered", { ErrorCode: "30007" }), means: [["soft", PHONE]] },
  { what: "a number that nobody has", body: told("undelivered", { ErrorCode: "30005" }), means: [["hard", PHONE]] },
  { what: "a landline", body: told("undelivered", { ErrorCode: "30006", ...byService }), means: [["hard", PHONE]] },
  { what: "who has said STOP", body: told("failed", { ErrorCode: "21610" }), means: [["stopped", PHONE]] },
  ...["STOP", "stopall", "Unsubscribe", "CANCEL", "end", "QUIT", "revoke", "OPTOUT", " Stop\n"].map((word) => ({
    what: JSON.stringify(word),
    body: written(word),
    means: [["stopped", PHONE] as const],
  })),
  ...["START", "yes", " Unstop "].map((word) => ({
    what: JSON.stringify(word),
    body: written(word),
    means: [["started", PHONE] as const],
  })),
  ...["STOP it", "please stop", "Stop.", "ENDE", "yes!", "HELP", "INFO", "", "STOP START"].map((word) => ({
    what: `${JSON.stringify(word)}, which is neither`,
    body: written(word),
    means: [],
  })),
  {
    what: "a word of one's own, which the service takes for STOP",
    body: written("Genug", { ...byService, OptOutType: "STOP" }),
    means: [["stopped", PHONE]],
  },
  { what: "and for START", body: written("Doch", { ...byService, OptOutType: "START" }), means: [["started", PHONE]] },
  { what: "and for HELP", body: written("STOP", { ...byService, OptOutType: "HELP" }), means: [] },
];
