import type { Answer } from "../../outgoing/outcome.ts";
import { retryAfterMs } from "../../outgoing/retry-after.ts";
import { BadAddress, GONE, NotYet, OutcomeUnknown, Permanent, Retryable } from "../channel.ts";

// Slack's errors: https://docs.slack.dev/reference/methods/chat.postMessage#errors

/** As it is called where it gave no answer. */
export const SLACK = { title: "Slack" };
const LONGEST_WAIT_MS = 3_600_000;
/** Where Slack asks to wait and doesn't say for how long. */
const USUAL_WAIT_MS = 30_000;

const CHECK_TOKEN = "check the bot token and whether the app is still installed";
const CHECK_RECIPIENT = "check the reminder's recipient";

/** What a person has to do, by the code. All of these are final: the same again would be refused again. */
const TO_DO: Readonly<Record<string, string>> = {
  invalid_auth: CHECK_TOKEN,
  not_authed: CHECK_TOKEN,
  account_inactive: CHECK_TOKEN,
  token_revoked: CHECK_TOKEN,
  token_expired: "set a bot token that doesn't expire",
  not_allowed_token_type: "set a bot token (xoxb-...)",
  missing_scope: "give the app the scopes chat:write and users:read.email, and install it again",
  no_permission: "give the app the scope chat:write, and install it again",
  access_denied: "ask an administrator of the workspace",
  ekm_access_denied: "ask an administrator of the workspace",
  action_prohibited: "ask an administrator of the workspace",
  restricted_action: "ask an administrator of the workspace: the channel takes posts of few people only",
  channel_not_found: `there is no such channel for the app: ${CHECK_RECIPIENT}, and invite the app to private channels`,
  not_in_channel: "invite the app to the channel, or give it the scope chat:write.public",
  is_archived: "the channel is archived: give the reminder another recipient",
  channel_is_archived: "the channel is archived: make a webhook for another one",
  user_not_found: `there is no such person: ${CHECK_RECIPIENT}`,
  users_not_found: `nobody in the workspace has that e-mail address: ${CHECK_RECIPIENT}`,
  user_disabled: "the person's account is closed",
  cannot_dm_bot: `it is a bot: ${CHECK_RECIPIENT}`,
  messages_tab_disabled: "switch the messages tab of the app on, under App Home",
  no_service: "the incoming webhook is switched off: make a new one",
  no_active_hooks: "the incoming webhook is switched off: make a new one",
  invalid_token: "the incoming webhook is not known: make a new one",
  no_team: "the workspace of the incoming webhook is gone",
  msg_too_long: "shorten the reminder's message",
  msg_blocks_too_long: "shorten the reminder's message",
  no_text: "the reminder's message is empty",
  invalid_blocks: "the message doesn't have the form that Slack wants",
  invalid_blocks_format: "the message doesn't have the form that Slack wants",
  invalid_payload: "the message doesn't have the form that Slack wants",
};

/** Nobody is there, and the next message is refused as well. For as long as a mailbox that isn't there. */
const NOBODY_THERE: ReadonlySet<string> = new Set(["user_disabled"]);

/** A thread that can't be answered in: its first message is gone, locked, or of another workspace. */
export const LOST_THREAD: ReadonlySet<string> = new Set([
  "channel_not_found",
  "thread_not_found",
  "message_not_found",
  "cannot_reply_to_message",
  "invalid_thread_ts",
  "restricted_action_thread_locked",
]);

/** A message that can't be changed any more: it was deleted, is too old or another app's, or its channel is gone. */
export const CANT_BE_CHANGED: ReadonlySet<string> = new Set([
  "message_not_found",
  "channel_not_found",
  "thread_not_found",
  "cant_update_message",
  "edit_window_closed",
  "is_inactive",
  "is_archived",
  "not_in_channel",
]);

/** The server failed, and part of what it was asked for may be done. */
const MAY_BE_DONE: ReadonlySet<string> = new Set(["fatal_error", "internal_error", "rollup_error"]);

/** Slack asks to wait: what waits keeps its attempts. */
export function notYet(answer: Pick<Answer, "headers">): NotYet {
  return new NotYet(
    "waits for its turn: Slack takes no more messages at the moment",
    Math.min(LONGEST_WAIT_MS, retryAfterMs(answer) || USUAL_WAIT_MS),
  );
}

/** Slack takes nothing on, and says when it will again. Null: it doesn't, or by its code more is known, or something may be done. */
export function closedUntil(answer: Pick<Answer, "status" | "headers">, code: string | null): Retryable | null {
  const saysMore =
    code !== null &&
    ([MAY_BE_DONE, LOST_THREAD, CANT_BE_CHANGED].some((known) => known.has(code)) || Object.hasOwn(TO_DO, code));
  const waitMs = answer.status === 503 && !saysMore ? retryAfterMs(answer) : 0;
  return waitMs > 0 ? new Retryable("Slack answered with status 503", waitMs) : null;
}

/** What a refusal by its code means; `what` was asked for, as in "the message". */
export function refusal(code: string, what: string): Permanent | OutcomeUnknown | Retryable {
  if (MAY_BE_DONE.has(code))
    return new OutcomeUnknown(`Slack failed at ${what} (${code}) and may have done it all the same`);
  const toDo = Object.hasOwn(TO_DO, code) ? TO_DO[code] : undefined;
  const sentence = `Slack refused ${what} (${code})`;
  if (toDo === undefined) return new Retryable(sentence);
  return NOBODY_THERE.has(code) ? new BadAddress(`${sentence}: ${toDo}`, GONE) : new Permanent(`${sentence}: ${toDo}`);
}

/**
 * What a word means that an incoming webhook answered with this status. Where the status leaves open what was done, a word says
 * more only if it is known.
 */
export function webhookRefusal(code: string, status: number): Permanent | OutcomeUnknown | Retryable {
  const isNo = status >= 400 && (status < 500 || status === 503);
  const isKnown = Object.hasOwn(TO_DO, code) || MAY_BE_DONE.has(code);
  const refused = isNo || isKnown ? refusal(code, "the message") : badStatus(status);
  // It has one place, whoever is addressed: nobody is to blame for that.
  return refused instanceof BadAddress ? new Permanent(refused.message) : refused;
}

/**
 * A status without a code that says more. 503 is said by who doesn't take requests on; other 5xx may come in the middle of one,
 * and 2xx say that something was done.
 */
export function badStatus(status: number): Permanent | OutcomeUnknown | Retryable {
  const sentence = `Slack answered with status ${status}`;
  if (status < 300 || (status >= 500 && status !== 503))
    return new OutcomeUnknown(`${sentence}: whether the message was posted is unknown`);
  return status >= 500 || status < 400 ? new Retryable(sentence) : new Permanent(sentence);
}
