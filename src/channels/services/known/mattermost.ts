import type { HttpService } from "../service.ts";

/** An incoming webhook of Mattermost. */
export const MATTERMOST: HttpService = {
  name: "mattermost",
  title: "Mattermost",
  access: {
    kind: "webhook_url",
    told: "the URL of an incoming webhook, like https://chat.example.com/hooks/abc",
    pattern: /\/hooks\/[a-z0-9]{10,50}$/,
  },
  recipients: [
    { told: "the name of a channel (like town-square)", pattern: /^[a-z0-9][a-z0-9._-]{0,63}$/ },
    { told: "a person (like @ann)", pattern: /^@[a-z][a-z0-9._-]{0,63}$/ },
  ],
  needsRecipient: false,
  markup: "markdown",
  maxSubjectChars: 200,
  maxTextChars: 12_000,
  linksInText: true,
  request: {
    method: "POST",
    url: "{url}",
    encoding: "json",
    body: { text: "**{subject}**\n\n{text}", channel: "{recipient}" },
  },
  answer: { codeAt: "id" },
  isIdempotent: false,
  everyMs: 250,
  refusals: [
    {
      says: "web.incoming_webhook.channel",
      fault: "address",
      toDo: "there is no such channel, or the webhook may not post there",
    },
    { says: "web.incoming_webhook.user", fault: "address", toDo: "there is no such person" },
    { says: "web.incoming_webhook.permissions", fault: "access", toDo: "whoever made the webhook may not post there" },
    {
      says: "web.incoming_webhook.invalid",
      fault: "access",
      toDo: "the webhook is gone: make a new one and set its URL",
    },
    {
      says: "web.incoming_webhook.disabled",
      fault: "access",
      toDo: "incoming webhooks are switched off on that server",
    },
    { says: "web.incoming_webhook.text", fault: "message", toDo: "the reminder's message is empty or too long" },
  ],
  docs: "https://developers.mattermost.com/integrate/webhooks/incoming/",
};
