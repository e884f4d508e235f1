import { randomUUID } from "node:crypto";
import type { Channels } from "../channels/registry.ts";
import { stopAnswer } from "../conditions/registry.ts";
import { decide } from "../core/decide.ts";
import type { Instant } from "../core/reminder.ts";
import { insertEvents, type NewEvent } from "../store/events.ts";
import {
  type CompletedReminder,
  claimDue,
  type DueReminder,
  type FiredReminder,
  insertDeliveries,
  type NewDelivery,
  writeCompleted,
  writeFired,
} from "../store/firing.ts";
import type { Database } from "../store/postgres.ts";
import type { Deliverer } from "./deliver.ts";
import type { Held } from "./held.ts";

interface Firing {
  database: Database;
  channels: Channels;
  deliverer: Deliverer;
  batchSize: number;
  leaseSeconds: number;
}

/** Everything that one transaction writes, and what this worker sends once it is committed. */
interface Plan {
  fired: FiredReminder[];
  completed: CompletedReminder[];
  deliveries: NewDelivery[];
  events: NewEvent[];
  held: Held[];
}

/**
 * Fires up to `batchSize` due reminders in one transaction: claims them, decides each, and writes everything back. What
 * is to be sent now is handed to the deliverer once it is committed. A crash anywhere loses nothing and sends nothing.
 * Returns how many reminders it fired.
 */
export async function fireBatch(firing: Firing): Promise<number> {
  const lease = { token: randomUUID(), seconds: firing.leaseSeconds };
  const readAtMs = performance.now();
  const plan = await firing.database.transaction(async (sql) => {
    const due = await claimDue(sql, firing.batchSize);
    const batch = planBatch(due, firing, lease, readAtMs);
    await writeFired(sql, batch.fired);
    await writeCompleted(sql, batch.completed);
    await insertDeliveries(sql, batch.deliveries, lease);
    await insertEvents(sql, batch.events);
    return batch;
  });
  for (const held of plan.held) firing.deliverer.accept(held);
  return plan.fired.length + plan.completed.length;
}

function planBatch(
  due: readonly DueReminder[],
  { channels, deliverer }: Firing,
  lease: { token: string; seconds: number },
  readAtMs: number,
): Plan {
  const plan: Plan = { fired: [], completed: [], deliveries: [], events: [], held: [] };
  const rooms = new Map([...deliverer.lanes].map(([name, lane]) => [name, lane.room]));

  for (const { now, ...known } of due) {
    const { reminder } = known;
    const { id, tenantId, channel: channelName } = reminder;
    const nextRunAt = reminder.nextRunAt as Instant; // a claimed reminder is due
    const decision = decide({ ...reminder, nextRunAt }, { stop: stopAnswer(reminder.stopCondition, known.facts) }, now);

    if (decision.kind === "complete") {
      plan.completed.push({ id, reason: decision.reason });
      plan.events.push({
        reminderId: id,
        type: "completed",
        because: decision.because,
        details: { reason: decision.reason },
      });
      continue;
    }

    plan.fired.push({ id, occurrenceAt: decision.occurrenceAt, nextRunAt: decision.nextRunAt });
    if (decision.missed > 0) plan.events.push(missed(id, decision.missed, decision.occurrenceAt, now));

    const key = { reminderId: id, occurrenceAt: decision.occurrenceAt, recipientNo: 0 };
    const channel = channels.get(channelName);
    const recipient = reminder.recipient ?? (known.contact && channel ? channel.address(known.contact) : null);
    const delivery = { ...key, tenantId, bucket: known.bucket, channel: channelName, recipient };
    if (!channel) {
      const reason = `there is no channel "${channelName}" here; there are: ${[...channels.keys()].join(", ")}`;
      plan.deliveries.push({ ...delivery, status: "failed", reason });
      plan.events.push({ reminderId: id, type: "failed", because: reason, details: { channel: channelName } });
      if (decision.nextRunAt === null) {
        plan.completed.push({ id, reason: "delivery_failed" });
        plan.events.push({
          reminderId: id,
          type: "completed",
          because: reason,
          details: { reason: "delivery_failed" },
        });
      }
      continue;
    }

    const room = rooms.get(channelName) ?? 0;
    rooms.set(channelName, room - 1);
    plan.deliveries.push({ ...delivery, status: room > 0 ? "sending" : "pending", reason: null });
    if (room <= 0) {
      deliverer.lanes.get(channelName)?.turnedAway();
      continue;
    }
    plan.held.push({
      ...key,
      token: lease.token,
      channel: channelName,
      recipient,
      attempts: 1,
      known: {
        ...known,
        lastOccurrenceAt: decision.occurrenceAt,
        reminder: { ...reminder, nextRunAt: decision.nextRunAt, occurrenceCount: reminder.occurrenceCount + 1 },
      },
      readAtMs,
      leaseEndsAtMs: readAtMs + lease.seconds * 1000,
      abort: new AbortController(),
      isLast: decision.nextRunAt === null,
    });
  }
  return plan;
}

function missed(reminderId: number, count: number, from: Instant, until: Instant): NewEvent {
  const times = count === 1 ? "one occurrence" : `${count} occurrences`;
  return {
    reminderId,
    type: "missed",
    because: `no worker fired in time: ${times} passed without a message of their own; one catch-up stands for all`,
    details: { count, from: new Date(from).toISOString(), until: new Date(until).toISOString() },
  };
}
