import type { HttpService } from "../service.ts";

/** A webhook of a channel in Discord. */
export const DISCORD: HttpService = {
  name: "discord",
  title: "Discord",
  access: {
    kind: "webhook_url",
    told: "the URL of a Discord webhook, like https://discord.com/api/webhooks/123/abc",
    pattern: /\/api(\/v\d+)?\/webhooks\/\d+\/[\w-]+$/,
  },
  recipients: [],
  needsRecipient: false,
  markup: "markdown",
  codeMarks: "throughout",
  maxSubjectChars: 200,
  maxTextChars: 1_790,
  linksInText: true,
  request: {
    method: "POST",
    url: "{url}?wait=true",
    encoding: "json",
    // 4: links get no preview. Names in the text call nobody.
    body: { content: "**{subject}**\n{text}", allowed_mentions: { parse: [] }, flags: 4 },
  },
  answer: { idAt: "id", codeAt: "code", retryAfterAt: { path: "retry_after", unitMs: 1_000 } },
  isIdempotent: false,
  everyMs: 1_000,
  refusals: [
    { says: "10015", fault: "access", toDo: "the webhook is gone: make a new one and set its URL" },
    { says: "50027", fault: "access", toDo: "Discord doesn't know the webhook's token: set its URL again" },
    { says: "50035", fault: "message", toDo: "Discord doesn't take the message as it is: shorten it" },
  ],
  docs: "https://discord.com/developers/docs/resources/webhook#execute-webhook",
};
