import type { HttpService } from "../service.ts";

/** A bot of Telegram. People have to write to it once before it may write to them. */
export const TELEGRAM: HttpService = {
  name: "telegram",
  title: "Telegram",
  access: {
    kind: "token",
    told: "the token of a bot, like 123456:ABC-DEF, as BotFather gives it",
    pattern: /^\d{5,20}:[\w-]{20,100}$/,
  },
  apiUrl: "https://api.telegram.org",
  recipients: [
    { told: "the number of a chat (like 12345678 or -1001234567890)", pattern: /^-?\d{1,20}$/ },
    { told: "the name of a public channel (like @news)", pattern: /^@[A-Za-z]\w{3,31}$/ },
  ],
  needsRecipient: true,
  markup: "none",
  mentions: true,
  maxSubjectChars: 200,
  maxTextChars: 3_800,
  linksInText: false,
  request: {
    method: "POST",
    url: "{api_url}/bot{token}/sendMessage",
    encoding: "json",
    body: {
      ...{ chat_id: "{recipient}", text: "{subject}\n\n{text}", link_preview_options: { is_disabled: true } },
      // Each answer is a button in a row of its own.
      reply_markup: { inline_keyboard: [{ forEachAnswer: [{ text: "{label}", url: "{answer_url}" }] }] },
    },
  },
  answer: {
    idAt: "result.message_id",
    codeAt: "description",
    retryAfterAt: { path: "parameters.retry_after", unitMs: 1_000 },
  },
  isIdempotent: false,
  everyMs: 1_000,
  refusals: [
    { says: "chat not found", fault: "address", toDo: "there is no such chat, or it never wrote to the bot" },
    { says: "blocked by the user", fault: "address", toDo: "the person has blocked the bot" },
    { says: "user is deactivated", fault: "gone", toDo: "the person's account is closed" },
    { says: "group chat was deleted", fault: "gone", toDo: "the group was deleted" },
    { says: "bot was kicked", fault: "address", toDo: "the bot was put out of the group: invite it again" },
    { says: "not a member", fault: "address", toDo: "the bot isn't in that channel: make it an administrator there" },
    { says: "not enough rights", fault: "address", toDo: "the bot may not write there: give it the right to" },
    { says: "have no rights", fault: "address", toDo: "the bot may not write there: give it the right to" },
    { says: "need administrator rights", fault: "address", toDo: "make the bot an administrator of that channel" },
    { says: "can't initiate conversation", fault: "address", toDo: "the person has to write to the bot first" },
    {
      says: "upgraded to a supergroup",
      fault: "address",
      toDo: "the group has a new number: give the reminder that one",
    },
    { says: "button_url_invalid", fault: "access", toDo: "Telegram takes no links to this machine: set PUBLIC_URL" },
    { says: "wrong http url", fault: "access", toDo: "Telegram takes no links to this machine: set PUBLIC_URL" },
    { says: "message is too long", fault: "message", toDo: "shorten the reminder's message" },
    { status: 401, fault: "access", toDo: "Telegram doesn't know the bot's token: set it again" },
    { status: 404, fault: "access", toDo: "Telegram doesn't know the bot's token: set it again" },
  ],
  docs: "https://core.telegram.org/bots/api#sendmessage",
};
