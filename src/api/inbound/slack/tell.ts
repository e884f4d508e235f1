import type { FastifyBaseLogger } from "fastify";
import { escapeMrkdwn } from "../../../channels/slack/mrkdwn.ts";
import type { SlackWay } from "../../../channels/slack/web-api.ts";
import type { Press } from "./press.ts";
import type { Telling } from "./take-press.ts";

const TELLING_MS = 5_000;
const MOST_TRIES = 3;
const MAX_ANSWER_BYTES = 16 * 1024;

/** Tells it in Slack, where Slack wants it told. What can't be told is done all the same. */
export async function tell(way: SlackWay, press: Press, telling: Telling, log: FastifyBaseLogger): Promise<void> {
  if (!isSlacks(press.responseUrl, way.apiUrl)) {
    log.warn("a press in Slack wants its answer told at a place that isn't Slack's");
    return;
  }
  const thread = press.threadTs === null ? {} : { thread_ts: press.threadTs };
  const body =
    "only" in telling
      ? { response_type: "ephemeral", replace_original: false, text: escapeMrkdwn(telling.only), ...thread }
      : { replace_original: true, ...telling.instead };
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const answer = await way.http.request({
      method: "POST",
      url: press.responseUrl,
      headers: { "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify(body),
      ...{ timeoutMs: TELLING_MS, maxResponseBytes: MAX_ANSWER_BYTES, need: "status" },
    });
    if (answer.ok && answer.status === 200) return;
    const mayPass = answer.ok ? answer.status >= 500 : answer.kind === "unreachable";
    if (mayPass && tries < MOST_TRIES) continue;
    log.warn(
      { because: answer.ok ? `status ${answer.status}` : answer.because },
      "Slack was not told what a press did",
    );
    return;
  }
}

/**
 * Where Slack's methods are, answers to presses are told at the same host or at `hooks.` before it: whoever has a signing secret
 * of their own isn't to have requests sent anywhere else.
 */
function isSlacks(url: string, apiUrl: string): boolean {
  if (!URL.canParse(url)) return false;
  const [told, api] = [new URL(url), new URL(apiUrl)];
  return told.protocol === api.protocol && (told.host === api.host || told.host === `hooks.${api.host}`);
}
