import { expect, test } from "vitest";
import { readPress } from "./press.ts";

/** https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
const PAYLOAD = {
  type: "block_actions",
  user: { id: "U0123456789", username: "ann", name: "ann", team_id: "T0123456789" },
  api_app_id: "A0123456789",
  token: "verification",
  container: { type: "message", message_ts: "1764000000.000100", channel_id: "C0123456789", is_ephemeral: false },
  trigger_id: "1.2.abc",
  team: { id: "T0123456789", domain: "example" },
  enterprise: null,
  is_enterprise_install: false,
  channel: { id: "C0123456789", name: "general" },
  message: { bot_id: "B1", type: "message", text: "x", user: "U1", ts: "1764000000.000100", team: "T1", blocks: [] },
  state: { values: {} },
  response_url: "https://hooks.slack.com/actions/T1/2/abc",
  actions: [
    {
      ...{ action_id: "answer:done", block_id: "b1", type: "button", style: "primary", value: "token" },
      ...{ text: { type: "plain_text", text: "Done", emoji: false }, action_ts: "1764000003.123456" },
    },
  ],
};
const read = (payload: unknown) =>
  readPress(Buffer.from(new URLSearchParams({ payload: JSON.stringify(payload) }).toString()));

test("a press is read as Slack's documentation has it, also from a thread and from a grid of workspaces", () => {
  const press = {
    ...{ userId: "U0123456789", userTeamId: "T0123456789", teamId: "T0123456789", channel: "C0123456789" },
    ...{
      messageTs: "1764000000.000100",
      threadTs: null,
      choice: "done",
      token: "token",
      actionTs: "1764000003.123456",
    },
    responseUrl: "https://hooks.slack.com/actions/T1/2/abc",
  };
  expect(read(PAYLOAD)).toEqual(press);
  const thread = { ...PAYLOAD.container, thread_ts: "1763000000.000100" };
  expect(read({ ...PAYLOAD, container: thread })).toEqual({ ...press, threadTs: "1763000000.000100" });
  const grid = { team: null, enterprise: { id: "E1", name: "Grid" }, is_enterprise_install: true };
  expect(read({ ...PAYLOAD, ...grid })).toEqual({ ...press, teamId: null });
  const { team_id, ...user } = PAYLOAD.user;
  expect(team_id).toBe("T0123456789");
  expect(read({ ...PAYLOAD, user, team: undefined })).toEqual({ ...press, userTeamId: null, teamId: null });
});

test.each<[string, unknown]>([
  ["a view", { type: "view_submission", user: PAYLOAD.user, view: {} }],
  ["a shortcut", { type: "message_action", user: PAYLOAD.user, callback_id: "x" }],
  ["a button in a home tab", { ...PAYLOAD, container: { type: "view", view_id: "V1" }, response_url: undefined }],
  ["another's button", { ...PAYLOAD, actions: [{ ...PAYLOAD.actions[0], action_id: "theirs" }] }],
  ["a select without a choice", { ...PAYLOAD, actions: [{ ...PAYLOAD.actions[0], value: null }] }],
  ["nothing", null],
])("%s is no press of ours", (_, payload) => {
  expect(read(payload)).toBeNull();
});
