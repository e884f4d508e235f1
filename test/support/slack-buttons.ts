import { pino } from "pino";
import { onTestFinished } from "vitest";
import { type Channels, channelMap } from "../../src/channels/registry.ts";
import type { BotAccount } from "../../src/channels/slack/account.ts";
import { createSlackChannel } from "../../src/channels/slack/slack.ts";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { Threads } from "../../src/engine/threads.ts";
import { startWorker, type Worker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { advanceOnceStored } from "./answers.ts";
import { startApi, type TestApi } from "./api.ts";
import {
  BOT_TOKEN,
  CHANNEL,
  type PressWish,
  pressBody,
  SIGNING_SECRET,
  type SlackMessage,
  type SlackServer,
  signedBySlack,
  startSlack,
} from "./slack.ts";
import { until } from "./wait.ts";
import { type World, world } from "./world.ts";

export const APP: BotAccount & { signingSecret: string } = {
  via: "bot",
  token: BOT_TOKEN,
  signingSecret: SIGNING_SECRET,
};

export interface SlackWorld extends World {
  api: TestApi;
  slack: SlackServer;
  /** Starts a worker that writes to this Slack. */
  workInSlack(settings?: Partial<EngineSettings>): Worker;
  /** Inserts a reminder that is due now, and returns its message once that is recorded as sent. */
  send(columns?: Record<string, unknown>): Promise<{ id: number; message: SlackMessage }>;
  /** Sends what Slack sends when somebody presses; resolves to the status. */
  press(wish: PressWish, path?: string): Promise<number>;
  /** Sends a body with these headers to where presses are taken. */
  post(body: string, headers: Record<string, string>, path?: string): Promise<Response>;
}

/** A world whose messages go to a workspace of its own, and have buttons. Without `account`, the installation has no Slack. */
export async function slackWorld({ account = APP }: { account?: BotAccount | null } = {}): Promise<SlackWorld> {
  const [here, slack] = [await world(), await startSlack()];
  const http = loopbackHttp();
  const { apiUrl } = slack;
  const threads = new Threads(workerDatabase(here.database), "slack");
  const channels: Channels = channelMap([
    createSlackChannel({
      ...{ account: APP, apiUrl, concurrency: 5, http },
      lastSent: (id, recipient) => threads.lastSent(id, recipient),
    }),
    here.sink,
  ]);
  const api = await startApi(here.database, { channels, http, slack: { account, apiUrl } });
  const post: SlackWorld["post"] = (body, headers, path = "/inbound/slack") =>
    fetch(`${api.url}${path}`, { method: "POST", headers, body });
  return {
    ...here,
    advance: advanceOnceStored(here),
    api,
    slack,
    workInSlack: (settings) => {
      const log = pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" });
      const options = { database: workerDatabase(here.database), channels, log, ...(settings ? { settings } : {}) };
      const worker = startWorker(options);
      onTestFinished(() => worker.stop());
      return worker;
    },
    send: async (columns = {}) => {
      const due = { channel: "slack", recipient: CHANNEL, run_at: new Date(Date.now() - 1_000) };
      const id = await here.insert({ ...due, ...columns });
      const sent = await here.deliveryBecomes(id, "sent");
      const ts = (sent.provider_id as string).split("/")[1];
      const message = slack.messages.find((one) => one.ts === ts);
      if (!message) throw new Error("the message isn't in Slack");
      return { id, message };
    },
    post,
    press: async (wish, path) => {
      const body = pressBody(slack, wish);
      // By the clock that it is held against, which a test may have moved.
      const [row] = await here.database.query<{ now: number }>("select reminder_now() as now");
      return (await post(body, signedBySlack(body, SIGNING_SECRET, row?.now), path)).status;
    },
  };
}

/** Waits until a message says that it is done. */
export function isMarked(message: SlackMessage | undefined): Promise<unknown> {
  return until(
    () => message?.text.startsWith("✅") && message.blocks.every(({ type }) => type !== "actions"),
    "it is marked",
  );
}

/** Waits until whoever has pressed was told something, and returns what. */
export async function toldOnly({ slack }: SlackWorld, count = 1): Promise<string> {
  await until(() => slack.ephemerals.length >= count, `${count} were told something`);
  return slack.ephemerals[count - 1]?.text as string;
}
