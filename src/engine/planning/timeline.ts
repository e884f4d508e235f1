import type { Decision } from "../../core/decide.ts";
import type { Course } from "../../core/escalation.ts";
import type { Instant } from "../../core/instant.ts";
import { sayHowMany } from "../../core/schedule/missed.ts";
import type { NewEvent } from "../../store/events.ts";
import type { DueReminder } from "../../store/firing.ts";
import type { Wanted } from "../audience.ts";

export type Send = Extract<Decision, { kind: "send" }>;
type Missing = Extract<Decision, { missed: number }>;

export function escalatedTo({ reminder }: DueReminder, { step, because }: Course, wanted: readonly Wanted[]): NewEvent {
  const { policy } = reminder.people;
  const to = wanted.map(({ recipient, addressed }) => recipient ?? addressed?.person ?? "nobody");
  return {
    reminderId: reminder.id,
    type: "escalated",
    because: `step ${step.number} of the policy ${policy}, to ${to.join(", ")}: ${because}`,
    details: { policy, step: step.number, to },
  };
}

/** A promise that ends like this wasn't kept, which its message says as well. */
export function silenceEnded({ reminder }: DueReminder, at: Instant): NewEvent {
  const until = new Date(at).toISOString();
  const isSnooze = reminder.silence?.by === "snooze";
  const because = isSnooze ? `the snooze has ended at ${until}` : `it was promised by ${until}, and isn't done`;
  return { reminderId: reminder.id, type: isSnooze ? "snooze_ended" : "promise_ended", because, details: { until } };
}

export function missed({ reminder, standing, now }: DueReminder, decision: Missing): NewEvent {
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

function sayMadeUp({ madeUp }: Send): string {
  if (madeUp === undefined) return "one catch-up stands for all";
  if (madeUp === 0) return "none of them is made up for";
  return madeUp === 1
    ? "the newest of what was missed has its own"
    : `the ${madeUp} newest of what was missed have theirs`;
}
