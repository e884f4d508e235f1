import { expect, test } from "vitest";
import { NotYet } from "./channel.ts";
import { SlowReceivers } from "./slow-receivers.ts";

const SLOWLY_MS = 20_000;

test("a receiver that isn't known to be slow gets all that there is for it", () => {
  const slow = new SlowReceivers("webhooks");
  const leaves = Array.from({ length: 50 }, () => slow.enter("a", "a.example"));
  expect(leaves).toHaveLength(50);
});

test("a slow one gets two at once and others none of its places, until it is quick again", () => {
  const slow = new SlowReceivers("webhooks");
  slow.enter("a", "a.example")(SLOWLY_MS);

  const first = slow.enter("a", "a.example");
  slow.enter("a", "a.example");
  expect(() => slow.enter("a", "a.example")).toThrow(NotYet);
  expect(() => slow.enter("b", "b.example")).not.toThrow();

  first(10);
  expect(() => [slow.enter("a", "a.example"), slow.enter("a", "a.example")]).not.toThrow();
});

test("what wasn't asked after all tells nothing about how slow it is", () => {
  const slow = new SlowReceivers("webhooks");
  slow.enter("a", "a.example")(SLOWLY_MS);
  const [first] = [slow.enter("a", "a.example"), slow.enter("a", "a.example")];
  first?.(null);
  slow.enter("a", "a.example");
  expect(() => slow.enter("a", "a.example")).toThrow(NotYet);
});
