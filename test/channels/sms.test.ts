import { describe, expect, test } from "vitest";
import { signatureOf } from "../../src/api/inbound/twilio.ts";
import { BadAddress, type Channel, InvalidRecipient } from "../../src/channels/channel.ts";
import { feedbackOfTwilio } from "../../src/channels/sms/feedback.ts";
import { createSmsChannel, type SmsSettings } from "../../src/channels/sms/sms.ts";
import { smsSegments } from "../../src/core/sms-segments.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { failure, unhurried } from "../support/email.ts";
import { answer, type HttpReceiver, startHttpReceiver } from "../support/http-receiver.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";

const ACCOUNT = { accountSid: `AC${"0".repeat(32)}`, authToken: "canary-of-the-auth-token", from: "+15005550006" };
const ANN = "+4915112345678";
const SID = `SM${"a".repeat(32)}`;

/** Twilio as its documentation describes it, on loopback. */
async function twilio(settings: Partial<SmsSettings> = {}): Promise<{ http: HttpReceiver; channel: Channel }> {
  const http = await startHttpReceiver();
  http.behave = answer(201, { "content-type": "application/json" }, JSON.stringify({ sid: SID, status: "queued" }));
  const usual = { account: ACCOUNT, apiUrl: http.url, publicUrl: null, concurrency: 5, http: loopbackHttp() };
  return { http, channel: createSmsChannel({ ...usual, ...settings }) };
}

const to = (recipient: string | null, changes: MessageChanges = {}) => exampleMessage({ recipient, ...changes });
const refusing = (status: number, code: number | null): HttpReceiver["behave"] =>
  answer(status, { "content-type": "application/json" }, JSON.stringify({ code, message: "told by them", status }));

describe("a message", () => {
  test("goes to a number, from a number, with what it says and where to tell what became of it", async () => {
    const { http, channel } = await twilio({ publicUrl: "https://r.example.com" });
    const reminder = { subject: "Rent", message: "Please pay “now”\u00a0– it’s due." };

    expect(await channel.send(to("+49 151 1234-5678", { reminder }), unhurried)).toEqual({
      providerId: SID,
      demo: false,
    });

    const [request] = http.received;
    expect(request).toMatchObject({
      method: "POST",
      path: `/2010-04-01/Accounts/${ACCOUNT.accountSid}/Messages.json`,
      headers: { authorization: `Basic ${btoa(`${ACCOUNT.accountSid}:${ACCOUNT.authToken}`)}` },
    });
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      To: ANN,
      From: "+15005550006",
      Body: `Rent: Please pay "now" - it's due.`,
      StatusCallback: "https://r.example.com/inbound/default/twilio?delivery=1-1736947800000-0",
    });
  });

  test("by a messaging service, without a public URL, and with the one link that leads to all answers", async () => {
    const from = `MG${"1".repeat(32)}`;
    const { http, channel } = await twilio({ account: { ...ACCOUNT, from } });
    const links = Object.fromEntries(
      ["done", "snooze", "promise", "not_me", "stop", "why", "answer"].map((purpose) => [
        purpose,
        `https://r.example.com/a/${purpose}`,
      ]),
    ) as never;
    await channel.send(to(ANN, { links, reminder: { subject: "Rent", message: "Please pay.\n\nNow." } }), unhurried);
    expect(Object.fromEntries(new URLSearchParams(http.received[0]?.body))).toEqual({
      ...{
        To: ANN,
        MessagingServiceSid: from,
        Body: "Rent: Please pay.\nNow.\nAnswer: https://r.example.com/a/answer",
      },
    });
  });

  test("in the built-in words says nothing twice, and until when and how much it is", async () => {
    const { http, channel } = await twilio();
    const data = { due: "2026-01-31", amount: 1234.5, currency: "EUR", url: "https://pay.example/42" };
    const payment = { entityType: "invoice", entityId: "42", eventType: "payment", data };
    await channel.send(to(ANN, { reminder: payment }), unhurried);
    await channel.send(to(ANN, { reminder: { ...payment, subject: "Rent" } }), unhurried);
    const [own, withSubject] = http.received.map(({ body }) => new URLSearchParams(body).get("Body"));
    expect(own).toBe(
      `"Payment" for invoice 42 is still open.\nPlease pay it. If you have just done so, there is nothing more to do.\n` +
        "Due: January 31, 2026\nAmount: €1,234.50\nPay now: https://pay.example/42",
    );
    expect(withSubject).toBe(`Rent: ${own}`);
  });

  test("too long a one is cut, and never within a character or its link", async () => {
    const { http, channel } = await twilio();
    await channel.send(
      to(ANN, { reminder: { message: "{{ data.text }}", data: { text: "🙂".repeat(5_000) } } }),
      unhurried,
    );
    const text = new URLSearchParams(http.received[0]?.body).get("Body") ?? "";
    expect(text.length).toBeLessThanOrEqual(1_600);
    expect(text.isWellFormed()).toBe(true);
    expect(smsSegments(text).encoding).toBe("UCS-2");
  });
});

