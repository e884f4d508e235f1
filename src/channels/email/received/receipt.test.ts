import { expect, test } from "vitest";
import { receivedOfMailgun } from "./mailgun.ts";
import { readMime } from "./mime.ts";
import { receivedOfPostmark } from "./postmark.ts";
import { receivedOfSendGrid } from "./sendgrid.ts";
import { receivedOfMail } from "./whole.ts";

const TO = "replies+1-a-0-abcdefghabcdefgh@in.example";
const RECEIPT = 'multipart/report; report-type=disposition-notification; boundary="b"';
const OTHER = 'multipart/alternative; boundary="b"';

const whole = async (type: string) => {
  const parts = [
    "--b\r\nContent-Type: text/plain\r\n\r\nYour message was displayed.",
    "--b\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; displayed",
  ];
  const mail = `To: ${TO}\r\nAuto-Submitted: auto-replied\r\nContent-Type: ${type.replace("; b", ";\r\n b")}\r\n\r\n`;
  return receivedOfMail(await readMime(Buffer.from(`${mail}${parts.join("\r\n")}\r\n--b--\r\n`)), null);
};

test.each<[string, (type: string) => unknown]>([
  ["a mail server", whole],
  ["Mailgun", (type) => receivedOfMailgun({ recipient: TO, "Content-Type": type })],
  [
    "Mailgun, in its list of headers",
    (type) => receivedOfMailgun({ recipient: TO, "message-headers": JSON.stringify([["Content-Type", type]]) }),
  ],
  [
    "Postmark",
    (type) => receivedOfPostmark({ OriginalRecipient: TO, Headers: [{ Name: "Content-Type", Value: type }] }),
  ],
  [
    "SendGrid",
    (type) =>
      receivedOfSendGrid({
        envelope: JSON.stringify({ to: [TO] }),
        headers: `To: x\nContent-Type: ${type.replaceAll("; ", ";\n\t")}\nMessage-ID: <x@example.com>\n`,
      }),
  ],
])("that a mail was read, as %s tells it, is nothing that somebody says; other mail is", async (_, received) => {
  expect(await received(RECEIPT)).toBeNull();
  expect(await received(OTHER)).toMatchObject({ recipients: expect.arrayContaining([TO]) });
});
