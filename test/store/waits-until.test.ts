import { expect, test } from "vitest";
import { NO_PEOPLE } from "../../src/core/people.ts";
import { type Audienced, readAudiences } from "../../src/store/audience.ts";
import { freshDatabase } from "../support/database.ts";

const HOUR = 3_600_000;
const AT = Date.UTC(2026, 0, 15, 10);

test("the step after a message that waits is put off until that may leave, and not until it asks for its next place ahead of that", async () => {
  const database = await freshDatabase();
  await database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, status, next_attempt_at, recipient_slot_at, person_slot_at)
     values ('default', 0, 1, $1, 'sink', 'pending', $2, $3, $4)`,
    [AT, AT + HOUR, AT + 9 * HOUR, AT + 8 * HOUR].map((at) => new Date(at)),
  );
  const one: Audienced = {
    reminder: {
      ...{ id: 1, tenantId: "default", entityType: "interview", entityId: "1" },
      people: { ...NO_PEOPLE, policy: "feedback" },
      bounds: { misfirePolicy: null } as never,
    },
    lastOccurrenceAt: AT,
  };
  expect((await readAudiences(database, [one])).get(1)).toMatchObject({ wasGiven: false, waitsUntil: AT + 9 * HOUR });
});