test("numbers have their country's code, however they are written", async () => {
  const { channel } = await twilio();
  for (const written of ["+49 151 12345678", "+49 (151) 12345678", " +49-151/1234.5678 "]) {
    expect(channel.parseRecipient(written)).toBe(ANN);
  }
  for (const wrong of [
    "0151 12345678",
    "+49",
    "ann@example.com",
    "",
    "+1",
    "+49 151 12345678 ext. 5",
    "+999123456789",
  ]) {
    expect(() => channel.parseRecipient(wrong), wrong).toThrow(InvalidRecipient);
  }
  expect(channel.address({ name: null, email: null, phone: "+49 151 12345678" })).toBe(ANN);
  expect(channel.address({ name: null, email: null, phone: "0151" })).toBeNull();
});

describe("what Twilio answers", () => {
  test.each([
    [400, 21211, "invalid"],
    [400, 21614, "invalid"],
    [400, 21635, "invalid"],
    [400, 21610, "stop"],
  ])("%i with %i: nothing is sent to that number any more", async (status, code, reason) => {
    const { http, channel } = await twilio();
    http.behave = refusing(status, code);
    const error = await failure(channel.send(to(ANN), unhurried));
    expect(error).toBeInstanceOf(BadAddress);
    expect((error as BadAddress).blamed.reason).toBe(reason);
    expect(error.message).toContain(`(error ${code})`);
  });

  test.each([
    [401, 20003, "Permanent", /account SID and the auth token/],
    [401, null, "Permanent", /account SID and the auth token/],
    [400, 21606, "Permanent", /check what messages come from/],
    [400, 21608, "Permanent", /trial account/],
    [400, 21609, "Permanent", /PUBLIC_URL/],
    [400, 21659, "Permanent", /check what messages come from/],
    [400, 21660, "Permanent", /check what messages come from/],
    [400, 99999, "Permanent", /status 400 \(error 99999\)$/],
    [429, 20429, "NotYet", /no more messages at the moment/],
    [400, 30001, "NotYet", /no more messages at the moment/],
    [503, 20503, "Retryable", /status 503/],
    [500, 20500, "OutcomeUnknown", /whether it took the message is unknown/],
  ] as const)("%i with %j is %s", async (status, code, name, sentence) => {
    const { http, channel } = await twilio();
    http.behave = refusing(status, code);
    const error = await failure(channel.send(to(ANN), unhurried));
    expect(error).toMatchObject({ name, message: expect.stringMatching(sentence) });
    expect(error.message).not.toContain("told by them");
    expect(error.message).not.toContain("canary");
  });

  test("503 that says when to come back: not before", async () => {
    const { http, channel } = await twilio();
    http.behave = answer(503, { "retry-after": "120" }, "{}");
    const error = await failure(channel.send(to(ANN), unhurried));
    expect(error).toMatchObject({ name: "Retryable", retryAfterMs: 120_000 });
  });

  test("nothing, after it had the message: it may have been sent, so it isn't sent again", async () => {
    const { http, channel } = await twilio();
    http.behave = (response) => void response.destroy();
    expect((await failure(channel.send(to(ANN), unhurried))).name).toBe("OutcomeUnknown");
    const nobody = await twilio({ apiUrl: "http://127.0.0.1:1" });
    expect((await failure(nobody.channel.send(to(ANN), unhurried))).name).toBe("Retryable");
  });

  test("without an account, or an address, it says what to do", async () => {
    const { channel } = await twilio({ account: null });
    expect(await failure(channel.send(to(ANN), unhurried))).toMatchObject({
      name: "Retryable",
      message: expect.stringContaining("set TWILIO_ACCOUNT_SID"),
    });
    const { channel: other, http } = await twilio();
    expect((await failure(other.send(to(null), unhurried))).message).toMatch(/^nobody is addressed/);
    const done = new Error("done");
    expect(await failure(other.send(to(ANN), { ...unhurried, beforeSend: () => Promise.reject(done) }))).toBe(done);
    expect(http.received).toEqual([]);
  });
});

describe("what Twilio tells", () => {
  test.each([
    [{ MessageStatus: "delivered", To: ANN }, []],
    [{ MessageStatus: "sent", To: ANN, ErrorCode: "30005" }, []],
    [{ MessageStatus: "undelivered", To: ANN, ErrorCode: "30003" }, [["soft", ANN]]],
    [{ MessageStatus: "undelivered", To: ANN, ErrorCode: "30005" }, [["hard", ANN]]],
    [{ MessageStatus: "failed", To: ANN, ErrorCode: "21610" }, [["stopped", ANN]]],
    [{ MessageStatus: "failed", To: ANN }, [["soft", ANN]]],
    [{ Body: "stop ", From: ANN }, [["stopped", ANN]]],
    [{ Body: "Stop it", From: ANN }, []],
    [{ Body: "STOPALL", From: ANN }, [["stopped", ANN]]],
    [{ Body: "unstop", From: ANN }, [["started", ANN]]],
    [{ Body: "whatever", OptOutType: "STOP", From: ANN }, [["stopped", ANN]]],
    [{ Body: "HELP", OptOutType: "HELP", From: ANN }, []],
    [{}, []],
    ["no form", []],
  ])("%j", (body, expected) => {
    expect(feedbackOfTwilio(body, "1-2-0").map(({ kind, address }) => [kind, address])).toEqual(expected);
  });

  test("is signed over the URL and all fields", () => {
    // The example of Twilio's own documentation.
    const fields: [string, string][] = [
      ["Digits", "1234"],
      ["To", "+18005551212"],
      ["From", "+14158675309"],
      ["Caller", "+14158675309"],
      ["CallSid", "CA1234567890ABCDE"],
    ];
    expect(signatureOf("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", fields)).toBe(
      "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    );
  });
});
