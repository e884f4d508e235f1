import { setImmediate } from "node:timers/promises";
import type { Channels } from "../channels/registry.ts";
import { isQuestion, type Question, stopAnswer } from "../conditions/evaluate.ts";
import { completionReasonOf } from "../conditions/registry.ts";
import { subjectOf } from "../conditions/subject.ts";
import type { Ceiling } from "../core/ceiling.ts";
import { completionAfter, decide } from "../core/decide.ts";
import type { Course } from "../core/escalation.ts";
import { askAgainMs, type HoldPolicy, noteOf } from "../core/hold.ts";
import type { Escalation } from "../core/policy.ts";
import { type CompletionReason, deliveryId, type Instant } from "../core/reminder.ts";
import { sayHowMany } from "../core/schedule/missed.ts";
import { timetableOf } from "../core/schedule/schedule.ts";
import { endsSilence } from "../core/silence.ts";
import type { StopAnswer } from "../core/stop.ts";
import type { NotedAnswer, Released } from "../store/asking.ts";
import type { Lease } from "../store/deliveries.ts";
import type { NewEvent } from "../store/events.ts";
import type {
  CompletedReminder,
  DueReminder,
  EscalatedReminder,
  FiredReminder,
  NewDelivery,
  PausedReminder,
} from "../store/firing.ts";
import type { MovedReminder } from "../store/unplanned.ts";
import type { Answers } from "./asking/answers.ts";
import { escalatingOf, otherOf, type Wanted, wantedFor } from "./audience.ts";
import { digestFor } from "./digest.ts";
import type { Held } from "./held.ts";
import type { Places } from "./places.ts";
import { quietAt } from "./quiet.ts";

/** Everything that one firing transaction writes, and what this worker sends once it is committed. */
export interface Plan {
  fired: FiredReminder[];
  completed: CompletedReminder[];
  paused: PausedReminder[];
  escalated: EscalatedReminder[];
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

/** So long nothing else goes on at most while reminders are decided on, save that one alone takes longer. */
const TURN_MS = 10;

/**
 * Turns claimed reminders into what is to be written and sent. Touches neither the database nor the network, but lets others
 * have their turn: expressions and rules of many together may take long.
 */
export async function planFiring(due: readonly DueReminder[], planning: Planning): Promise<Plan> {
  const plan: Plan = {
    ...{
      fired: [],
      completed: [],
      paused: [],
      escalated: [],
      deliveries: [],
      moved: [],
      released: [],
      noted: [],
      events: [],
      held: [],
    },
  };
  let turnSince = performance.now();
  for (const reminder of due) {
    if (performance.now() - turnSince > TURN_MS) {
      await setImmediate();
      turnSince = performance.now();
    }
    planOne(plan, reminder, planning);
  }
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
  if (due.audience?.flaw) {
    pause(plan, reminder.id, `its ${due.audience.flaw}; correct it, then resume it`);
    if (asked) plan.released.push({ id: reminder.id, retryInMs: null });
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
  if (decision.kind === "send" && endsSilence(decision.occurrenceAt, reminder.silence))
    plan.events.push(silenceEnded(due, decision.occurrenceAt));
  if (decision.kind === "send") planDeliveries(plan, due, decision, planning);
}

function decideOn(due: DueReminder, stop: StopAnswer, { ceiling }: Planning): ReturnType<typeof decide> {
  const { reminder, around, standing, lastOccurrenceAt, isOutdated, now } = due;
  const { stopCondition, createdAt, occurrenceCount, nextWallAt, silence } = reminder;
  const nextRunAt = reminder.nextRunAt as Instant; // what was claimed is due
  const timetable = timetableOf(reminder, around.zone, around.calendar);
  const { countedFrom, onUnknown, unknownCount } = standing;
  return decide(
    {
      ...{ timetable, nextRunAt, nextWallAt, lastOccurrenceAt, occurrenceCount, createdAt, isOutdated },
      ...{ countedFrom, wasHeld: unknownCount > 0, silence, escalating: escalatingOf(due) },
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

function planDeliveries(plan: Plan, due: DueReminder, send: Send, planning: Planning): void {
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

function toHeld(due: DueReminder, send: Send, delivery: NewDelivery, planning: Planning): Held {
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
    addressed: delivery.addressed ?? null,
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
    isLast: send.nextRunAt === null || due.reminder.bounds.misfirePolicy === "all",
    hasPlace: false,
    sendingSinceMs: null,
    hasEnded: false,
  };
}

function escalatedTo({ reminder }: DueReminder, { step, because }: Course, wanted: readonly Wanted[]): NewEvent {
  const { policy } = reminder.people;
  const to = wanted.map(({ recipient, addressed }) => recipient ?? addressed?.person ?? "nobody");
  return {
    reminderId: reminder.id,
    type: "escalated",
    because: `step ${step.number} of the policy ${policy}, to ${to.join(", ")}: ${because}`,
    details: { policy, step: step.number, to },
  };
}

function complete(plan: Plan, id: number, reason: CompletionReason, because: string): void {
  plan.completed.push({ id, reason });
  plan.events.push({ reminderId: id, type: "completed", because, details: { reason } });
}

function pause(plan: Plan, id: number, because: string): void {
  plan.paused.push({ id, because });
  plan.events.push({ reminderId: id, type: "paused", because });
}

/** A promise that ends like this wasn't kept, which its message says as well. */
function silenceEnded({ reminder }: DueReminder, at: Instant): NewEvent {
  const until = new Date(at).toISOString();
  const isSnooze = reminder.silence?.by === "snooze";
  const because = isSnooze ? `the snooze has ended at ${until}` : `it was promised by ${until}, and isn't done`;
  return { reminderId: reminder.id, type: isSnooze ? "snooze_ended" : "promise_ended", because, details: { until } };
}

function missed({ reminder, standing, now }: DueReminder, decision: Missing): NewEvent {
  const times = decision.missed === 1 ? "one occurrence" : `${sayHowMany(decision.missed)} occurrences`;
  const made = decision.kind === "skip" ? "they are not made up for" : sayMadeUp(decision);
  const why = standing.unknownCount > 0 ? "nobody could say in time whether it is done" : "no worker fired in time";
  return {
    reminderId: reminder.id,
    type: "missed",
    because: `${why}: ${times} passed without a message of their own; ${made}`,
    details: {
      occurrences: decision.missed,
      from: new Date(reminder.nextRunAt ?? decision.occurrenceAt).toISOString(),
      until: new Date(now).toISOString(),
    },
  };
}

function sayMadeUp({ madeUp }: Extract<Missing, { kind: "send" }>): string {
  if (madeUp === undefined) return "one catch-up stands for all";
  if (madeUp === 0) return "none of them is made up for";
  return madeUp === 1
    ? "the newest of what was missed has its own"
    : `the ${madeUp} newest of what was missed have theirs`;
}
