import type { Channels } from "../../channels/registry.ts";
import type { Question } from "../../conditions/evaluate.ts";
import type { Ceiling } from "../../core/ceiling.ts";
import type { HoldPolicy } from "../../core/hold.ts";
import type { CompletionReason } from "../../core/reminder.ts";
import type { StopAnswer } from "../../core/stop.ts";
import type { NotedAnswer, Released } from "../../store/asking.ts";
import type { NewEvent } from "../../store/events.ts";
import type {
  CompletedReminder,
  DueReminder,
  EscalatedReminder,
  FiredReminder,
  NewDelivery,
  PausedReminder,
} from "../../store/firing.ts";
import type { Lease } from "../../store/leases.ts";
import type { MovedReminder } from "../../store/unplanned.ts";
import type { Answers } from "../asking/answers.ts";
import type { Held } from "../held.ts";
import type { Places } from "../places.ts";

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
  /** Those for which there was no time: nothing of them is written, and they are still due. */
  left: readonly DueReminder[];
}

export function nothingPlanned(): Plan {
  return {
    ...{ fired: [], completed: [], paused: [], escalated: [], deliveries: [] },
    ...{ moved: [], released: [], noted: [], events: [], held: [], left: [] },
  };
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

export function complete(plan: Plan, id: number, reason: CompletionReason, because: string): void {
  plan.completed.push({ id, reason });
  plan.events.push({ reminderId: id, type: "completed", because, details: { reason } });
}

export function pause(plan: Plan, id: number, because: string): void {
  plan.paused.push({ id, because });
  plan.events.push({ reminderId: id, type: "paused", because });
}
