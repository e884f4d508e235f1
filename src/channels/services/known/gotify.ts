import type { HttpService } from "../service.ts";

/** An application of a Gotify server. */
export const GOTIFY: HttpService = {
  name: "gotify",
  title: "Gotify",
  access: { kind: "token", told: "the token of an application (A...)", pattern: /^A[A-Za-z0-9._-]{5,60}$/ },
  apiUrl: null,
  recipients: [],
  needsRecipient: false,
  markup: "none",
  maxSubjectChars: 200,
  maxTextChars: 10_000,
  linksInText: true,
  request: {
    method: "POST",
    url: "{api_url}/message",
    headers: { "x-gotify-key": "{token}" },
    encoding: "json",
    body: { title: "{subject}", message: "{text}", priority: 5 },
  },
  answer: { idAt: "id", codeAt: "errorDescription" },
  isIdempotent: false,
  everyMs: 100,
  refusals: [{ status: 401, fault: "access", toDo: "Gotify doesn't know the application's token: set it again" }],
  docs: "https://gotify.net/docs/pushmsg",
};
