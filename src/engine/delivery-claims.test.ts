import { expect, test } from "vitest";
import { sinkChannel } from "../../test/support/sink.ts";
import { DEFAULT_RETRY } from "../core/retry.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { DeliveryClaims } from "./delivery-claims.ts";
import { HeldDeliveries } from "./held.ts";
import { Lane } from "./lane.ts";
import type { Outcome } from "./outcome.ts";

test("what is claimed while its worker is told to end goes back at once: nobody begins it any more", async () => {
  const begun: unknown[] = [];
  const ended: Outcome[] = [];
  const lane = new Lane(
    sinkChannel("sink"),
    { retry: DEFAULT_RETRY },
    (_, held) => begun.push(held),
    () => {},
  );
  const key = { reminderId: 1, occurrenceAt: Date.UTC(2026, 0, 1), recipientNo: 0 };
  const database = {
    query: async () => [{ at: null, id: 0, in_ms: null, now: key.occurrenceAt, took_ms: 0 }],
    transaction: async () => {
      // Told to end while the claim was on its way.
      lane.stop();
      return { claimed: [{ ...key, known: null, attempts: 1 }], next: null };
    },
  } as unknown as WorkerDatabase;
  const held = new HeldDeliveries();
  const settings = { batchSize: 10, leaseSeconds: 12 };
  const claims = new DeliveryClaims(database, settings, new Map([["sink", lane]]), held, (_, outcome) =>
    ended.push(outcome),
  );

  await claims.claim();

  expect(ended).toMatchObject([{ status: "pending", untried: true, reason: null }]);
  expect(begun).toEqual([]);
});
