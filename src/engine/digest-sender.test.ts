import { expect, test } from "vitest";
import { exampleMessage } from "../../test/support/message.ts";
import { BadAddress, type Message, Permanent, Retryable, type SendOptions } from "../channels/channel.ts";
import { DigestSender } from "./digest-sender.ts";
import { type Gate, Overtaken } from "./gate.ts";
import type { Digest, Held } from "./held.ts";
import type { Lane } from "./lane.ts";
import { handedBack, type Outcome } from "./outcome.ts";

const RETRIES = { waitsSeconds: [10, 100, 1_000, 10_000], capSeconds: 86_400 };

/** What becomes of deliveries that were tried as often and go together, when the channel throws this. */
async function outcomesOf(
  attempts: readonly number[],
  error: Error,
  pass: (held: Held) => Promise<void> = async () => {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const message = exampleMessage({ reminder: { subject: "Pay", message: "Please pay." } });
  const sender = new DigestSender({
    gate: { pass, passTogether: async () => {} } as unknown as Gate,
    writing: { write: async () => ({ message, instead: null }), linkToAll: async () => null },
    leaving: { note: async () => false },
    end: (held, outcome) => {
      held.hasEnded = true;
      outcomes.push(outcome);
    },
    ...{ letGo: () => {}, stored: async () => {}, passOn: () => {}, isEnding: () => false },
  });
  const lane = {
    channel: {
      send: async (_: Message, { beforeSend }: SendOptions) => {
        await beforeSend?.();
        throw error;
      },
    },
    ...{ retries: RETRIES, deadlines: { signal: () => new AbortController().signal } },
  } as unknown as Lane;
  const items = attempts.map((tried) => ({ attempts: tried, hasEnded: false }) as Held);
  const digest: Digest = { id: "1-1735689600000-0-abcdef01", items, hasPlace: false };
  for (const held of items) held.digest = digest;
  await sender.deliver(lane, digest);
  return outcomes;
}

test("what fails as one is tried again as one, when the one that was tried the most often is to be", async () => {
  const [first, second] = await outcomesOf([1, 3], new Retryable("it is busy"));
  expect([first, second]).toMatchObject([{ status: "retrying" }, { status: "retrying" }]);
  expect(first?.retryInMs).toBeGreaterThan(700_000);
  expect(first?.retryInMs).toBe(second?.retryInMs);
});

test.each([[[1, 5]], [[5, 1]]])(
  "each of it has its own attempts, in whatever order they stand: %j",
  async (attempts) => {
    const outcomes = await outcomesOf(attempts, new Retryable("it is busy"));
    const byAttempts = Object.fromEntries(attempts.map((tried, n) => [tried, outcomes[n]]));
    expect(byAttempts[1]).toMatchObject({ status: "retrying", mayGoOver: true });
    expect(byAttempts[1]?.retryInMs).toBeLessThan(20_000);
    expect(byAttempts[5]).toMatchObject({
      ...{ status: "failed", mayGoOver: true, retryInMs: 0 },
      reason: "gave up after 5 delivery attempts: it is busy",
    });
  },
);

test("for good it fails for all, and its address is blamed once", async () => {
  expect(await outcomesOf([1, 2], new Permanent("no"))).toMatchObject([{ status: "failed" }, { status: "failed" }]);
  const blamed = { reason: "gone", days: null } as const;
  const outcomes = await outcomesOf([1, 2], new BadAddress("nobody is there", blamed));
  expect(outcomes.map((outcome) => outcome.blamed)).toEqual([blamed, undefined]);
});

test("where the lease or the database is gone, all of it goes back as it was, to come again under the same id", async () => {
  const pass = async ({ attempts }: Held) => {
    if (attempts === 2) throw new Overtaken(handedBack(attempts));
  };
  const outcomes = await outcomesOf([2, 3, 4], new Error("it was sent all the same"), pass);
  expect(outcomes).toHaveLength(3);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: "retrying", untried: true, reason: null });
    expect(outcome.leavesDigest).toBeUndefined();
  }
});

test("what has left as one is unknown for all, where its channel fails without saying what that means", async () => {
  const pass = async (held: Held) => {
    held.mayHaveLeft = true;
  };
  const outcomes = await outcomesOf([1, 2], new TypeError("it can't read the answer"), pass);
  expect(outcomes).toMatchObject([{ status: "unknown" }, { status: "unknown" }]);
});

test("what fails when it is asked about once more hasn't left, though it was noted that it was about to", async () => {
  let asked = 0;
  const pass = async (held: Held) => {
    held.mayHaveLeft = true;
    asked += 1;
    // Twice as it is put together.
    if (asked > 2) throw new TypeError("it can't be asked about");
  };
  expect(await outcomesOf([1], new Error("it was sent all the same"), pass)).toMatchObject([
    { status: "retrying", mayGoOver: true, mayHaveArrived: false },
  ]);
});

test("what fails once it was let go may have arrived", async () => {
  expect(await outcomesOf([1, 5], new TypeError("it can't read the answer"))).toMatchObject([
    { status: "retrying", mayGoOver: false, mayHaveArrived: true },
    { status: "failed", mayGoOver: false, mayHaveArrived: true },
  ]);
});
