import type { Message, MessageLinks } from "../../src/channels/channel.ts";
import { MOST_PAYLOAD_BYTES, pushPayload } from "../../src/channels/push/payload.ts";
import { createServiceChannel } from "../../src/channels/services/channel.ts";
import { DISCORD } from "../../src/channels/services/known/discord.ts";
import { TEAMS } from "../../src/channels/services/known/teams.ts";
import { TELEGRAM } from "../../src/channels/services/known/telegram.ts";
import type { HttpService } from "../../src/channels/services/service.ts";
import { doneContent } from "../../src/channels/slack/done.ts";
import { createSlackChannel } from "../../src/channels/slack/slack.ts";
import { createSmsChannel } from "../../src/channels/sms/sms.ts";
import { PURPOSES } from "../../src/core/answer.ts";
import { signAnswer } from "../../src/secrets/answer-token.ts";
import { writeDigest } from "../../src/templates/digest.ts";
import { renderMessage } from "../../src/templates/render.ts";
import { exampleMessage, type MessageChanges } from "../../test/support/message.ts";
import { pushPage } from "./push.ts";
import { sentBy } from "./sent.ts";
import { discordPage, teamsPage, telegramPage } from "./services.ts";
import { slackPage } from "./slack.ts";
import { smsPage } from "./sms.ts";

/** One picture: its file, how wide it is looked at, and what is looked at. */
export interface Picture {
  name: string;
  width: number;
  colorScheme: "light" | "dark";
  html: string;
}

/** As long as they are. */
const LINKS = Object.fromEntries(
  PURPOSES.map((purpose) => {
    const [occurrenceAt, expiresAt] = [Date.UTC(2026, 0, 20, 9), Date.UTC(2026, 1, 19, 9)];
    const link = { tenant: "default", reminderId: 4711, occurrenceAt, recipientNo: 0, purpose, expiresAt };
    return [purpose, `https://r.example.com/a/${signAnswer(link, { id: 1, secret: Buffer.alloc(32) })}`];
  }),
) as unknown as MessageLinks;

const toAnn = (reminder: MessageChanges["reminder"], changes: MessageChanges = {}): Message =>
  exampleMessage({
    contact: { name: "Ann", email: "ann@example.com", timeZone: "Europe/London", locale: "en-GB" },
    ...{ occurrenceAt: Date.UTC(2026, 0, 20, 9), nextRunAt: Date.UTC(2026, 0, 22, 9), links: LINKS },
    ...changes,
    reminder: { createdAt: Date.UTC(2026, 0, 16, 9), ...reminder },
  });

export const PAYMENT = {
  ...{ entityType: "invoice", entityId: "2026-0042", eventType: "payment" },
  data: { url: "https://pay.example/2026-0042", due: "2026-01-31", amount: 1234.5, currency: "EUR" },
};
const FEEDBACK = { entityType: "interviewer", entityId: "INT_100", eventType: "feedback_form", data: {} };
const TOKEN = "xoxb-0000000000-picture";

/** All pictures of messages in docs/images/, each made of what is really sent. */
export async function pictures(): Promise<Picture[]> {
  const email = renderMessage(toAnn(PAYMENT)).html;
  const both = [toAnn(PAYMENT), toAnn(FEEDBACK)].map((message) => ({ message, rendered: renderMessage(message) }));
  const ofPush = toAnn(PAYMENT, { recipient: "invoice/2026-0042" });
  const push = pushPayload(ofPush, renderMessage(ofPush), MOST_PAYLOAD_BYTES);
  const light = { colorScheme: "light" } as const;
  return [
    { name: "email", width: 600, ...light, html: email },
    { name: "email-dark", width: 390, colorScheme: "dark", html: email },
    { name: "digest", width: 600, ...light, html: writeDigest(both).html },
    { name: "slack", width: 640, ...light, html: await slack() },
    { name: "sms", width: 360, ...light, html: smsPage(await sms()) },
    { name: "push", width: 380, ...light, html: pushPage(push, "reminders.example") },
    { name: "teams", width: 600, ...light, html: teamsPage(await service(TEAMS, null), "09:00") },
    { name: "discord", width: 600, ...light, html: discordPage(await service(DISCORD, null), "Today at 09:00") },
    { name: "telegram", width: 420, ...light, html: telegramPage(await service(TELEGRAM, "12345678"), "09:00") },
  ];
}

/** A message with its buttons, and what stands in its place once it is done. */
async function slack(): Promise<string> {
  const account = { via: "bot", token: TOKEN, signingSecret: "0".repeat(32) } as const;
  const body = await sentBy(
    (http) => createSlackChannel({ account, apiUrl: "https://slack.example/api/", concurrency: 1, http }),
    toAnn(PAYMENT, { recipient: "C0123ABCDEF", buttons: LINKS }),
    { status: 200, body: { ok: true, channel: "C0123ABCDEF", ts: "1768899600.000100" } },
  );
  const { reminder, contact } = toAnn(PAYMENT);
  const done = { completionReason: "stop_condition", completedAt: Date.UTC(2026, 0, 21, 15, 12) } as const;
  const after = doneContent({ reminder: { ...reminder, ...done }, contact, tenantZone: null });
  return slackPage([
    [body, "9:00 AM"],
    [JSON.stringify(after), "9:00 AM (edited)"],
  ]);
}

async function sms(): Promise<string> {
  const account = { accountSid: `AC${"0".repeat(32)}`, authToken: "0".repeat(32), from: "+15005550006" };
  return sentBy(
    (http) => createSmsChannel({ account, apiUrl: "https://twilio.example", publicUrl: null, concurrency: 1, http }),
    toAnn(PAYMENT, { recipient: "+4915112345678" }),
    { status: 201, body: { sid: `SM${"0".repeat(32)}` } },
  );
}

async function service(service: HttpService, recipient: string | null): Promise<string> {
  const url = "https://service.example/api/webhooks/1/x";
  const access = {
    secret: service.access.kind === "token" ? "123456:picture" : url,
    apiUrl: "https://service.example",
  };
  return sentBy((http) => createServiceChannel(service, { access, http }), toAnn(PAYMENT, { recipient }), {
    status: 200,
    body: {},
  });
}
