import fc from "fast-check";
import { nastyWord } from "./words.ts";

// Whole mails as mail servers hand them in, in Latin-1: what came back, answers of people and of programs, and what nobody should send.

/** Stands for an address that the service has written a delivery into: mail comes back to the first, replies go to the second. */
export const RETURN_PATH = "@@return-path@@";
export const REPLY_TO = "@@reply-to@@";
/** Stands for the public id of a delivery. */
export const DELIVERY = "@@delivery@@";

const TO = [
  RETURN_PATH,
  RETURN_PATH,
  REPLY_TO,
  REPLY_TO,
  REPLY_TO,
  "bounces+1-a-0-aaaaaaaaaaaaaaaa@x.example",
  "ann@example.org",
];
const CHARSETS = [
  ...[
    "utf-8",
    "us-ascii",
    "iso-8859-1",
    "windows-1252",
    "utf-16",
    "utf-16be",
    "utf-7",
    "utf-32",
    "iso-2022-jp",
    "gb18030",
    "big5",
  ],
  ...[
    "shift_jis",
    "euc-kr",
    "koi8-r",
    "x-unknown",
    "",
    "utf-8\x00",
    '"',
    "ansi_x3.110-1983",
    "iso-2022-cn-ext",
    "x-user-defined",
  ],
];
const ENCODINGS = [
  "7bit",
  "8bit",
  "binary",
  "base64",
  "quoted-printable",
  "x-uuencode",
  "BASE64",
  "base64 ",
  "nonsense",
  "",
];

const WHAT_PEOPLE_SAY = [
  ...[
    "done",
    "Done!",
    "snooze 2d",
    "snooze",
    "later 3 weeks",
    "I'll do it by Friday",
    "not me",
    "stop",
    "erledigt",
    "fait",
    "\xe2\x9c\x85",
  ],
  ...[
    "> done\n\nOn Monday, somebody wrote:\n> pay",
    "-- \ndone",
    "done\n-- \nAnn",
    "snooze 99999999d",
    "by 31.2.2027",
    "until ".repeat(300),
  ],
  ...[
    "I am out of office until 2027-01-15.",
    "bis ".repeat(500),
    "\u0000done",
    "<b>done</b>",
    "=\n=\n=",
    "=64=6F=6E=65",
    "ZG9uZQ==",
    "ZG9uZ",
    "",
  ],
];
const HTML = [
  "<p>done</p>",
  "<script>alert(1)</script><p>done",
  "<div>".repeat(3_000),
  `<table>${"<tr><td>".repeat(400)}done`,
  `${"<ul><li>".repeat(500)}x`,
  "&#0;&#xD800;&#x110000;&nbsp;done",
  "<a href='javascript:x'>done</a><img src=x onerror=y>",
  `<!--${"-".repeat(2_000)}`,
  '<p style="display:none">stop</p>done',
];

const saying: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...WHAT_PEOPLE_SAY) },
  { weight: 2, arbitrary: nastyWord.map((word) => bytes(word)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }).map((some) => Buffer.from(some).toString("latin1")) },
);

/** UTF-8 as it goes over the wire. */
function bytes(text: string): string {
  return Buffer.from(text.toWellFormed()).toString("latin1");
}

/** A header's value, or something that has been taken for one. */
const headerValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: saying.map((text) => text.replaceAll(/[\r\n]+/g, " ")) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "=?utf-8?Q?done?=",
      "=?utf-8?B?ZG9uZQ==?=",
      "=?x-unknown?Q?=00=ff?=",
      "=?utf-8?B?!!!?= =?utf-8?Q?=?=",
      "=?utf-16?B?AAAA?=".repeat(40),
      `=?${"a".repeat(2_000)}?Q?x?=`,
      "a\r\n b\r\n\tc",
      "a\r\nBcc: evil@x.example",
      "(".repeat(3_000),
      `${"<".repeat(500)}a@b${">".repeat(500)}`,
      "Group: a@b, c@d;, <e@f>",
      '"a, evil@x.example" <ann@example.org>',
      `"${"\\".repeat(999)}"`,
      "x".repeat(9_000),
      "\xff\xfe\x00",
    ),
  },
);

const headers: fc.Arbitrary<string[]> = fc
  .record({
    to: fc.constantFrom(...TO),
    from: fc.constantFrom(
      "ann@example.org",
      "<>",
      "MAILER-DAEMON@mx.example",
      "",
      '"a, evil@x.example" <ann@example.org>',
    ),
    subject: headerValue,
    id: fc.constantFrom("<1@x>", "", "<", "<a><b>", `<${"y".repeat(1_200)}@x>`, `<${DELIVERY}@x.example>`),
    automatic: fc.constantFrom(null, "no", "auto-replied", "auto-generated; x=y", "AUTO-"),
    others: fc.array(
      fc.tuple(
        fc.constantFrom(
          "Delivered-To",
          "X-Original-To",
          "Cc",
          "References",
          "Date",
          "Received",
          "X-A",
          "Content-Type",
          "bad header",
          "",
        ),
        headerValue,
      ),
      { maxLength: 5 },
    ),
  })
  .map(({ to, from, subject, id, automatic, others }) => [
    `To: <${to}>`,
    `From: ${from}`,
    `Subject: ${subject}`,
    `Message-ID: ${id}`,
    ...(automatic === null ? [] : [`Auto-Submitted: ${automatic}`]),
    ...others.map(([name, value]) => `${name}: ${value}`),
  ]);

/** A part: its headers and what is in it. */
interface Part {
  headers: string[];
  body: string;
}

