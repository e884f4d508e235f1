import { completionAfter } from "../../core/decide.ts";
import type { Escalation } from "../../core/policy.ts";
import { type CompletionReason, deliveryId } from "../../core/reminder.ts";
import type { DueReminder, NewDelivery } from "../../store/firing.ts";
import { otherOf, type Wanted, wantedFor } from "../audience.ts";
import { digestFor } from "../digest.ts";
import { quietAt } from "../quiet.ts";
import { toHeld } from "./held.ts";
import { complete, type Plan, type Planning } from "./plan.ts";
import { escalatedTo, type Send } from "./timeline.ts";

/** The deliveries of an occurrence, and what it means for its reminder where none of them is to be sent. */
export function planDeliveries(plan: Plan, due: DueReminder, send: Send, planning: Planning): void {
  const { reminder } = due;
  const { id } = reminder;
  const step = send.course?.step ?? null;
  const wanted = wantedFor(due, step, planning.channels, Math.max(due.now, send.occurrenceAt));
  const escalation = send.course && {
    ...send.course.escalation,
    isVoid: wanted.every(({ optedOut }) => optedOut !== null),
  };
  if (escalation) {
    plan.escalated.push({ id, escalation });
    if (send.course?.isNew && escalation.sends + escalation.step > 0)
      plan.events.push(escalatedTo(due, send.course, wanted));
  }
  const firstAt = plan.deliveries.length;
  for (const [recipientNo, one] of wanted.entries()) {
    plan.deliveries.push(toDelivery(plan, due, send, { ...one, recipientNo }, planning));
  }
  const made = plan.deliveries.slice(firstAt);
  const ended = made.find(({ status }) => status === "failed") ?? made[0];
  const isOver = made.every(({ status }) => status === "failed" || status === "suppressed");
  if (isOver && send.nextRunAt === null) {
    const reason = ended?.status === "failed" ? "delivery_failed" : endOfUnwanted(reminder, escalation);
    complete(plan, id, reason, ended?.reason ?? "nobody is left to be told");
  }
  // From here on the claimed row stands for the reminder as this transaction leaves it.
  if (made.some(({ status }) => status === "sending")) {
    reminder.nextRunAt = send.nextRunAt;
    reminder.nextWallAt = send.nextWallAt;
    reminder.occurrenceCount += 1;
    if (escalation) reminder.people = { ...reminder.people, escalation };
    due.lastOccurrenceAt = send.occurrenceAt;
  }
  for (const delivery of made) if (delivery.status === "sending") plan.held.push(toHeld(due, send, delivery, planning));
}

/** Why a reminder is done whose last message nobody wanted. */
function endOfUnwanted(reminder: DueReminder["reminder"], escalation: Escalation | undefined): CompletionReason {
  if (reminder.schedule.type === "one_time") return "opted_out";
  const people = { ...reminder.people, escalation: escalation ?? null };
  return (
    completionAfter("sent", { ...reminder, people, occurrenceCount: reminder.occurrenceCount + 1 }) ?? "schedule_ended"
  );
}

/** A delivery as it is born: to be sent at once, to wait, or ended already. */
function toDelivery(
  plan: Plan,
  due: DueReminder,
  send: Send,
  { channel: name, recipient, addressed, optedOut, recipientNo }: Wanted & { recipientNo: number },
  { channels, rooms }: Planning,
): NewDelivery {
  const { id, tenantId } = due.reminder;
  const delivery: NewDelivery = {
    reminderId: id,
    occurrenceAt: send.occurrenceAt,
    recipientNo,
    tenantId,
    bucket: due.bucket,
    channel: name,
    recipient,
    status: "sending",
    reason: null,
    addressed,
  };
  const channel = channels.get(name);
  if (!channel) {
    const reason = `there is no channel "${name}" here; there are: ${[...channels.keys()].join(", ")}`;
    plan.events.push({ reminderId: id, type: "failed", because: reason, details: { channel: name } });
    return { ...delivery, status: "failed", reason };
  }
  if (optedOut !== null) {
    const details = { delivery: deliveryId(delivery), channel: name };
    plan.events.push({ reminderId: id, type: "suppressed", because: optedOut, details });
    return { ...delivery, status: "suppressed", reason: optedOut };
  }
  const together = digestFor(due, channel, recipient, addressed, send.occurrenceAt);
  if (together) {
    return { ...delivery, status: "pending", reason: together.because, notBefore: together.at, digestAt: together.at };
  }
  const quiet = quietAt(due, Math.max(due.now, send.occurrenceAt), otherOf(due, addressed));
  if (quiet) {
    plan.events.push({ reminderId: id, type: "quiet", because: quiet.because });
    return { ...delivery, status: "pending", reason: quiet.because, notBefore: quiet.until };
  }
  if (!rooms.get(name)?.tryTake(tenantId)) delivery.status = "pending";
  return delivery;
}
