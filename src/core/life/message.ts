import { recheck } from "../recheck.ts";
import type { DeliveryStatus, Instant, ReminderRecord } from "../reminder.ts";
import { retryDelayMs } from "../retry.ts";
import type { SimulatedDelivery } from "./happening.ts";
import type { Workers } from "./workers.ts";
import type { FactsThen, World } from "./world.ts";

/** A delivery that hasn't ended. */
export interface Message extends SimulatedDelivery {
  /** When its next try may begin or, while it is being sent, when the receiver answers. */
  nextAt: Instant;
  answer: ReturnType<World["receive"]>["answer"] | null;
}

/** Everything that the way of a message depends on besides itself. */
export interface Surrounding {
  world: World;
  workers: Workers;
  reminder: ReminderRecord;
  now: Instant;
  facts(): FactsThen;
  /** Called once more when nobody can say whether it is done. */
  askAgainAt(): Instant;
}

/** Begins the next try of a message, or hears what became of the one under way. How it has ended with that; null: it hasn't. */
export function advance(message: Message, around: Surrounding): DeliveryStatus | null {
  const { answer } = message;
  message.answer = null;
  if (answer === null) return begin(message, around);
  return answer === "retrying" ? retry(message, around) : answer;
}

function begin(message: Message, around: Surrounding): DeliveryStatus | null {
  const { world, workers, reminder, now } = around;
  const { occurrenceAt, attempts } = message;
  const quietEnd = world.quietUntil?.(now, message.to?.addressed ?? null) ?? null;
  if (attempts.length >= world.retry.maxAttempts) return "failed";
  const { misfirePolicy } = reminder.bounds;
  const suppression = recheck(occurrenceAt, { ...reminder, misfirePolicy }, around.facts().stop);
  if (suppression) {
    message.because = suppression.because;
    return "suppressed";
  }
  if (quietEnd !== null) return putBack(message, workers.from(quietEnd, now));
  if (around.facts().stop.state === "unknown" && reminder.onUnknown === "hold")
    return putBack(message, workers.from(around.askAgainAt(), now));
  const attempt = { occurrenceAt, number: attempts.length + 1, at: now };
  attempts.push(attempt);
  const { answer, takesMs } = world.receive(attempt);
  const answeredAt = now + takesMs;
  const takenOverAt = workers.takenOverAt(now, answeredAt);
  message.status = "sending";
  // Who takes it over knows nothing of the answer.
  message.answer = takenOverAt === null ? answer : null;
  message.nextAt = takenOverAt ?? answeredAt;
  return null;
}

/** Nothing was tried. */
function putBack(message: Message, until: Instant): null {
  message.status = message.attempts.length === 0 ? "pending" : "retrying";
  message.nextAt = until;
  return null;
}

function retry(message: Message, { world, workers, now }: Surrounding): DeliveryStatus | null {
  const delayMs = retryDelayMs(world.retry, message.attempts.length, world.draw());
  if (delayMs === null) return "failed";
  message.status = "retrying";
  message.nextAt = workers.from(now + delayMs, now);
  return null;
}

const BEST_FIRST: readonly DeliveryStatus[] = ["sent", "unknown", "failed", "suppressed"];

/** What became of an occurrence with several messages; undefined: none of them has ended. */
export function bestOf(deliveries: readonly SimulatedDelivery[]): DeliveryStatus | undefined {
  return BEST_FIRST.find((status) => deliveries.some((delivery) => delivery.status === status));
}
