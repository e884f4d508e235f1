import type { HttpService } from "../service.ts";

/** A service of PagerDuty: all messages of a reminder are one incident. */
export const PAGERDUTY: HttpService = {
  name: "pagerduty",
  title: "PagerDuty",
  access: {
    kind: "token",
    told: "the integration key of a service (32 letters and digits)",
    pattern: /^[A-Za-z0-9]{32}$/,
  },
  apiUrl: "https://events.pagerduty.com",
  recipients: [],
  needsRecipient: false,
  isForPrograms: true,
  markup: "none",
  maxSubjectChars: 1_000,
  maxTextChars: 10_000,
  linksInText: false,
  request: {
    method: "POST",
    url: "{api_url}/v2/enqueue",
    encoding: "json",
    body: {
      routing_key: "{token}",
      event_action: "trigger",
      dedup_key: "{thread}",
      payload: {
        summary: "{subject}",
        source: "reminder-engine",
        severity: "warning",
        custom_details: { message: "{text}" },
      },
      links: [{ forEachAnswer: { href: "{answer_url}", text: "{label}" } }],
    },
  },
  answer: { idAt: "dedup_key", codeAt: "errors" },
  isIdempotent: true,
  everyMs: 500,
  refusals: [
    {
      status: 400,
      says: "routing_key",
      fault: "access",
      toDo: "PagerDuty doesn't know the integration key: set it again",
    },
    { status: 400, fault: "message", toDo: "PagerDuty doesn't take the event as it is" },
  ],
  docs: "https://developer.pagerduty.com/docs/send-alert-event",
};
