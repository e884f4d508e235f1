import type { ServerResponse } from "node:http";
import { type HttpReceiver, type ReceivedRequest, startHttpReceiver } from "./http-receiver.ts";

export const BOT_TOKEN = "xoxb-1111111111-2222222222-AbCdEfGhIjKl";

/** A message as the workspace has it. */
export interface SlackMessage {
  channel: string;
  ts: string;
  thread_ts?: string;
  text: string;
  blocks: { type: string; text?: { text: string }; elements?: { text: string }[] }[];
  atMs: number;
}

export interface SlackServer {
  apiUrl: string;
  webhookUrl: string;
  messages: SlackMessage[];
  /** E-mail addresses and whose they are. */
  people: Map<string, string>;
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
const DIRECT = new Map([[ANN, "D0123456789"]]);
const KNOWN = new Set([CHANNEL, "C0000000002", ...DIRECT.values()]);

/** A workspace on loopback that answers as Slack's documentation says, and looks as closely at what it gets. */
export async function startSlack(): Promise<SlackServer> {
  const http = await startHttpReceiver();
  const slack: SlackServer = {
    apiUrl: `${http.url}/api/`,
    webhookUrl: `${http.url}/services/T0/B0/token`,
    messages: [],
    people: new Map(),
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
  if (method !== "chat.postMessage" || request.method !== "POST") return no("unknown_method");
  if (!request.headers["content-type"]?.startsWith("application/json")) return no("invalid_post_type");
  const body = JSON.parse(request.body) as SlackMessage;
  if (body.channel === PRIVATE_CHANNEL) return no("not_in_channel");
  const channel = DIRECT.get(body.channel) ?? body.channel;
  if (!KNOWN.has(channel)) return no("channel_not_found");
  if (areWrong(body)) return no("invalid_blocks");
  const parent = slack.messages.find(({ ts }) => ts === body.thread_ts);
  if (body.thread_ts !== undefined && (parent?.channel !== channel || parent.thread_ts !== undefined)) {
    return no("thread_not_found");
  }
  return { ok: true, ...keep(slack, channel, body) };
}

function incoming(slack: SlackServer, response: ServerResponse, request: ReceivedRequest): void {
  const body = JSON.parse(request.body) as SlackMessage;
  if (areWrong(body)) return void response.writeHead(400).end("invalid_blocks");
  keep(slack, CHANNEL, body);
  response.setHeader("content-type", "text/html").end("ok");
}

/** As Block Kit limits them. */
function areWrong({ text, blocks }: SlackMessage): boolean {
  const isWrong = ({ type, text: inner }: SlackMessage["blocks"][number]): boolean => {
    const most = type === "header" ? 150 : 3_000;
    return inner !== undefined && (inner.text.length < 1 || inner.text.length > most);
  };
  return text.length > 40_000 || blocks.length < 1 || blocks.length > 50 || blocks.some(isWrong);
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
