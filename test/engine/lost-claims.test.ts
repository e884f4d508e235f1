import { expect, test } from "vitest";
import { Permanent, Retryable } from "../../src/channels/channel.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { type World, world } from "../support/world.ts";

test("what became of an attempt whose claim is lost changes nothing: neither its delivery, nor what would follow from it", async () => {
  const { database, insert, sink, work, deliveryBecomes, deliveries, reminder, events } = await world();
  let refuse: (() => void) | undefined;
  sink.behave = () =>
    new Promise((_resolve, reject) => {
      refuse = () => reject(new Permanent("no such mailbox"));
    });
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  work();
  await until(() => refuse, "the message is under way");
  // As by the claim of another worker that takes this one for dead.
  await database.query("update deliveries set lease_token = gen_random_uuid()");
  sink.behave = () => DELIVERED;
  refuse?.();

  // Results are stored in their order, so by then the lost one has had its turn.
  const next = await insert({ run_at: new Date() });
  await deliveryBecomes(next, "sent");
  expect(await deliveries(id)).toMatchObject([{ status: "sending", reason: null }]);
  expect((await events(id)).map(({ type }) => type)).not.toContain("failed");
  expect(await reminder(id)).toMatchObject({ status: "ACTIVE", completion_reason: null });
});

/** Has its lease run out until the worker that holds it has claimed it anew. */
async function claimedAnew({ database, deliveries }: World, id: number): Promise<void> {
  const before = (await deliveries(id))[0]?.attempts as number;
  await until(async () => {
    await database.query(
      "update deliveries set next_attempt_at = reminder_now() - interval '1 second' where status = 'sending' and attempts = $1",
      [before],
    );
    return (await deliveries(id))[0]?.attempts === before + 1;
  }, "it is claimed anew");
}

test("a worker that claims anew what it holds already begins no attempt by that, and none is counted", async () => {
  const there = await world();
  const { insert, sink, work, deliveries, deliveryBecomes, events } = there;
  const answers: ((error?: Error) => void)[] = [];
  sink.behave = () =>
    new Promise((resolve, reject) => {
      answers.push((error) => (error ? reject(error) : resolve(DELIVERED)));
    });
  const id = await insert({ schedule_type: "one_time", interval_minutes: null, run_at: new Date() });
  work({ retry: { maxAttempts: 2, baseSeconds: 0.1, factor: 1, capSeconds: 1 } });
  await until(() => answers[0], "it is under way");
  await claimedAnew(there, id);
  answers[0]?.(new Retryable("mailbox busy"));
  await until(() => answers[1], "it is tried once more");
  expect((await deliveries(id))[0]).toMatchObject({ status: "sending", attempts: 2 });
  await claimedAnew(there, id);
  answers[1]?.();
  expect(await deliveryBecomes(id, "sent")).toMatchObject({ attempts: 2 });
  const failed = (await events(id)).filter(({ type }) => type === "attempt_failed");
  expect(failed).toMatchObject([{ details: { delivery_attempt: 1 } }]);
  expect(sink.received).toHaveLength(2);
});
