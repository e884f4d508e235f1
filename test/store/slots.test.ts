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
    expect(await readSlots(database, [newer])).toEqual([
      { slots: { person: null, recipient: SLOT, tenant: null }, from: FIRST },
    ]);
  },
);

test("one that asks along with the newer one keeps its place, so that nobody has it twice", async () => {
  const database = await promised("sending");
  expect(await readSlots(database, [newer, older])).toEqual([
    { slots: { person: null, recipient: null, tenant: null }, from: null },
    { slots: { person: null, recipient: SLOT, tenant: null }, from: null },
  ]);
});

test("what one recipient was promised doesn't pass to another, and what the tenant was does", async () => {
  const database = await promised("suppressed");
  await database.query("update deliveries set recipient = 'a@example.com' where occurrence_at = $1", [new Date(FIRST)]);
  expect(await readSlots(database, [newer])).toEqual([
    { slots: { person: null, recipient: null, tenant: null }, from: null },
  ]);

  await database.query("update deliveries set tenant_slot_at = recipient_slot_at where occurrence_at = $1", [
    new Date(FIRST),
  ]);
  expect(await readSlots(database, [newer])).toEqual([
    { slots: { person: null, recipient: null, tenant: SLOT }, from: FIRST },
  ]);
});

test("what is promised for a person is kept apart, and a place by a worker of before, which had one instant for both, is good for both", async () => {
  const database = await promised("suppressed");
  const set = (columns: string) =>
    database.query(`update deliveries set ${columns} where occurrence_at = $1`, [new Date(FIRST)]);
  await set("reason = 'waits for its turn: ann wants at most 1 messages a day'");
  for (const asking of [newer, older])
    expect((await readSlots(database, [asking]))[0]?.slots).toEqual({ person: SLOT, recipient: SLOT, tenant: null });
  await set("person_slot_at = recipient_slot_at - interval '1 second'");
  expect((await readSlots(database, [newer]))[0]?.slots).toEqual({
    person: SLOT - 1_000,
    recipient: SLOT,
    tenant: null,
  });
  await set("recipient_slot_at = null");
  expect((await readSlots(database, [newer]))[0]?.slots).toEqual({
    person: SLOT - 1_000,
    recipient: null,
    tenant: null,
  });
});

test("what waits for its recipient alone was promised nothing of the day that its contact wants only since then", async () => {
  const database = await promised("pending");
  await database.query(
    "update deliveries set reason = 'waits for its turn: at most 1 messages an hour to one recipient'",
  );
  for (const asking of [newer, older])
    expect((await readSlots(database, [asking]))[0]?.slots).toEqual({ person: null, recipient: SLOT, tenant: null });
});

test("a change of a tenant's caps leaves what was promised for persons, also by a worker of before, and lets go of the rest", async () => {
  const database = await promised("pending");
  const change = () =>
    database.query("update tenants set sends_per_minute = coalesce(sends_per_minute, 0) + 1 where name = 'default'");
  const later = new Date(Date.now() + 60 * MINUTE);
  const set = (reason: string, ofRecipient: Date | null, ofPerson: Date | null) =>
    database.query(
      `update deliveries set status = 'pending', next_attempt_at = $4, reason = $1, recipient_slot_at = $2, person_slot_at = $3
        where occurrence_at = $5`,
      [reason, ofRecipient, ofPerson, later, new Date(FIRST)],
    );
  const after = async () => {
    const [row] = await database.query<Record<"recipient" | "person" | "next", number | null>>(
      `select recipient_slot_at as recipient, person_slot_at as person, next_attempt_at as next
         from deliveries where occurrence_at = $1`,
      [new Date(FIRST)],
    );
    return row as NonNullable<typeof row>;
  };

  await set("waits for its turn: ann wants at most 1 messages a day", later, null);
  await change();
  expect(await after()).toEqual({ recipient: null, person: later.getTime(), next: later.getTime() });

  await set("waits for its turn: ann wants at most 1 messages a day", null, later);
  await change();
  expect(await after()).toEqual({ recipient: null, person: later.getTime(), next: later.getTime() });

  await set("waits for its turn: at most 1 messages an hour to one recipient", later, later);
  await change();
  const { recipient, person, next } = await after();
  expect([recipient, person]).toEqual([null, next]);
  expect(next).toBeLessThan(later.getTime());

  // Its day is still to come, and it had asked ahead for a place at its address.
  const dayAt = new Date(later.getTime() - 20 * MINUTE);
  await set("waits for its turn: at most 1 messages an hour to one recipient", later, dayAt);
  await change();
  expect(await after()).toEqual({ recipient: null, person: dayAt.getTime(), next: dayAt.getTime() });

  await set("waits for its turn: at most 1 messages an hour to one recipient", later, null);
  await change();
  expect(await after()).toMatchObject({ recipient: null, person: null });
});

test("one that has left passes nothing on", async () => {
  const database = await promised("sent");
  expect(await readSlots(database, [newer])).toEqual([
    { slots: { person: null, recipient: null, tenant: null }, from: null },
  ]);
});
