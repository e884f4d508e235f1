import { randomUUID } from "node:crypto";
import type { Channels } from "../channels/registry.ts";
import { insertEvents } from "../store/events.ts";
import { claimDue, insertDeliveries, writeCompleted, writeFired } from "../store/firing.ts";
import type { Database } from "../store/postgres.ts";
import type { Deliverer } from "./deliver.ts";
import { planFiring } from "./plan.ts";
import type { EngineSettings } from "./settings.ts";

interface Firing {
  database: Database;
  channels: Channels;
  deliverer: Deliverer;
  settings: Pick<EngineSettings, "batchSize" | "leaseSeconds">;
}

/**
 * Fires up to `batchSize` due reminders in one transaction: claims them, decides each, and writes everything back. What
 * is to be sent now is handed to the deliverer once it is committed. A crash anywhere loses nothing and sends nothing.
 * Returns how many reminders it dealt with.
 */
export async function fireBatch({ database, channels, deliverer, settings }: Firing): Promise<number> {
  const lease = { token: randomUUID(), seconds: settings.leaseSeconds };
  const readAtMs = performance.now();
  const { due, plan } = await database.transaction(async (sql) => {
    const due = await claimDue(sql, settings.batchSize);
    const plan = planFiring(due, { channels, rooms: deliverer.rooms(), lease, readAtMs });
    await writeFired(sql, plan.fired);
    await writeCompleted(sql, plan.completed);
    await insertDeliveries(sql, plan.deliveries, lease);
    await insertEvents(sql, plan.events);
    return { due, plan };
  });
  for (const held of plan.held) deliverer.accept(held);
  for (const delivery of plan.deliveries) if (delivery.status === "pending") deliverer.turnedAway(delivery.channel);
  return due.length;
}
