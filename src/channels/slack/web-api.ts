import { textAt } from "../../core/json-fields.ts";
import { tellsSecret } from "../../core/secret-forms.ts";
import type { GuardedHttp } from "../../outgoing/guarded-http.ts";
import { jsonOf } from "../../outgoing/json-answer.ts";
import type { Answer } from "../../outgoing/outcome.ts";
import { OutcomeUnknown, Retryable, type SendOptions } from "../channel.ts";
import { noAnswer } from "../no-answer.ts";
import { badStatus, closedUntil, notYet, refusal, SLACK } from "./failure.ts";

const MAX_ANSWER_BYTES = 256 * 1024;
/** What Slack's codes look like; anything else isn't told. */
const CODE = /^[a-z][a-z0-9_]{0,80}$/;

export interface SlackWay {
  http: Pick<GuardedHttp, "request">;
  /** Ends with a slash. */
  apiUrl: string;
  timeoutMs: number;
}

/** A refusal with its code, as the caller may know another way. */
export class SlackRefused extends Error {
  override name = "SlackRefused";
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** A message that is in a channel now. */
export interface Posted {
  channel: string;
  ts: string;
}

/** `chat.postMessage`. Throws `SlackRefused` for a clear no, else what the send is to throw. */
export async function postMessage(way: SlackWay, token: string, body: object, options: SendOptions): Promise<Posted> {
  const { channel, ts } = await callMethod(way, "chat.postMessage", token, body, options);
  if (typeof channel !== "string" || typeof ts !== "string") throw unreadable();
  return { channel, ts };
}

/** `chat.update`: puts this in the place of a message. Throws as `postMessage` does. */
export async function updateMessage(way: SlackWay, token: string, body: object, signal: AbortSignal): Promise<void> {
  await callMethod(way, "chat.update", token, body, { signal });
}

async function callMethod(
  way: SlackWay,
  method: string,
  token: string,
  body: object,
  { signal, beforeSend }: SendOptions,
): Promise<Record<string, unknown>> {
  const outcome = await way.http.request({
    method: "POST",
    url: `${way.apiUrl}${method}`,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
    beforeSend,
    ...limits(way, signal),
  });
  if (!outcome.ok) throw noAnswer(outcome, SLACK);
  const answer = readAnswer(outcome, token);
  if (answer.ok !== true) throw new SlackRefused(answer.code);
  return answer.fields;
}

/** The id of the person with this address, by `users.lookupByEmail`. */
export async function lookUpByEmail(way: SlackWay, token: string, email: string, signal: AbortSignal): Promise<string> {
  const asked = { method: "users.lookupByEmail", query: { email }, what: "to look the recipient up" };
  const { id } = await askForUser(way, token, asked, signal);
  if (typeof id !== "string") throw new Retryable(NOBODY_KNOWN);
  return id;
}

/** What Slack says of somebody, by `users.info`. Throws what is wrong with asking. */
export async function userOf(way: SlackWay, token: string, id: string, signal: AbortSignal): Promise<object> {
  return askForUser(way, token, { method: "users.info", query: { user: id }, what: "to say who somebody is" }, signal);
}

const NOBODY_KNOWN = "Slack could not say who has the recipient's e-mail address";

async function askForUser(
  way: SlackWay,
  token: string,
  { method, query, what }: { method: string; query: Record<string, string>; what: string },
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const outcome = await way.http.request({
    method: "GET",
    url: `${way.apiUrl}${method}?${new URLSearchParams(query)}`,
    headers: { authorization: `Bearer ${token}` },
    ...limits(way, signal),
  });
  try {
    if (!outcome.ok) throw noAnswer(outcome, SLACK);
    const answer = readAnswer(outcome, token);
    if (answer.ok !== true) throw refusal(answer.code, what);
    return (answer.fields.user ?? {}) as Record<string, unknown>;
  } catch (error) {
    // Nothing is posted by asking, so nothing is left unknown.
    if (error instanceof OutcomeUnknown) throw new Retryable(NOBODY_KNOWN);
    throw error;
  }
}

function limits({ timeoutMs }: SlackWay, signal: AbortSignal) {
  return { signal, timeoutMs, maxResponseBytes: MAX_ANSWER_BYTES, need: "status" as const };
}

type Read = { ok: true; fields: Record<string, unknown> } | { ok: false; code: string };

/** Throws `NotYet`, or what an answer means that says neither yes nor no, or when to come back. */
function readAnswer(outcome: Answer, token: string): Read {
  const said = jsonOf(outcome);
  const fields = typeof said === "object" && said !== null ? (said as Record<string, unknown>) : null;
  const error = textAt(fields, "error") ?? "";
  const code = CODE.test(error) && !tellsSecret(error, token) ? error : null;
  if (outcome.status === 429 || code === "ratelimited" || code === "rate_limited") throw notYet(outcome);
  if (fields?.ok === true) return { ok: true, fields };
  const closed = closedUntil(outcome, code);
  if (closed) throw closed;
  if (code !== null) return { ok: false, code };
  throw outcome.status === 200 ? unreadable() : badStatus(outcome.status);
}

function unreadable(): OutcomeUnknown {
  return new OutcomeUnknown("Slack's answer says neither that the message was posted nor that it wasn't");
}
