import { generateKeyPairSync } from "node:crypto";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import { expect, onTestFinished, test } from "vitest";
import { BrokenAccount, toEmailAccount } from "../../src/channels/email/account.ts";
import { BadDkim, DKIM_KEY, type Dkim, dnsRecord, readDkim } from "../../src/channels/email/dkim.ts";
import { createEmailChannel } from "../../src/channels/email/email.ts";
import { unhurried } from "../support/email.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";
import { startSmtp } from "../support/smtp.ts";

const FROM = "noreply@mail.company.example";

function pemOf(modulusLength = 2_048): string {
  return generateKeyPairSync("rsa", { modulusLength }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

const pem = pemOf();
const dkim = readDkim(FROM, { domain: "company.example", selector: "s1", pem });

async function sentSigned(
  changes: MessageChanges = {},
  by: Dkim = dkim,
  unsubscribeUrl: () => string | null = () => null,
): Promise<string> {
  const smtp = await startSmtp();
  const email = createEmailChannel({
    from: { address: FROM, name: "Überfällig" },
    server: { host: "127.0.0.1", port: smtp.port, username: null, password: null, tls: "off" },
    dkim: by,
    unsubscribeUrl,
    concurrency: 5,
    print: () => {},
  });
  onTestFinished(() => email.close());
  await email.send(exampleMessage(changes), unhurried);
  return smtp.received[0]?.raw as string;
}

/** What a receiver finds that asks a DNS with our record in it. */
async function verified(raw: string) {
  const { name, text } = dnsRecord(dkim);
  const { results } = await dkimVerify(Buffer.from(raw), {
    resolver: async (domain, type) => {
      if (domain === name && type === "TXT") return [[text]];
      throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    },
  });
  return results.map(({ status, signingDomain, selector }) => ({ ...status, signingDomain, selector }));
}

test.each([
  ["plain words", {}],
  [
    "every script and long lines",
    { reminder: { subject: "Überfällig 📋 提醒 ".repeat(9), message: `.${"long ".repeat(400)}\n.\n..\n  \nעברית` } },
  ],
  ["nothing but spaces at line ends", { reminder: { message: "a  \nb\t\n\n\n" } }],
])("a message of %s bears a signature that a library of others verifies", async (_, changes) => {
  const [result] = await verified(await sentSigned(changes));
  expect(result).toMatchObject({ result: "pass", aligned: "company.example", signingDomain: "company.example" });
});

/** As a relay does that folds each header anew, at each space and at no other place. */
function foldedAnew(raw: string): string {
  const end = raw.indexOf("\r\n\r\n");
  const headers = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const folded = headers.map((line) => line.replaceAll(/(?<=: \S+) /g, "\r\n\t"));
  return folded.join("\r\n") + raw.slice(end);
}

test("a signature holds where a relay folds the headers anew, the long address to unsubscribe at included", async () => {
  const url = `https://reminders.acme.example/a/${"t".repeat(110)}`;
  const subject = "Überfällig 📋 提醒 ".repeat(9);
  const raw = await sentSigned({ reminder: { subject } }, dkim, () => url);
  const anew = foldedAnew(raw);
  expect(anew).not.toBe(raw);
  expect(anew).toContain(`\r\nList-Unsubscribe: <${url}>\r\n`);
  const [result] = await verified(anew);
  expect(result).toMatchObject({ result: "pass", signingDomain: "company.example" });
  const [changed] = await verified(anew.replace(url, `${url}x`));
  expect(changed?.result).not.toBe("pass");
});

test("a signature covers what makes the message what it is", async () => {
  const raw = await sentSigned();
  const signed =
    /;\s*h=([^;]*);/
      .exec(raw.replaceAll(/\r\n\s+/g, ""))?.[1]
      ?.toLowerCase()
      .split(":") ?? [];
  expect(signed).toEqual(expect.arrayContaining(["from", "to", "subject", "date", "message-id", "content-type"]));
  for (const [from, to] of [
    ["Subject: Reminder", "Subject: Invoice"],
    ["is still open", "is overdue!!!"],
  ] as const) {
    expect(raw).toContain(from);
    expect((await verified(raw.replaceAll(from, to)))[0]?.result).not.toBe("pass");
  }
});

test("a record of the DNS is what openssl would make of the key", () => {
  const record = dnsRecord(dkim);
  expect(record.name).toBe("s1._domainkey.company.example");
  expect(record.text).toMatch(/^v=DKIM1; k=rsa; p=MII[A-Za-z0-9+/]+=*$/);
});

const ed25519 = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();

test.each([
  [{ domain: "other.example", selector: "s1", pem }, /needs the domain of the From address \(mail\.company\.example\)/],
  [{ domain: null, selector: "s1; d=evil.example", pem }, /needs a selector/],
  [{ domain: null, selector: "", pem }, /needs a selector/],
  [{ domain: null, selector: "s1", pem: ed25519 }, /needs an RSA private key of 1024 to 4096 bits/],
  [{ domain: null, selector: "s1", pem: "hunter2-secret" }, /^(?!.*hunter2).*needs an RSA private key/],
])("a key that can't be used is refused, and nothing goes out unsigned (%#)", (given, message) => {
  expect(() => readDkim(FROM, given)).toThrow(BadDkim);
  expect(() => readDkim(FROM, given)).toThrow(message);
});

test("a tenant signs with a key of its own, which is a secret; without the key its account is broken", () => {
  const settings = { smtp_host: "localhost", from_email: FROM, dkim_selector: "own" };
  expect(toEmailAccount(settings, new Map([[DKIM_KEY, pem]])).dkim).toMatchObject({
    selector: "own",
    domain: "mail.company.example",
  });
  expect(() => toEmailAccount(settings, new Map())).toThrow(BrokenAccount);
  expect(toEmailAccount({ smtp_host: "localhost", from_email: FROM }, new Map()).dkim).toBe(null);
});
