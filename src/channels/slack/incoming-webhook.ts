import { tellsSecret } from "../../core/secret-forms.ts";
import type { SendOptions } from "../channel.ts";
import { noAnswer } from "../no-answer.ts";
import { badStatus, closedUntil, notYet, SLACK, webhookRefusal } from "./failure.ts";
import type { SlackWay } from "./web-api.ts";

/** What an incoming webhook says is one word of plain text. */
const CODE = /^[a-z][a-z0-9_]{0,80}$/;
const MAX_ANSWER_BYTES = 16 * 1024;

/** Posts to the one channel that the URL was made for. Throws what the send is to throw. */
export async function postToWebhook(way: SlackWay, url: string, body: object, options: SendOptions): Promise<void> {
  const outcome = await way.http.request({
    method: "POST",
    url,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
    signal: options.signal,
    beforeSend: options.beforeSend,
    timeoutMs: way.timeoutMs,
    maxResponseBytes: MAX_ANSWER_BYTES,
    need: "status",
  });
  if (!outcome.ok) throw noAnswer(outcome, SLACK);
  if (outcome.status === 200) return;
  if (outcome.status === 429) throw notYet(outcome);
  const code = outcome.body.toString().trim();
  const isCode = CODE.test(code) && !tellsSecret(code, url);
  const closed = closedUntil(outcome, isCode ? code : null);
  if (closed) throw closed;
  throw isCode ? webhookRefusal(code, outcome.status) : badStatus(outcome.status);
}
