import { createHmac } from "node:crypto";
import type { ServerResponse } from "node:http";
import { type HttpReceiver, type ReceivedRequest, startHttpReceiver } from "./http-receiver.ts";

export const BOT_TOKEN = "xoxb-1111111111-2222222222-AbCdEfGhIjKl";
export const SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
export const TEAM = "T0123456789";

/** A message as the workspace has it. */
export interface SlackMessage {
  channel: string;
  ts: string;
  thread_ts?: string;
  text: string;
  blocks: SlackBlock[];
  atMs: number;
}

export interface SlackBlock {
  type: string;
  text?: { text: string };
  /** Of an actions block: buttons, whose text is an object. */
  elements?: { text: string; action_id?: string; value?: string }[];
}

/** What only one person sees. */
export interface Ephemeral {
  channel: string;
  user: string;
  text: string;
  thread_ts?: string;
}

/** Somebody of this workspace, as `users.info` tells of them. */
export interface SlackUser {
  id: string;
  team_id: string;
  deleted: boolean;
  is_bot: boolean;
  is_email_confirmed: boolean;
  profile: { email?: string };
}

export interface SlackServer {
  apiUrl: string;
  webhookUrl: string;
  messages: SlackMessage[];
  /** E-mail addresses and whose they are. */
  people: Map<string, string>;
  /** Whom `users.info` knows, by their ids. */
  users: Map<string, SlackUser>;
  ephemerals: Ephemeral[];
  /** Where presses may be answered, and where each was. */
  pressed: Map<string, { channel: string; user: string; ts: string; answers: number }>;
  /** Methods that were called, and how often. */
  calls: string[];
  http: HttpReceiver;
  /** What it says instead of looking at the next request; it is asked once for each. */
  instead: ((response: ServerResponse, method: string) => boolean) | null;
}

/** Ids that this workspace knows: a channel, a private one, and what a message to a person leads to. */
export const CHANNEL = "C0123456789";
export const PRIVATE_CHANNEL = "G0123456789";
export const ANN = "U0123456789";
export const BOB = "U0000000002";
const DIRECT = new Map([
  [ANN, "D0123456789"],
  [BOB, "D0000000002"],
]);
const KNOWN = new Set([CHANNEL, "C0000000002", ...DIRECT.values()]);

/** A workspace on loopback that answers as Slack's documentation says, and looks as closely at what it gets. */
export async function startSlack(): Promise<SlackServer> {
  const http = await startHttpReceiver();
  const slack: SlackServer = {
    apiUrl: `${http.url}/api/`,
    webhookUrl: `${http.url}/services/T0/B0/token`,
    messages: [],
    people: new Map(),
    users: new Map(),
    ephemerals: [],
    pressed: new Map(),
    calls: [],
    http,
    instead: null,
  };
  http.behave = (response, request) => {
    const [path = "", query] = request.path.split("?");
    const method = path.split("/").at(-1) as string;
    slack.calls.push(method);
    if (slack.instead?.(response, method)) return;
    if (request.path.startsWith("/services/")) return incoming(slack, response, request);
    if (request.path.startsWith("/actions/")) return answered(slack, response, request);
    const answer =
      request.headers.authorization === `Bearer ${BOT_TOKEN}`
        ? call(slack, method, query, request)
        : no("invalid_auth");
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.end(JSON.stringify(answer));
  };
  return slack;
}

function call(slack: SlackServer, method: string, query: string | undefined, request: ReceivedRequest): object {
  if (method === "users.lookupByEmail") {
    const id = slack.people.get(new URLSearchParams(query).get("email") ?? "");
    return id === undefined ? no("users_not_found") : { ok: true, user: { id } };
  }
  if (method === "users.info") {
    const user = slack.users.get(new URLSearchParams(query).get("user") ?? "");
    return user === undefined ? no("user_not_found") : { ok: true, user };
  }
  if (!/^chat\.(postMessage|update)$/.test(method) || request.method !== "POST") return no("unknown_method");
  if (!request.headers["content-type"]?.startsWith("application/json")) return no("invalid_post_type");
  const body = JSON.parse(request.body) as SlackMessage;
  if (method === "chat.update") return update(slack, body);
  if (body.channel === PRIVATE_CHANNEL) return no("not_in_channel");
  const channel = DIRECT.get(body.channel) ?? body.channel;
  if (!KNOWN.has(channel)) return no("channel_not_found");
  if (areWrong(body)) return no("invalid_blocks");
  if (areTooLong(body)) return no("msg_blocks_too_long");
  const parent = slack.messages.find(({ ts }) => ts === body.thread_ts);
  if (body.thread_ts !== undefined && (parent?.channel !== channel || parent.thread_ts !== undefined)) {
    return no("thread_not_found");
  }
  return { ok: true, ...keep(slack, channel, body) };
}

function update(slack: SlackServer, body: SlackMessage): object {
  if (!KNOWN.has(body.channel)) return no("channel_not_found");
  if (areWrong(body)) return no("invalid_blocks");
  const message = slack.messages.find(({ channel, ts }) => channel === body.channel && ts === body.ts);
  if (!message) return no("message_not_found");
  Object.assign(message, { text: body.text, blocks: body.blocks });
  return { ok: true, channel: body.channel, ts: body.ts, text: body.text };
}

