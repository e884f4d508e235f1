import type { HttpService } from "../service.ts";

/** Alerts as Opsgenie has them, and Jira Service Management after it: all messages of a reminder are one alert. */
export const OPSGENIE: HttpService = {
  name: "opsgenie",
  title: "Opsgenie",
  access: { kind: "token", told: "the key of an API integration", pattern: /^[A-Za-z0-9-]{20,80}$/ },
  apiUrl: "https://api.opsgenie.com",
  recipients: [
    {
      told: "the e-mail address of a user",
      pattern: /^[^\s@]{1,100}@[^\s@]{1,200}$/,
      isEmail: true,
      adds: { responders: [{ type: "user", username: "{recipient}" }] },
    },
    {
      told: "the name of a team with # before it (like #operations)",
      pattern: /^#[^\n\r\t]{1,100}$/,
      adds: { responders: [{ type: "team", name: "{place}" }] },
    },
  ],
  needsRecipient: false,
  isForPrograms: true,
  markup: "none",
  maxSubjectChars: 130,
  maxTextChars: 14_000,
  linksInText: true,
  request: {
    method: "POST",
    url: "{api_url}/v2/alerts",
    headers: { authorization: "GenieKey {token}" },
    encoding: "json",
    body: { message: "{subject}", alias: "{thread}", description: "{text}", source: "reminder-engine" },
  },
  answer: { idAt: "requestId", codeAt: "message" },
  isIdempotent: true,
  everyMs: 500,
  refusals: [
    { status: 401, fault: "access", toDo: "Opsgenie doesn't know the integration's key: set it again" },
    { status: 403, fault: "access", toDo: "the integration may not create alerts: give it that right" },
    { status: 422, fault: "message", toDo: "Opsgenie doesn't take the alert as it is: check its recipient" },
  ],
  docs: "https://docs.opsgenie.com/docs/alert-api#create-alert",
};
