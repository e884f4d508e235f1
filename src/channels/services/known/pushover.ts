import type { HttpService } from "../service.ts";

/** An application of Pushover, which pushes to the devices of a person or a group. */
export const PUSHOVER: HttpService = {
  name: "pushover",
  title: "Pushover",
  access: {
    kind: "token",
    told: "the API token of an application (30 letters and digits)",
    pattern: /^[A-Za-z0-9]{30}$/,
  },
  apiUrl: "https://api.pushover.net",
  recipients: [{ told: "the key of a user or a group (30 letters and digits)", pattern: /^[A-Za-z0-9]{30}$/ }],
  needsRecipient: true,
  markup: "none",
  maxSubjectChars: 250,
  maxTextChars: 1_024,
  linksInText: true,
  request: {
    method: "POST",
    url: "{api_url}/1/messages.json",
    encoding: "json",
    body: { token: "{token}", user: "{recipient}", title: "{subject}", message: "{text}" },
  },
  answer: {
    ...{ idAt: "request", codeAt: "errors" },
    quotaIn: { left: "x-limit-app-remaining", resetAt: "x-limit-app-reset" },
  },
  isIdempotent: false,
  everyMs: 500,
  refusals: [
    { says: "application token", fault: "access", toDo: "Pushover doesn't know the application's token: set it again" },
    // Not gone for good: keys of subscribers are known to one application alone, and the other one's token may be set.
    { says: "user identifier", fault: "address", toDo: "Pushover doesn't know the user or group" },
    { says: "user key", fault: "address", toDo: "Pushover doesn't know the user or group" },
    { says: "message cannot be blank", fault: "message", toDo: "the reminder's message is empty" },
  ],
  docs: "https://pushover.net/api",
};
