import type { HttpService } from "../service.ts";

/** An account on a Matrix homeserver. The same transaction id again is the same event, so a retry never doubles. */
export const MATRIX: HttpService = {
  name: "matrix",
  title: "Matrix",
  access: { kind: "token", told: "the access token of an account", pattern: /^[\x21-\x7e]{8,2000}$/ },
  apiUrl: null,
  recipients: [
    { told: "the id of a room (like !abc:example.org)", pattern: /^![^\s:/?#]{1,200}(:[A-Za-z0-9.:[\]-]{1,200})?$/ },
  ],
  needsRecipient: true,
  markup: "none",
  maxSubjectChars: 200,
  maxTextChars: 15_000,
  linksInText: true,
  request: {
    method: "PUT",
    url: "{api_url}/_matrix/client/v3/rooms/{recipient}/send/m.room.message/{id}",
    headers: { authorization: "Bearer {token}" },
    encoding: "json",
    // The empty list: nobody is mentioned, whatever the text says.
    body: { msgtype: "m.text", body: "{subject}\n\n{text}", "m.mentions": {} },
  },
  answer: { idAt: "event_id", codeAt: "errcode", retryAfterAt: { path: "retry_after_ms", unitMs: 1 } },
  isIdempotent: true,
  everyMs: 200,
  refusals: [
    { says: "m_unknown_token", fault: "access", toDo: "the homeserver doesn't know the access token: set it again" },
    { says: "m_missing_token", fault: "access", toDo: "the homeserver doesn't know the access token: set it again" },
    {
      says: "m_forbidden",
      fault: "address",
      toDo: "the account isn't in that room, or may not write there: invite it",
    },
    { says: "m_not_found", fault: "address", toDo: "there is no such room" },
    { says: "m_too_large", fault: "message", toDo: "shorten the reminder's message" },
  ],
  docs: "https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid",
};
