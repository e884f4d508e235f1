import type { HttpService } from "../service.ts";

/** A workflow of Microsoft Teams that posts the card it gets; it answers 202 before the card is there. */
export const TEAMS: HttpService = {
  name: "teams",
  title: "Microsoft Teams",
  access: {
    kind: "webhook_url",
    told: "the URL of a Teams workflow that posts cards, as it is shown when the workflow is made",
    pattern: /^https?:\/\//,
  },
  recipients: [],
  needsRecipient: false,
  markup: "markdown",
  // https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format
  lineBreak: "\n\n",
  maxSubjectChars: 250,
  maxTextChars: 8_000,
  linksInText: false,
  request: {
    method: "POST",
    url: "{url}",
    encoding: "json",
    body: {
      type: "message",
      attachments: [
        {
          contentType: "application/vnd.microsoft.card.adaptive",
          content: {
            $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            type: "AdaptiveCard",
            version: "1.4",
            body: [
              { type: "TextBlock", size: "Large", weight: "Bolder", wrap: true, text: "{subject}" },
              { type: "TextBlock", wrap: true, text: "{text}" },
            ],
            actions: [{ forEachAnswer: { type: "Action.OpenUrl", title: "{label}", url: "{answer_url}" } }],
          },
        },
      ],
    },
  },
  answer: {},
  isIdempotent: false,
  everyMs: 1_000,
  refusals: [
    { status: 404, fault: "access", toDo: "the workflow is gone: make a new one and set its URL" },
    { status: 413, fault: "message", toDo: "the card is too large: shorten the reminder's message" },
  ],
  docs: "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook",
};
