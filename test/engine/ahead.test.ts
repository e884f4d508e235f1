import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { writeResults } from "../../src/store/delivery-results.ts";
import { insertDeliveries } from "../../src/store/firing.ts";
import { world } from "../support/world.ts";

const NOTHING = { retryInMs: 0, untried: true, reason: null, providerId: null, demo: false };

test("P4: fired ahead and handed back, or without a place in its lane, nobody may take it before its instant", async () => {
  const { database, insert } = await world();
  const id = await insert({ interval_minutes: 600 });
  const [soon] = await database.query<{ at: number }>("select reminder_now() + interval '1 hour' as at");
  const lease = { token: randomUUID(), seconds: 12 };
  const of = (recipientNo: number) => ({ reminderId: id, occurrenceAt: soon?.at as number, recipientNo });
  const row = { tenantId: "default", bucket: 0, channel: "sink", recipient: null, reason: null };
  await insertDeliveries(
    database,
    [
      { ...row, ...of(0), status: "sending" },
      { ...row, ...of(1), status: "pending" },
    ],
    lease,
  );

  const written = await writeResults(database, [
    { ...of(0), ...NOTHING, token: lease.token, status: "pending", checked: null },
  ]);

  expect(written).toMatchObject([of(0)]);
  const open = await database.query("select status, next_attempt_at from deliveries where reminder_id = $1", [id]);
  expect(open).toEqual([
    { status: "pending", next_attempt_at: soon?.at },
    { status: "pending", next_attempt_at: soon?.at },
  ]);
});
