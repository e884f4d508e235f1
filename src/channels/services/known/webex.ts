import type { HttpService } from "../service.ts";

/** A bot of Webex, in spaces that it was added to and with people. */
export const WEBEX: HttpService = {
  name: "webex",
  title: "Webex",
  access: { kind: "token", told: "the access token of a bot", pattern: /^[A-Za-z0-9_-]{40,300}$/ },
  apiUrl: "https://webexapis.com",
  recipients: [
    {
      told: "the e-mail address of a person",
      pattern: /^[^\s@]{1,100}@[^\s@]{1,200}$/,
      isEmail: true,
      adds: { toPersonEmail: "{recipient}" },
    },
    { told: "the id of a space", pattern: /^[A-Za-z0-9_=-]{30,200}$/, adds: { roomId: "{recipient}" } },
  ],
  needsRecipient: true,
  markup: "markdown",
  lineBreak: "  \n",
  maxSubjectChars: 200,
  // 7,439 bytes; a character may have three of them.
  maxTextChars: 2_200,
  linksInText: true,
  request: {
    method: "POST",
    url: "{api_url}/v1/messages",
    headers: { authorization: "Bearer {token}" },
    encoding: "json",
    body: { markdown: "**{subject}**\n\n{text}" },
  },
  answer: { idAt: "id", codeAt: "message" },
  isIdempotent: false,
  everyMs: 250,
  refusals: [
    { status: 401, fault: "access", toDo: "Webex doesn't know the bot's access token: set it again" },
    { status: 403, fault: "address", toDo: "the bot isn't in that space: add it" },
    { status: 404, fault: "address", toDo: "there is no such person or space for the bot" },
    { status: 423, fault: "later", toDo: "Webex asks to try it again" },
  ],
  docs: "https://developer.webex.com/docs/api/v1/messages/create-a-message",
};
