import { expect, test } from "vitest";
import { Claims } from "../../src/engine/claims.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { world } from "../support/world.ts";

test("a backlog that comes back within a minute goes on with its ramp, and a new one begins gently", async () => {
  const { database, insert } = await world();
  let nowMs = 0;
  const claims = new Claims({ batchSize: 50, catchUp: { perSecond: 10, doublesEverySeconds: 5 } }, () => nowMs);
  const claim = () => {
    const due = { channels: ["sink"], aheadMs: 0, from: null, leaveOut: [] };
    return workerDatabase(database).transaction(async (sql) => (await claims.claim(sql, due)).length);
  };
  const comes = async (admitted: number) => {
    for (let n = 0; n < 60; n += 1) await insert({ run_at: new Date(Date.now() - 300_000) });
    expect(await claim()).toBe(admitted);
    expect(claims.hasBacklog).toBe(true);
  };
  const goes = async () => {
    await database.query("delete from reminder_jobs");
    nowMs += 1_000;
    await claim();
    expect(claims.hasBacklog).toBe(false);
  };

  await comes(0);
  nowMs += 2_000;
  // In its first two seconds the ramp lets 23 through.
  expect(await claim()).toBe(23);
  await goes();

  nowMs += 30_000;
  await comes(50);
  await goes();

  nowMs += 61_000;
  await comes(0);
});
