import type { Channels } from "../channels/registry.ts";
import { stopAnswer } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import { decide } from "../core/decide.ts";
import type { CompletionReason, Instant } from "../core/reminder.ts";
import { timetableOf } from "../core/schedule/schedule.ts";
import type { Lease } from "../store/deliveries.ts";
import type { NewEvent } from "../store/events.ts";
import type { CompletedReminder, DueReminder, FiredReminder, NewDelivery } from "../store/firing.ts";
import type { MovedReminder } from "../store/unplanned.ts";
import type { Held } from "./held.ts";

/** Everything that one firing transaction writes, and what this worker sends once it is committed. */
export interface Plan {
  fired: FiredReminder[];
  completed: CompletedReminder[];
  deliveries: NewDelivery[];
  /** What is due at another time, and doesn't fire now. */
  moved: MovedReminder[];
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
type Missing = Extract<ReturnType<typeof decide>, { missed: number }>;

/** Turns claimed reminders into what is to be written and sent. Touches neither the database nor the network. */
export function planFiring(due: readonly DueReminder[], planning: Planning): Plan {
  const plan: Plan = { fired: [], completed: [], deliveries: [], moved: [], events: [], held: [] };
  for (const reminder of due) planOne(plan, reminder, planning);
  return plan;
}

function planOne(plan: Plan, due: DueReminder, planning: Planning): void {
  const { reminder, contact, lastOccurrenceAt, isOutdated, now } = due;
  const { id, stopCondition, createdAt, occurrenceCount, nextWallAt } = reminder;
  const nextRunAt = reminder.nextRunAt as Instant; // what was claimed is due
  const timetable = timetableOf(reminder, contact?.timeZone ?? null);
  const decision = decide(
    { timetable, nextRunAt, nextWallAt, lastOccurrenceAt, occurrenceCount, createdAt, isOutdated },
    { stop: stopAnswer(stopCondition, subjectOf(due)) },
    // What is fired a little ahead is decided as of the instant it is due.
    Math.max(now, nextRunAt),
  );
  if (decision.kind === "complete") {
    complete(plan, id, decision.reason, decision.because);
    return;
  }
  const next = { nextRunAt: decision.nextRunAt, nextWallAt: decision.nextWallAt };
  if (decision.kind === "send") plan.fired.push({ id, occurrenceAt: decision.occurrenceAt, ...next });
  else plan.moved.push({ id, ...next });
  if (decision.kind !== "postpone" && decision.missed > 0) plan.events.push(missed(id, decision, now));
  if (decision.kind === "send") planDelivery(plan, due, decision, planning);
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
  reminder.nextWallAt = send.nextWallAt;
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
    isLast: send.nextRunAt === null || reminder.bounds.misfirePolicy === "all",
    hasPlace: false,
    sendingSinceMs: null,
    hasEnded: false,
  });
}

function complete(plan: Plan, id: number, reason: CompletionReason, because: string): void {
  plan.completed.push({ id, reason });
  plan.events.push({ reminderId: id, type: "completed", because, details: { reason } });
}

function missed(reminderId: number, decision: Missing, now: Instant): NewEvent {
  const times = decision.missed === 1 ? "one occurrence" : `${decision.missed} occurrences`;
  const made = decision.kind === "skip" ? "they are not made up for" : "one catch-up stands for all";
  return {
    reminderId,
    type: "missed",
    because: `no worker fired in time: ${times} passed without a message of their own; ${made}`,
    details: {
      occurrences: decision.missed,
      from: new Date(decision.occurrenceAt).toISOString(),
      until: new Date(now).toISOString(),
    },
  };
}
