import type { HttpService } from "../service.ts";

/** A topic of ntfy, on its public server or one's own. */
export const NTFY: HttpService = {
  name: "ntfy",
  title: "ntfy",
  access: {
    kind: "token",
    told: "an access token (tk_...)",
    pattern: /^tk_[A-Za-z0-9]{20,60}$/,
    isOptional: true,
  },
  apiUrl: "https://ntfy.sh",
  recipients: [{ told: "a topic (letters, digits, - and _)", pattern: /^[-_A-Za-z0-9]{1,64}$/ }],
  needsRecipient: true,
  markup: "none",
  maxSubjectChars: 250,
  // 4,096 bytes; a character may have three of them.
  maxTextChars: 1_300,
  linksInText: true,
  request: {
    method: "POST",
    url: "{api_url}",
    headers: { authorization: "Bearer {token}" },
    encoding: "json",
    body: { topic: "{recipient}", title: "{subject}", message: "{text}" },
  },
  answer: { idAt: "id", codeAt: "error" },
  isIdempotent: false,
  everyMs: 250,
  refusals: [
    { status: 401, fault: "access", toDo: "ntfy doesn't know the access token: set it again" },
    { status: 403, fault: "access", toDo: "nobody may write to that topic with this access: check the token's rights" },
    { status: 413, fault: "message", toDo: "shorten the reminder's message" },
  ],
  docs: "https://docs.ntfy.sh/publish/#publish-as-json",
};
