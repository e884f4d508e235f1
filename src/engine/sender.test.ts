import { expect, test } from "vitest";
import { exampleMessage } from "../../test/support/message.ts";
import { type Message, Retryable, type SendOptions } from "../channels/channel.ts";
import type { Gate } from "./gate.ts";
import type { Held } from "./held.ts";
import type { Lane } from "./lane.ts";
import type { Outcome } from "./outcome.ts";
import { Sender } from "./sender.ts";

const RETRIES = { waitsSeconds: [10, 100, 1_000, 10_000], capSeconds: 86_400 };

interface There {
  /** What the channel does with what it asks by. */
  send(beforeSend: () => Promise<void>): Promise<never>;
  /** What becomes of the nth question whether it may leave; the first is asked before the channel has it. */
  pass?(nth: number): void;
  note?(held: Held): boolean;
  /** Its worker has ended all that it sends after so many questions. */
  endsAfter?: number;
}

/** What becomes of a first attempt where all goes like this. */
async function outcomeOf({ send, pass, note, endsAfter = Number.POSITIVE_INFINITY }: There): Promise<Outcome | null> {
  let outcome: Outcome | null = null;
  let asked = 0;
  const isEnding = () => asked >= endsAfter;
  const gate = {
    pass: async () => {
      asked += 1;
      pass?.(asked);
    },
  };
  const sender = new Sender({
    gate: gate as unknown as Gate,
    leaving: { note: async (_, [held]) => note?.(held as Held) ?? false },
    writing: { write: async () => ({ message: exampleMessage(), instead: null }) },
    end: (_, ended) => {
      outcome = ended;
    },
    ...{ letGo: () => {}, isStopping: isEnding, isEnding },
  });
  const channel = { send: (_: Message, { beforeSend }: SendOptions) => send(beforeSend as () => Promise<void>) };
  const lane = { channel, retries: RETRIES, deadlines: { signal: () => new AbortController().signal } };
  await sender.deliver(lane as unknown as Lane, { attempts: 1 } as Held);
  return outcome;
}

const unforeseen = (): never => {
  throw new TypeError("nobody knows what this means");
};
const after = (times: number) => async (beforeSend: () => Promise<void>) => {
  for (let n = 0; n < times; n += 1) await beforeSend();
  return unforeseen();
};
const mark = (held: Held): boolean => {
  held.mayHaveLeft = true;
  return true;
};
const NOT_ARRIVED = { status: "retrying", mayGoOver: true, mayHaveArrived: false };
const MAY_HAVE_ARRIVED = { status: "retrying", mayGoOver: false, mayHaveArrived: true };

test.each<[string, There, object]>([
  ["before its channel asked whether it may leave", { send: after(0) }, NOT_ARRIVED],
  ["while that was asked", { send: after(1), pass: (nth) => void (nth > 1 && unforeseen()) }, NOT_ARRIVED],
  ["while it was noted that it is about to leave", { send: after(1), note: unforeseen }, NOT_ARRIVED],
  [
    "while it was asked after that",
    { send: after(1), note: mark, pass: (nth) => void (nth > 2 && unforeseen()) },
    NOT_ARRIVED,
  ],
  ["once it was let go", { send: after(1) }, MAY_HAVE_ARRIVED],
  [
    "while its channel asked a second time",
    { send: after(2), pass: (nth) => void (nth > 2 && unforeseen()) },
    MAY_HAVE_ARRIVED,
  ],
  [
    "once it was let go, over a channel that is asked for no more than once",
    { send: after(1), note: mark },
    { status: "unknown" },
  ],
])("what fails in a way that nobody has foreseen %s", async (_when, there, expected) => {
  expect(await outcomeOf(there)).toMatchObject(expected);
});

test("cut short while it was asked whether it may leave, it hasn't arrived, and isn't held to have been tried", async () => {
  const outcome = await outcomeOf({ send: after(1), pass: (nth) => void (nth > 1 && unforeseen()), endsAfter: 2 });
  expect(outcome).toMatchObject({ status: "retrying", untried: true, mayHaveArrived: false });
  expect(await outcomeOf({ send: after(1), endsAfter: 2 })).toMatchObject({ untried: true, mayHaveArrived: true });
});

test("what may leave only when its worker has ended all that it sends isn't begun", async () => {
  let begun = 0;
  const send = async (): Promise<never> => {
    begun += 1;
    return unforeseen();
  };
  expect(await outcomeOf({ send, endsAfter: 1 })).toMatchObject({ status: "pending", untried: true, reason: null });
  expect(begun).toBe(0);
});

test("what its channel says itself counts, also once it was let go", async () => {
  const send = async (beforeSend: () => Promise<void>) => {
    await beforeSend();
    throw new Retryable("it is busy");
  };
  for (const note of [() => false, mark]) expect(await outcomeOf({ send, note })).toMatchObject(NOT_ARRIVED);
});
