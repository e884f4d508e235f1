import { expect, test } from "vitest";
import { Permanent } from "../../src/channels/channel.ts";
import { DELIVERED } from "../support/sink.ts";
import { until } from "../support/wait.ts";
import { world } from "../support/world.ts";

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
