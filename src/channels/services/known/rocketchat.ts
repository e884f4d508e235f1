import type { HttpService } from "../service.ts";

/** An incoming integration of Rocket.Chat. */
export const ROCKETCHAT: HttpService = {
  name: "rocketchat",
  title: "Rocket.Chat",
  access: {
    kind: "webhook_url",
    told: "the URL of an incoming integration, like https://chat.example.com/hooks/abc/def",
    pattern: /\/hooks\/[A-Za-z0-9]{5,60}\/[A-Za-z0-9]{5,100}$/,
  },
  recipients: [
    { told: "a channel (like #general)", pattern: /^#[\w.-]{1,100}$/ },
    { told: "a person (like @ann)", pattern: /^@[\w.-]{1,100}$/ },
  ],
  needsRecipient: false,
  markup: "markdown",
  maxSubjectChars: 200,
  maxTextChars: 4_700,
  linksInText: true,
  request: {
    method: "POST",
    url: "{url}",
    encoding: "json",
    body: { text: "**{subject}**\n{text}", channel: "{recipient}" },
  },
  answer: { codeAt: "error" },
  isIdempotent: false,
  everyMs: 250,
  refusals: [
    {
      says: "invalid-channel",
      fault: "address",
      toDo: "there is no such channel or person, or the integration may not post there",
    },
    { says: "invalid integration", fault: "access", toDo: "the integration is gone: make a new one and set its URL" },
    { says: "not enabled", fault: "access", toDo: "the integration is switched off" },
  ],
  docs: "https://docs.rocket.chat/docs/integrations",
};
