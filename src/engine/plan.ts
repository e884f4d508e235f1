import type { Channels } from "../channels/registry.ts";
import { isQuestion, type Question, stopAnswer } from "../conditions/evaluate.ts";
import { completionReasonOf } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import type { Ceiling } from "../core/ceiling.ts";
import { decide } from "../core/decide.ts";
import { askAgainMs, type HoldPolicy, noteOf } from "../core/hold.ts";
import type { CompletionReason, Instant } from "../core/reminder.ts";
import { timetableOf } from "../core/schedule/schedule.ts";
import type { StopAnswer } from "../core/stop.ts";
import type { NotedAnswer, Released } from "../store/asking.ts";
import type { Lease } from "../store/deliveries.ts";
import type { NewEvent } from "../store/events.ts";
import type { CompletedReminder, DueReminder, FiredReminder, NewDelivery, PausedReminder } from "../store/firing.ts";
import type { MovedReminder } from "../store/unplanned.ts";
import type { Answers } from "./asking/answers.ts";
import type { Held } from "./held.ts";
import type { Places } from "./places.ts";
import { quietAt } from "./quiet.ts";

/** Everything that one firing transaction writes, and what this worker sends once it is committed. */
export interface Plan {
  fired: FiredReminder[];
  completed: CompletedReminder[];
  paused: PausedReminder[];
  deliveries: NewDelivery[];
  /** What is due at another time, and doesn't fire now. */
  moved: MovedReminder[];
  /** What was asked before, and is given back. */
  released: Released[];
  noted: NotedAnswer[];
  events: NewEvent[];
  held: Held[];
}

export interface Planning {
  channels: Channels;
  /** The places that each channel's lane has; what is beyond that waits in the database. */
  rooms: ReadonlyMap<string, Places>;
  lease: Lease;
  /** `performance.now()` before the reminders were read. */
  readAtMs: number;
  /** `performance.now()` after they were read. */
  heardAtMs: number;
  hold: HoldPolicy;
  ceiling: Ceiling;
  /** Where the reminders were asked before: what became of it. */
  asked: AskedBefore | null;
}

/** Answers that were got outside any transaction, before the reminders were locked and read again. */
export interface AskedBefore {
  /** Under which the reminders are held. */
  token: string;
  answersOf(due: DueReminder): Answers;
  /** By the reminder as it is now; a question where it is another one than was asked. */
  stopOf(due: DueReminder): StopAnswer | Question;
}

type Send = Extract<ReturnType<typeof decide>, { kind: "send" }>;
type Missing = Extract<ReturnType<typeof decide>, { missed: number }>;

/** Turns claimed reminders into what is to be written and sent. Touches neither the database nor the network. */
export function planFiring(due: readonly DueReminder[], planning: Planning): Plan {
  const plan: Plan = {
    ...{
      fired: [],
      completed: [],
      paused: [],
      deliveries: [],
      moved: [],
      released: [],
      noted: [],
      events: [],
      held: [],
    },
  };
  for (const reminder of due) planOne(plan, reminder, planning);
  return plan;
}

function planOne(plan: Plan, due: DueReminder, planning: Planning): void {
  const { asked } = planning;
  const { reminder } = due;
  const stop = asked ? asked.stopOf(due) : stopAnswer(reminder.stopCondition, subjectOf(due));
  if (isQuestion(stop)) {
    // Somebody changed it while it was asked: it is asked anew, at once.
    plan.released.push({ id: reminder.id, retryInMs: null });
    return;
  }
  const decision = decideOn(due, stop, planning);
  if (asked) keepWatch(plan, due, stop, decision, planning);
  switch (decision.kind) {
    case "complete":
      complete(plan, reminder.id, decision.reason, decision.because);
      return;
    case "pause":
      pause(plan, reminder.id, decision.because);
      return;
    case "hold":
      // What is in the row itself will not be answered another time either.
      if (!asked) pause(plan, reminder.id, `${decision.because}; correct it, then resume it`);
      return;
  }
  const next = { nextRunAt: decision.nextRunAt, nextWallAt: decision.nextWallAt };
  if (decision.kind === "send") plan.fired.push({ id: reminder.id, occurrenceAt: decision.occurrenceAt, ...next });
  else plan.moved.push({ id: reminder.id, ...next });
  if (decision.kind !== "postpone" && decision.missed > 0) plan.events.push(missed(due, decision));
  if (decision.kind === "send") planDelivery(plan, due, decision, planning);
}

function decideOn(due: DueReminder, stop: StopAnswer, { ceiling }: Planning): ReturnType<typeof decide> {
  const { reminder, around, standing, lastOccurrenceAt, isOutdated, now } = due;
  const { stopCondition, createdAt, occurrenceCount, nextWallAt } = reminder;
  const nextRunAt = reminder.nextRunAt as Instant; // what was claimed is due
  const timetable = timetableOf(reminder, around.zone, around.calendar);
  const { countedFrom, onUnknown, unknownCount } = standing;
  return decide(
    {
      ...{ timetable, nextRunAt, nextWallAt, lastOccurrenceAt, occurrenceCount, createdAt, isOutdated },
      ...{ countedFrom, wasHeld: unknownCount > 0 },
    },
    { stop, doneBecause: completionReasonOf(stopCondition), onUnknown, ceiling },
    // What is fired a little ahead is decided as of the instant it is due.
    Math.max(now, nextRunAt),
  );
}

/** What an asked reminder's answer, or the want of one, leads to besides the decision. */
function keepWatch(
  plan: Plan,
  { reminder, standing }: DueReminder,
  stop: StopAnswer,
  { kind }: ReturnType<typeof decide>,
  { hold }: Planning,
): void {
  const { id } = reminder;
  const note = noteOf(stop, standing.unknownCount, standing.onUnknown, hold);
  if (note) {
    plan.noted.push({ id, ...note });
    plan.events.push(...note.events.map((event) => ({ reminderId: id, ...event })));
  }
  const retryInMs = kind === "hold" ? askAgainMs(hold, standing.unknownCount + 1, Math.random()) : null;
  plan.released.push({ id, retryInMs });
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

  const quiet = quietAt(due, Math.max(due.now, send.occurrenceAt));
  if (quiet) {
    Object.assign(delivery, { status: "pending", reason: quiet.because, notBefore: quiet.until });
    plan.events.push({ reminderId: id, type: "quiet", because: quiet.because });
    return;
  }
  if (!rooms.get(channel.name)?.tryTake(tenantId)) {
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
    tenantId,
    channel: channel.name,
    recipient: delivery.recipient,
    attempts: 1,
    isSuspect: false,
    known: due,
    answers: planning.asked?.answersOf(due) ?? new Map(),
    wasAsked: false,
    stop: null,
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

function pause(plan: Plan, id: number, because: string): void {
  plan.paused.push({ id, because });
  plan.events.push({ reminderId: id, type: "paused", because });
}

function missed({ reminder, standing, now }: DueReminder, decision: Missing): NewEvent {
  const times = decision.missed === 1 ? "one occurrence" : `${decision.missed} occurrences`;
  const made = decision.kind === "skip" ? "they are not made up for" : "one catch-up stands for all";
  const why = standing.unknownCount > 0 ? "nobody could say in time whether it is done" : "no worker fired in time";
  return {
    reminderId: reminder.id,
    type: "missed",
    because: `${why}: ${times} passed without a message of their own; ${made}`,
    details: {
      occurrences: decision.missed,
      from: new Date(decision.occurrenceAt).toISOString(),
      until: new Date(now).toISOString(),
    },
  };
}
