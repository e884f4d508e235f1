import type { Channels } from "../channels/registry.ts";
import { stopAnswer } from "../conditions/registry.ts";
import { decide } from "../core/decide.ts";
import type { CompletionReason, Instant } from "../core/reminder.ts";
import type { Lease } from "../store/deliveries.ts";
import type { NewEvent } from "../store/events.ts";
import type { CompletedReminder, DueReminder, FiredReminder, NewDelivery } from "../store/firing.ts";
import type { Held } from "./held.ts";

/** Everything that one firing transaction writes, and what this worker sends once it is committed. */
export interface Plan {
  fired: FiredReminder[];
  completed: CompletedReminder[];
  deliveries: NewDelivery[];
  events: NewEvent[];
  held: Held[];
}

export interface Planning {
  channels: Channels;
  /** How many deliveries each channel's lane takes; what is beyond that waits in the database. */
  rooms: Map<string, number>;
  lease: Lease;
  /** `performance.now()` before the reminders were read. */
  readAtMs: number;
  /** `performance.now()` after they were read. */
  heardAtMs: number;
}

type Send = Extract<ReturnType<typeof decide>, { kind: "send" }>;

/** Turns claimed reminders into what is to be written and sent. Touches neither the database nor the network. */
export function planFiring(due: readonly DueReminder[], planning: Planning): Plan {
  const plan: Plan = { fired: [], completed: [], deliveries: [], events: [], held: [] };
  for (const reminder of due) planOne(plan, reminder, planning);
  return plan;
}

function planOne(plan: Plan, due: DueReminder, planning: Planning): void {
  const { reminder, facts, lastOccurrenceAt, now } = due;
  const { schedule, stopCondition, createdAt } = reminder;
  const nextRunAt = reminder.nextRunAt as Instant; // what was claimed is due
  const decision = decide(
    { schedule, nextRunAt, lastOccurrenceAt, createdAt },
    { stop: stopAnswer(stopCondition, facts) },
    // What is fired a little ahead is decided as of the instant it is due.
    Math.max(now, nextRunAt),
  );
  if (decision.kind === "complete") {
    complete(plan, reminder.id, decision.reason, decision.because);
    return;
  }
  plan.fired.push({ id: reminder.id, occurrenceAt: decision.occurrenceAt, nextRunAt: decision.nextRunAt });
  if (decision.missed > 0) plan.events.push(missed(reminder.id, decision, now));
  planDelivery(plan, due, decision, planning);
}

function planDelivery(plan: Plan, due: DueReminder, send: Send, planning: Planning): void {
  const { channels, rooms, lease, readAtMs, heardAtMs } = planning;
  const { reminder, contact } = due;
  const { id, tenantId } = reminder;
  const channel = channels.get(reminder.channel);
  const delivery: NewDelivery = {
    reminderId: id,
    occurrenceAt: send.occurrenceAt,
    recipientNo: 0,
    tenantId,
    bucket: due.bucket,
    channel: reminder.channel,
    recipient: reminder.recipient ?? (contact && channel ? channel.address(contact) : null),
    status: "sending",
    reason: null,
  };
  plan.deliveries.push(delivery);

  if (!channel) {
    const reason = `there is no channel "${reminder.channel}" here; there are: ${[...channels.keys()].join(", ")}`;
    delivery.status = "failed";
    delivery.reason = reason;
    plan.events.push({ reminderId: id, type: "failed", because: reason, details: { channel: reminder.channel } });
    if (send.nextRunAt === null) complete(plan, id, "delivery_failed", reason);
    return;
  }

  const room = rooms.get(channel.name) ?? 0;
  rooms.set(channel.name, room - 1);
  if (room <= 0) {
    delivery.status = "pending";
    return;
  }
  // From here on the claimed row stands for the reminder as this transaction leaves it.
  reminder.nextRunAt = send.nextRunAt;
  reminder.occurrenceCount += 1;
  due.lastOccurrenceAt = send.occurrenceAt;
  plan.held.push({
    reminderId: id,
    occurrenceAt: send.occurrenceAt,
    recipientNo: 0,
    token: lease.token,
    channel: channel.name,
    recipient: delivery.recipient,
    attempts: 1,
    isSuspect: false,
    known: due,
    readAtMs,
    // The database's clock showed the instant of reading before we heard of it, so this is never early by that clock.
    notBeforeMs: due.dueInMs > 0 ? heardAtMs + due.dueInMs : 0,
    leaseEndsAtMs: readAtMs + lease.seconds * 1000,
    isLast: send.nextRunAt === null,
    sendingSinceMs: null,
    hasEnded: false,
  });
}

function complete(plan: Plan, id: number, reason: CompletionReason, because: string): void {
  plan.completed.push({ id, reason });
  plan.events.push({ reminderId: id, type: "completed", because, details: { reason } });
}

function missed(reminderId: number, send: Send, now: Instant): NewEvent {
  const times = send.missed === 1 ? "one occurrence" : `${send.missed} occurrences`;
  return {
    reminderId,
    type: "missed",
    because: `no worker fired in time: ${times} passed without a message of their own; one catch-up stands for all`,
    details: {
      occurrences: send.missed,
      from: new Date(send.occurrenceAt).toISOString(),
      until: new Date(now).toISOString(),
    },
  };
}
