import { expect, test } from "vitest";
import { InvalidRecipient } from "./channel.ts";
import { createChannels } from "./registry.ts";

const print = () => {};

test("each channel is found by its own name", () => {
  const channels = createChannels({
    email: { from: { address: "a@example.com", name: "A" }, server: null, concurrency: 1 },
    print,
  });

  expect([...channels].map(([name, channel]) => [name, channel.name])).toEqual([
    ["email", "email"],
    ["console", "console"],
  ]);
});

test("a sender's address that is more than one address ends the start", () => {
  const email = { from: { address: "a@example.com, b@example.com", name: "A" }, server: null, concurrency: 1 };
  expect(() => createChannels({ email, print })).toThrow(InvalidRecipient);
});