/** An answer to a press: seen by whoever has pressed, or in the place of the message. Up to five. */
function answered(slack: SlackServer, response: ServerResponse, request: ReceivedRequest): void {
  const press = slack.pressed.get(request.path);
  if (!press || press.answers >= 5) return void response.writeHead(404).end("used_url");
  press.answers += 1;
  const body = JSON.parse(request.body) as SlackMessage & { replace_original?: boolean; response_type?: string };
  const { channel, user, ts } = press;
  if (body.replace_original) {
    const message = slack.messages.find((one) => one.channel === channel && one.ts === ts);
    if (!message || areWrong(body)) return void response.writeHead(400).end("invalid_blocks");
    Object.assign(message, { text: body.text, blocks: body.blocks });
  } else {
    const { text, thread_ts } = body;
    slack.ephemerals.push({ channel, user, text, ...(thread_ts === undefined ? {} : { thread_ts }) });
  }
  response.end("ok");
}

function incoming(slack: SlackServer, response: ServerResponse, request: ReceivedRequest): void {
  const body = JSON.parse(request.body) as SlackMessage;
  if (areWrong(body)) return void response.writeHead(400).end("invalid_blocks");
  keep(slack, CHANNEL, body);
  response.setHeader("content-type", "text/html").end("ok");
}

/** As Block Kit limits them. */
function areWrong({ text, blocks }: SlackMessage): boolean {
  const isWrong = ({ type, text: inner, elements = [] }: SlackBlock): boolean => {
    const most = type === "header" ? 150 : 3_000;
    if (type === "actions") return elements.length < 1 || elements.length > 25 || areWrongButtons(elements);
    return inner !== undefined && (inner.text.length < 1 || inner.text.length > most);
  };
  return text.length > 40_000 || blocks.length < 1 || blocks.length > 50 || blocks.some(isWrong);
}

/** Of all texts that it counts together, as they were seen to be in https://github.com/slackapi/bolt-js/issues/2509. */
function areTooLong({ blocks }: SlackMessage): boolean {
  const inBlock = ({ text, elements = [] }: SlackBlock): string[] =>
    [...(text ? [text] : []), ...elements].map(({ text }) => text);
  return blocks.flatMap(inBlock).join("").length > 13_200;
}

function areWrongButtons(buttons: NonNullable<SlackBlock["elements"]>): boolean {
  const isWrong = ({ text, action_id = "", value = "" }: (typeof buttons)[number]): boolean => {
    const label = (text as unknown as { text: string }).text;
    return label.length < 1 || label.length > 75 || action_id.length > 255 || value.length > 2_000;
  };
  return buttons.some(isWrong) || new Set(buttons.map(({ action_id }) => action_id)).size < buttons.length;
}

/** The buttons of a message, by what they do. */
export function buttonsOf(message: SlackMessage | undefined): { label: string; action_id: string; value: string }[] {
  const elements = message?.blocks.find(({ type }) => type === "actions")?.elements ?? [];
  return elements.map(({ text, action_id = "", value = "" }) => {
    return { label: (text as unknown as { text: string }).text, action_id, value };
  });
}

let nextPress = 0;

export interface PressWish {
  message: SlackMessage;
  /** Of the button, like `answer:done`. */
  action: string;
  user?: string;
  /** The workspace that the person is of. */
  userTeam?: string;
  /** What the button stands for; as it is in the message unless given. */
  value?: string;
  responseUrl?: string;
}

/** What Slack sends when somebody presses a button: the body as it goes out. */
export function pressBody(slack: SlackServer, wish: PressWish): string {
  const { message, action, user = ANN, userTeam = TEAM } = wish;
  const { channel, ts, thread_ts } = message;
  nextPress += 1;
  const path = `/actions/${TEAM}/${nextPress}/secret`;
  slack.pressed.set(path, { channel, user, ts, answers: 0 });
  const value = wish.value ?? buttonsOf(message).find(({ action_id }) => action_id === action)?.value;
  const payload = {
    type: "block_actions",
    user: { id: user, username: "somebody", name: "somebody", team_id: userTeam },
    api_app_id: "A0123456789",
    token: "not used any more",
    container: { type: "message", message_ts: ts, channel_id: channel, is_ephemeral: false, thread_ts },
    trigger_id: `${nextPress}.1.abc`,
    team: { id: TEAM, domain: "example" },
    enterprise: null,
    is_enterprise_install: false,
    channel: { id: channel, name: "general" },
    message: { type: "message", ts, text: message.text, blocks: message.blocks },
    state: { values: {} },
    response_url: wish.responseUrl ?? `${slack.http.url}${path}`,
    actions: [
      { action_id: action, block_id: "b1", type: "button", value, action_ts: `${1_700_000_000 + nextPress}.000001` },
    ],
  };
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}

/** The headers with which Slack sends a body. */
export function signedBySlack(body: string, secret = SIGNING_SECRET, atMs = Date.now()): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1_000));
  const mac = createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex");
  return {
    "content-type": "application/x-www-form-urlencoded",
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": `v0=${mac}`,
  };
}

let nextTs = 1_700_000_000;

function keep(slack: SlackServer, channel: string, body: SlackMessage): SlackMessage {
  nextTs += 1;
  const ts = `${nextTs}.000100`;
  const message = { ...body, channel, ts, atMs: performance.now() };
  slack.messages.push(message);
  return message;
}

function no(error: string): object {
  return { ok: false, error };
}
