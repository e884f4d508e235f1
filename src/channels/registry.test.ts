import { expect, test } from "vitest";
import { guardedHttp } from "../outgoing/guarded-http.ts";
import { DEFAULT_OUTGOING } from "../outgoing/settings.ts";
import { InvalidRecipient } from "./channel.ts";
import { CHANNEL_NAMES } from "./names.ts";
import { createChannels } from "./registry.ts";
import { SERVICES } from "./services/list.ts";

const print = () => {};
const http = guardedHttp(DEFAULT_OUTGOING);
const log = { debug: () => {} };
const slack = { account: null, apiUrl: "https://slack.com/api/", concurrency: 1, http };
const sms = { account: null, apiUrl: "https://api.twilio.com", publicUrl: null, concurrency: 1, http };
const service = () => ({ access: null, http });
const push = { account: null, http };
const webhook = { signing: { secrets: [] }, concurrency: 1, http, log };

test("each channel is found by its own name", () => {
  const channels = createChannels({
    email: { from: { address: "a@example.com", name: "A" }, server: null, concurrency: 1 },
    slack,
    webhook,
    sms,
    push,
    service,
    print,
  });

  expect([...channels].map(([name, channel]) => [name, channel.name])).toEqual([
    ["email", "email"],
    ["slack", "slack"],
    ["webhook", "webhook"],
    ["sms", "sms"],
    ["push", "push"],
    ...SERVICES.map(({ name }) => [name, name]),
    ["console", "console"],
  ]);
});

test("the list of names is that of the registry", () => {
  const email = { from: { address: "a@example.com", name: "A" }, server: null, concurrency: 1 };
  const channels = createChannels({ email, slack, webhook, sms, push, service, print });
  expect(CHANNEL_NAMES).toEqual([...channels.keys()]);
});

test("a sender's address that is more than one address ends the start", () => {
  const email = { from: { address: "a@example.com, b@example.com", name: "A" }, server: null, concurrency: 1 };
  expect(() => createChannels({ email, slack, webhook, sms, push, service, print })).toThrow(InvalidRecipient);
});
