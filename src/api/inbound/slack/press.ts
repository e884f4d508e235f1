import { z } from "zod";
import { choiceOf } from "../../../channels/slack/buttons.ts";

/** Somebody has pressed one of our buttons. */
export interface Press {
  userId: string;
  /** The workspace that the person belongs to. */
  userTeamId: string | null;
  /** The workspace in which the app is. */
  teamId: string | null;
  /** Where the message is. */
  channel: string;
  messageTs: string;
  threadTs: string | null;
  /** What the button gives, as in the form of a page. */
  choice: string;
  /** What it stands for, see `signAnswer`. */
  token: string;
  /** When it was pressed, by Slack's clock: the same press has the same. */
  actionTs: string;
  /** Where it is told in Slack what came of it. */
  responseUrl: string;
}

const id = z.string().regex(/^[A-Z0-9]{1,50}$/);
const ts = z.string().regex(/^[\d.]{1,50}$/);

/** As much of it as matters: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
const Payload = z.object({
  type: z.literal("block_actions"),
  user: z.object({ id, team_id: id.nullish() }),
  team: z.object({ id }).nullish(),
  container: z.object({ channel_id: id, message_ts: ts, thread_ts: ts.nullish() }),
  actions: z
    .array(z.object({ action_id: z.string().max(255), value: z.string().max(2_000).nullish(), action_ts: ts }))
    .min(1),
  response_url: z.string().max(1_000),
});

/** What the form that Slack sends says; null for what is no press of a button of ours. */
export function readPress(bytes: Buffer): Press | null {
  const { data } = Payload.safeParse(payloadOf(bytes));
  const action = data?.actions.find(({ action_id, value }) => value && choiceOf(action_id) !== null);
  if (!data || !action) return null;
  const { container } = data;
  return {
    userId: data.user.id,
    userTeamId: data.user.team_id ?? null,
    teamId: data.team?.id ?? null,
    channel: container.channel_id,
    messageTs: container.message_ts,
    threadTs: container.thread_ts ?? null,
    choice: choiceOf(action.action_id) ?? "",
    token: action.value ?? "",
    actionTs: action.action_ts,
    responseUrl: data.response_url,
  };
}

function payloadOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new URLSearchParams(bytes.toString()).get("payload") ?? "");
  } catch {
    return null;
  }
}
