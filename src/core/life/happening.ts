import type { Addressee } from "../audience.ts";
import type { Course } from "../escalation.ts";
import type { Instant } from "../instant.ts";
import type { CompletionReason, DeliveryStatus, ReminderRecord } from "../reminder.ts";
import type { Wish } from "./wish.ts";

export interface Attempt {
  occurrenceAt: Instant;
  /** 1 is the first. */
  number: number;
  at: Instant;
  /** In which message: what goes together has the same. */
  messageNo: number;
}

export interface SimulatedDelivery {
  occurrenceAt: Instant;
  firedAt: Instant;
  /** Whom it is for; null: there is only one. */
  to: Addressee | null;
  /** Due instants that this one stood for besides its own. */
  missed: number;
  status: DeliveryStatus;
  /** Why it was suppressed; null where it wasn't. */
  because: string | null;
  attempts: Attempt[];
}

/** What becomes of a reminder, but for what its deliveries tell themselves. */
export type Happening =
  /** Somebody wanted something. `before`: how the reminder was until then. */
  | { kind: "wished"; at: Instant; wish: Wish; before: ReminderRecord }
  /** The deliveries go on changing until they have ended. */
  | {
      kind: "fired";
      at: Instant;
      occurrenceAt: Instant;
      missed: number;
      deliveries: SimulatedDelivery[];
      course: Course | null;
    }
  | { kind: "skipped"; at: Instant; occurrenceAt: Instant; missed: number }
  | { kind: "completed"; at: Instant; reason: CompletionReason; because: string; insteadOf: Instant | null }
  /** Not to fire again unless a person says so. */
  | { kind: "paused"; at: Instant; because: string; insteadOf: Instant }
  /** Not to fire until somebody can say whether it is done, which nobody will in this world. */
  | { kind: "held"; at: Instant; because: string; insteadOf: Instant };

export interface Simulation {
  /** The reminder as it is in the end. */
  reminder: ReminderRecord;
  deliveries: SimulatedDelivery[];
  /** Due instants that its misfire policy let go by without a message, one catch-up's apart. */
  skipped: number;
}
