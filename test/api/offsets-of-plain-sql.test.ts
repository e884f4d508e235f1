import { expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { world } from "../support/world.ts";

test("an offset that plain SQL has left null is told of wherever it is read, and mended by a good one", async () => {
  const there = await world();
  const api = await startApi(there.database);
  const [row] = await there.database.query<{ id: number }>(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, offsets, anchor_at)
     values ('contract', '1', 'renewal', 'sink', 'offsets', array[null, 'PT0S'], '2031-01-01') returning id`,
  );
  const id = row?.id as number;
  there.work();
  await there.becomes(id, { status: "PAUSED" });
  expect((await there.reminder(id)).needs_attention).toMatch(
    /durations of ISO 8601.*not ""; correct it, then resume it/,
  );

  expect((await api.get(id)).status).toBe("PAUSED");
  for (const [method, path, body] of [
    ["GET", "/preview"],
    ["GET", "/preview.ics"],
    ["POST", "/resume"],
    ["PATCH", "", { time_zone: "Europe/Berlin" }],
  ] as const) {
    const { status } = await api.call(method, `/reminders/${id}${path}`, body);
    expect([200, 409, 422], `${method} ${path}`).toContain(status);
  }
  await api.patch(id, { offsets: ["PT0S"] });
  expect(await api.act(id, "resume")).toMatchObject({ status: "ACTIVE", next_run_at: "2031-01-01T00:00:00.000Z" });
});
