import type { HttpService } from "../service.ts";

/** A bot of a Zulip organization: to channels under a topic, or to people. */
export const ZULIP: HttpService = {
  name: "zulip",
  title: "Zulip",
  access: {
    kind: "token",
    told: "a bot's e-mail address and its API key with a colon between them, like bot@chat.example.com:abc",
    pattern: /^[^\s:@]{1,100}@[^\s:@]{1,200}:[A-Za-z0-9]{20,64}$/,
  },
  apiUrl: null,
  recipients: [
    {
      told: "the e-mail address of a person",
      pattern: /^[^\s@"\\]{1,100}@[^\s@"\\]{1,150}$/,
      isEmail: true,
      adds: { type: "direct", to: '["{recipient}"]', content: "**{subject}**\n{text}" },
    },
    {
      told: "the name of a channel with # before it (like #invoices)",
      pattern: /^#[^\n\r\t"\\]{1,60}$/,
      adds: { type: "stream", to: "{place}", topic: "{subject}", content: "{text}" },
    },
  ],
  needsRecipient: true,
  markup: "markdown",
  codeMarks: "margin",
  maxSubjectChars: 60,
  maxTextChars: 9_900,
  linksInText: true,
  request: {
    method: "POST",
    url: "{api_url}/api/v1/messages",
    headers: { authorization: "Basic {basic}" },
    encoding: "form",
    body: {},
  },
  answer: { idAt: "id", codeAt: "code", retryAfterAt: { path: "retry-after", unitMs: 1_000 } },
  isIdempotent: false,
  everyMs: 300,
  refusals: [
    { says: "stream_does_not_exist", fault: "address", toDo: "there is no such channel" },
    { says: "channel_does_not_exist", fault: "address", toDo: "there is no such channel" },
    { says: "unauthorized", fault: "access", toDo: "Zulip doesn't know the bot's address or key: set them again" },
    { says: "invalid_api_key", fault: "access", toDo: "Zulip doesn't know the bot's key: set it again" },
    { says: "user_deactivated", fault: "access", toDo: "the bot is switched off" },
  ],
  docs: "https://zulip.com/api/send-message",
};
