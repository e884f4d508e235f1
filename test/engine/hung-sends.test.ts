import { describe, expect, test } from "vitest";
import { once, PATIENT, type SeveralChannels, severalChannels } from "../support/several-channels.ts";
import { DELIVERED, type Sink } from "../support/sink.ts";

const TOGETHER = JSON.stringify({ digest: { window_minutes: 5 } });
const EVENTS = ["payment", "feedback", "approval"];

/** What hangs until it is to go on. */
function hanging() {
  const waiting: (() => void)[] = [];
  return {
    hang: () => new Promise<void>((resolve) => waiting.push(resolve)),
    goOn: () => {
      for (const resolve of waiting) resolve();
    },
  };
}

/** A channel whose receiver hangs, and reminders of ann's due over it: where there are several, in one message. */
async function due(count: number, hangs: (first: Sink) => void): Promise<{ there: SeveralChannels; ids: number[] }> {
  const there = await severalChannels();
  hangs(there.first);
  await there.contact("ann", { first: "ann-1", second: "ann-2" }, count > 1 ? { preferences: TOGETHER } : {});
  const ids: number[] = [];
  for (const event_type of EVENTS.slice(0, count)) ids.push(await there.insert(once("ann", { event_type })));
  there.workWith("first:second", { retry: { ...PATIENT, maxAttempts: 1 } });
  if (count > 1) {
    for (const id of ids) await there.goes(id, ["first ann-1 pending"]);
    await there.advance({ minutes: 12 });
  }
  return { there, ids };
}

describe.each([
  ["a message", 1],
  ["a message of several", 3],
])("%s", (_what, count) => {
  test("that hung before it was let go has not arrived: it goes over, and doesn't leave when its channel comes back", async () => {
    const { hang, goOn } = hanging();
    const ends: Promise<unknown>[] = [];
    const { there, ids } = await due(count, (first) => {
      const { send } = first;
      first.connect = () => {
        first.timeoutMs = 50;
        return hang();
      };
      first.send = (...all) => {
        const sending = send(...all);
        ends.push(sending.catch((error: unknown) => error));
        return sending;
      };
    });
    for (const id of ids) await there.becomes(id, { status: "COMPLETED" });
    for (const id of ids) expect(await there.ways(id)).toEqual(["first ann-1 failed", "second ann-2 sent"]);
    expect(ends).toHaveLength(1);
    goOn();
    expect(await ends[0]).toBeInstanceOf(Error);
    expect(there.first.received).toEqual([]);
    expect(there.second.received).toHaveLength(1);
  });

  test("that hung after it was let go may have arrived, and goes nowhere else", async () => {
    const { hang } = hanging();
    const { there, ids } = await due(count, (first) => {
      first.behave = async () => {
        first.timeoutMs = 50;
        await hang();
        return DELIVERED;
      };
    });
    for (const id of ids) await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_failed" });
    for (const id of ids) expect(await there.ways(id)).toEqual(["first ann-1 failed"]);
    expect(await there.database.query("select may_have_arrived from deliveries")).toEqual(
      ids.map(() => ({ may_have_arrived: true })),
    );
  });
});