const text: fc.Arbitrary<Part> = fc
  .record({
    type: fc.constantFrom(
      "text/plain",
      "text/plain",
      "text/html",
      "text/calendar",
      "application/octet-stream",
      "text/",
      "TEXT/PLAIN",
    ),
    charset: fc.constantFrom(...CHARSETS),
    encoding: fc.constantFrom(...ENCODINGS),
    said: saying,
    html: fc.constantFrom(...HTML),
    isEncoded: fc.boolean(),
  })
  .map(({ type, charset, encoding, said, html, isEncoded }) => {
    const body = type === "text/html" ? html : said;
    return {
      headers: [`Content-Type: ${type}; charset=${charset}`, `Content-Transfer-Encoding: ${encoding}`],
      body: isEncoded && /base64/i.test(encoding) ? Buffer.from(body, "latin1").toString("base64") : body,
    };
  });

const STATUSES = ["5.1.1", "5.4.4", "4.2.2", "5.0.0", "5.7.1", "2.0.0", "9.9.9", "5.1", "", "5.1.1 (x)", "\xff"];
const ACTIONS = ["failed", "failed", "failed", "delayed", "relayed", "FAILED", "expanded", "", "failed\x00"];

/** What a mail server reports (RFC 3464). */
const deliveryStatus: fc.Arbitrary<Part> = fc
  .record({
    groups: fc.array(
      fc.record({
        address: fc.oneof(
          fc.constantFrom("rfc822; ann@example.org", "rfc822;", "utf-8; \xc3\xbc@x", ";;;", "x".repeat(400)),
          headerValue,
        ),
        action: fc.constantFrom(...ACTIONS),
        status: fc.constantFrom(...STATUSES),
        words: headerValue,
      }),
      { maxLength: 4 },
    ),
    end: fc.constantFrom("\r\n", "\n", "\r"),
    encoding: fc.constantFrom("7bit", "base64", "quoted-printable"),
  })
  .map(({ groups, end, encoding }) => {
    const all = groups.map(({ address, action, status, words }) =>
      [`Final-Recipient: ${address}`, `Action: ${action}`, `Status: ${status}`, `Diagnostic-Code: smtp; ${words}`].join(
        end,
      ),
    );
    const body = ["Reporting-MTA: dns; mx.example", ...all].join(end + end) + end;
    return {
      headers: ["Content-Type: message/delivery-status", `Content-Transfer-Encoding: ${encoding}`],
      body: encoding === "base64" ? Buffer.from(body, "latin1").toString("base64") : body,
    };
  });

function written({ headers: own, body }: Part): string {
  return [...own, "", body].join("\r\n");
}

/** Parts in parts, some of them with the boundaries of others. */
const tree: fc.Memo<Part> = fc.memo((depth) => {
  if (depth <= 1) return fc.oneof({ weight: 3, arbitrary: text }, { weight: 2, arbitrary: deliveryStatus });
  const several = fc
    .record({
      kind: fc.constantFrom(
        "mixed",
        "alternative",
        "report; report-type=delivery-status",
        "related",
        "",
        "mixed; charset=x",
      ),
      boundary: fc.constantFrom("b", "b", "bb", "b ", `${"c".repeat(80)}`, "", "=?", "b--"),
      parts: fc.array(tree(depth - 1), { maxLength: 4 }),
      ends: fc.boolean(),
    })
    .map(({ kind, boundary, parts, ends }) => ({
      headers: [`Content-Type: multipart/${kind}; boundary="${boundary}"`],
      body: [...parts.map((part) => `--${boundary}\r\n${written(part)}`), ends ? `--${boundary}--` : ""].join("\r\n"),
    }));
  const forwarded = fc.tuple(headers, tree(depth - 1)).map(([outer, part]) => ({
    headers: ["Content-Type: message/rfc822"],
    body: written({ headers: [...outer, ...part.headers], body: part.body }),
  }));
  return fc.oneof(
    { weight: 3, arbitrary: text },
    { weight: 3, arbitrary: deliveryStatus },
    { weight: 5, arbitrary: several },
    { weight: 1, arbitrary: forwarded },
  );
});

/** What happens to mail on its way. */
const damage: fc.Arbitrary<(mail: string) => string> = fc.oneof(
  { weight: 12, arbitrary: fc.constant((mail: string) => mail) },
  { weight: 2, arbitrary: fc.nat(4_000).map((at) => (mail: string) => mail.slice(0, at)) },
  { weight: 2, arbitrary: fc.constant((mail: string) => mail.replaceAll("\r\n", "\n")) },
  { weight: 1, arbitrary: fc.constant((mail: string) => mail.replaceAll("\r\n", "\r")) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(2_000), fc.uint8Array({ minLength: 1, maxLength: 20 })).map(
      ([at, some]) =>
        (mail: string) =>
          mail.slice(0, at) + Buffer.from(some).toString("latin1") + mail.slice(at),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      (mail: string) => `${"X-Pad: y\r\n".repeat(7_000)}${mail}`,
      (mail: string) => mail + "\r\n--b\r\n".repeat(600),
      (mail: string) => "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(60) + mail,
      (mail: string) => `From ann@example.org Mon Jan  1\r\n${mail}`,
      (mail: string) => `\r\n${mail}`,
    ),
  },
);

export const mail: fc.Arbitrary<string> = fc
  .tuple(headers, tree(3), damage)
  .map(([outer, part, damaged]) =>
    damaged(written({ headers: [...outer, "MIME-Version: 1.0", ...part.headers], body: part.body })),
  );
