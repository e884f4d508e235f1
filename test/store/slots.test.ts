import { expect, test } from "vitest";
import { readSlots } from "../../src/store/pace.ts";
import { freshDatabase } from "../support/database.ts";

const MINUTE = 60_000;
const FIRST = Date.UTC(2026, 0, 15, 10);
const SLOT = FIRST + MINUTE;
const older = { reminderId: 1, occurrenceAt: FIRST, recipientNo: 0 };
const newer = { reminderId: 1, occurrenceAt: FIRST + 2 * MINUTE, recipientNo: 0 };

/** The older occurrence was promised a place; the newer one, just fired, wasn't. */
async function promised(status: string) {
  const database = await freshDatabase();
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, recipient_slot_at)
     values ('default', 0, 1, $1, 'sink', $2, $3), ('default', 0, 1, $4, 'sink', 'sending', null)`,
    [new Date(FIRST), status, new Date(SLOT), new Date(newer.occurrenceAt)],
  );
  return database;
}

test.each(["pending", "retrying", "sending", "suppressed"])(
  "a newer occurrence takes over the place of one that is %s, also at the instant for which that was promised",
  async (status) => {
    const database = await promised(status);
    expect(await readSlots(database, [newer])).toEqual([{ slots: { tenant: null, recipient: SLOT }, from: FIRST }]);
  },
);

test("one that asks along with the newer one keeps its place, so that nobody has it twice", async () => {
  const database = await promised("sending");
  expect(await readSlots(database, [newer, older])).toEqual([
    { slots: { tenant: null, recipient: null }, from: null },
    { slots: { tenant: null, recipient: SLOT }, from: null },
  ]);
});

test("what one recipient was promised doesn't pass to another, and what the tenant was does", async () => {
  const database = await promised("suppressed");
  await database.query("update deliveries set recipient = 'a@example.com' where occurrence_at = $1", [new Date(FIRST)]);
  expect(await readSlots(database, [newer])).toEqual([{ slots: { tenant: null, recipient: null }, from: null }]);

  await database.query("update deliveries set tenant_slot_at = recipient_slot_at where occurrence_at = $1", [
    new Date(FIRST),
  ]);
  expect(await readSlots(database, [newer])).toEqual([{ slots: { tenant: SLOT, recipient: null }, from: FIRST }]);
});

test("one that has left passes nothing on", async () => {
  const database = await promised("sent");
  expect(await readSlots(database, [newer])).toEqual([{ slots: { tenant: null, recipient: null }, from: null }]);
});
