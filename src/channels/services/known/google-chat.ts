import type { HttpService } from "../service.ts";

/** A webhook of a space in Google Chat; a reminder's messages are in one thread. */
export const GOOGLE_CHAT: HttpService = {
  name: "google_chat",
  title: "Google Chat",
  access: {
    kind: "webhook_url",
    told: "the URL of a webhook of a space, like https://chat.googleapis.com/v1/spaces/AAA/messages?key=...&token=...",
    pattern: /\/v1\/spaces\/[\w-]+\/messages\?/,
  },
  recipients: [],
  needsRecipient: false,
  markup: "angled",
  codeMarks: "anywhere",
  maxSubjectChars: 200,
  maxTextChars: 3_700,
  linksInText: true,
  request: {
    method: "POST",
    url: "{url}&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
    encoding: "json",
    body: { text: "*{subject}*\n{text}", thread: { threadKey: "{thread}" } },
  },
  answer: { idAt: "name", codeAt: "error.status" },
  isIdempotent: false,
  everyMs: 1_000,
  refusals: [
    { says: "not_found", fault: "access", toDo: "the space or its webhook is gone: make a new one and set its URL" },
    { says: "permission_denied", fault: "access", toDo: "the webhook may not post: make a new one and set its URL" },
    { says: "unauthenticated", fault: "access", toDo: "Google doesn't know the webhook's key: set its URL again" },
    { says: "invalid_argument", fault: "message", toDo: "Google Chat doesn't take the message as it is: shorten it" },
  ],
  docs: "https://developers.google.com/workspace/chat/quickstart/webhooks",
};
