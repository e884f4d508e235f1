import type { Instant } from "../instant.ts";
import { hasDone } from "../people-done.ts";
import { type ReminderNow, recheck, recheckPerson, type SuppressionReason } from "../recheck.ts";
import type { DeliveryStatus, ReminderRecord } from "../reminder.ts";
import { retryDelayMs } from "../retry.ts";
import { NOT_MET } from "../stop.ts";
import type { Budgets } from "./budgets.ts";
import type { Message } from "./open-message.ts";
import type { Workers } from "./workers.ts";
import type { FactsThen, World } from "./world.ts";

/** How a message ends. */
export interface Ended {
  status: DeliveryStatus;
  /** Null where it wasn't suppressed. */
  suppression: SuppressionReason | null;
}

/** How things stand when its time comes. */
export interface About {
  reminder: ReminderRecord;
  now: Instant;
  /** Who has done theirs. */
  done: ReadonlySet<string>;
  facts(): FactsThen;
  /** Called once more when nobody can say whether it is done. */
  askAgainAt(): Instant;
}

/** What carries messages. */
export interface Service {
  world: World;
  workers: Workers;
  budgets: Budgets;
  /** Counts the messages that leave. */
  newMessageNo(): number;
  /** See `Budgets.place`. */
  formerOf(message: Message, now: Instant): Message | undefined;
}

/** Messages that have ended, and how. */
export type Endings = readonly (readonly [Message, Ended])[];

/** Hears what became of the try under way. Empty where it is tried again. */
export function hear(message: Message, { now }: About, { world, workers }: Service): Endings {
  const { answer, attempts } = message;
  message.answer = null;
  if (answer !== null && answer !== "retrying") return [[message, { status: answer, suppression: null }]];
  const delayMs = retryDelayMs(world.retry, attempts.length, world.draw());
  if (delayMs === null) return [[message, { status: "failed", suppression: null }]];
  message.status = "retrying";
  message.nextAt = workers.from(now + delayMs, now);
  return [];
}

/** Begins a try of what goes in one message, mostly a single one. What has ended instead, and how. */
export function begin(together: readonly Message[], about: About, service: Service): Endings {
  const ended: [Message, Ended][] = [];
  const left: Message[] = [];
  for (const message of together) {
    const judged = judge(message, about, service);
    if (judged === null) left.push(message);
    else if (judged !== "put back") ended.push([message, judged]);
  }
  const [first] = left;
  if (first) leave(first, left, about.now, service);
  return ended;
}

/** Whether it may leave now; null: it may. */
function judge(message: Message, about: About, { world, workers }: Service): Ended | "put back" | null {
  const { reminder, now, done } = about;
  const { occurrenceAt, attempts, to } = message;
  const person = to?.addressed.person ?? null;
  // What isn't to be sent anyway doesn't count as failed because workers died with it.
  const isExhausted = attempts.length >= world.retry.maxAttempts;
  const stop = isExhausted ? NOT_MET : about.facts().stop;
  const isDone = !isExhausted && hasDone(reminder.people, done, person);
  const suppression = recheck(occurrenceAt, nowOf(reminder), stop) ?? recheckPerson({ isDone, optedOut: null });
  if (suppression) {
    message.because = suppression.because;
    return { status: "suppressed", suppression: suppression.reason };
  }
  if (isExhausted) return { status: "failed", suppression: null };
  const quietEnd = world.quietUntil?.(now, to?.addressed ?? null) ?? null;
  if (quietEnd !== null) return putBack(message, workers.from(quietEnd, now));
  if (about.facts().stop.state === "unknown" && reminder.onUnknown === "hold")
    return putBack(message, workers.from(about.askAgainAt(), now));
  return null;
}

function nowOf({ status, deletedAt, lastOccurrenceAt, silence, bounds }: ReminderRecord): ReminderNow {
  return { status, deletedAt, lastOccurrenceAt, silence, misfirePolicy: bounds.misfirePolicy };
}

/** Nothing was tried. It comes later, in another message. */
function putBack(message: Message, until: Instant): "put back" {
  message.status = message.attempts.length === 0 ? "pending" : "retrying";
  message.nextAt = until;
  message.digestNo = null;
  return "put back";
}

function leave(first: Message, together: readonly Message[], now: Instant, service: Service): void {
  const { world, workers, budgets } = service;
  const until = budgets.place(together, () => service.formerOf(first, now), now);
  if (until !== null) {
    for (const message of together) putBack(message, workers.from(until, now));
    return;
  }
  const messageNo = service.newMessageNo();
  for (const message of together) {
    const { occurrenceAt, attempts } = message;
    attempts.push({ occurrenceAt, number: attempts.length + 1, at: now, messageNo });
  }
  const { answer, takesMs } = world.receive(first.attempts.at(-1) as (typeof first.attempts)[number]);
  const answeredAt = now + takesMs;
  const takenOverAt = workers.takenOverAt(now, answeredAt);
  for (const message of together) {
    message.status = "sending";
    // Who takes it over knows nothing of the answer.
    message.answer = takenOverAt === null ? answer : null;
    message.nextAt = takenOverAt ?? answeredAt;
  }
}
