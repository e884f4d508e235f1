import type { DueReminder, NewDelivery } from "../../store/firing.ts";
import type { Held } from "../held.ts";
import type { Planning } from "./plan.ts";
import type { Send } from "./timeline.ts";

/** A delivery that this worker sends once its transaction is committed. */
export function toHeld(due: DueReminder, send: Send, delivery: NewDelivery, planning: Planning): Held {
  const { lease, readAtMs, heardAtMs } = planning;
  return {
    reminderId: delivery.reminderId,
    occurrenceAt: delivery.occurrenceAt,
    recipientNo: delivery.recipientNo,
    token: lease.token,
    tenantId: due.reminder.tenantId,
    channel: delivery.channel,
    recipient: delivery.recipient,
    digest: null,
    digestAt: null,
    newestDueAt: null,
    newerLeavesAt: null,
    addressed: delivery.addressed ?? null,
    attempts: 1,
    isSuspect: false,
    mayHaveLeft: false,
    known: due,
    answers: planning.asked?.answersOf(due) ?? new Map(),
    wasAsked: false,
    stop: null,
    checked: null,
    readAtMs,
    // The database's clock showed the instant of reading before we heard of it, so this is never early by that clock.
    notBeforeMs: due.dueInMs > 0 ? heardAtMs + due.dueInMs : 0,
    leaseEndsAtMs: readAtMs + lease.seconds * 1000,
    isLast: send.nextRunAt === null || due.reminder.bounds.misfirePolicy === "all",
    hasPlace: false,
    sendingSinceMs: null,
    hasEnded: false,
  };
}
