import type { Instant } from "../instant.ts";
import type { Delivery, ReminderRecord } from "../reminder.ts";
import type { StopAnswer } from "../stop.ts";

/** What is written down of a reminder's present. */
export interface Present {
  reminder: ReminderRecord;
  /** Whose clocks instants are written by. */
  zone: string;
  /** True when nobody has worked out yet when it is due. */
  isUnplanned: boolean;
  /** Deliveries that haven't ended. */
  open: readonly Delivery[];
  /** The flags that its stop condition names; without `setAt`, nobody has ever set it. */
  flags: readonly { key: string; value: boolean; setAt: Instant | null }[];
  /** What its stop condition answers by what is written down; null: it has none. */
  stop: StopAnswer | null;
  /** How often in a row nobody could say whether it is done, since when, and when that is asked again; null: somebody could. */
  unanswered: { count: number; since: Instant | null; askAt: Instant | null } | null;
  /** Who of its recipients has done theirs; not set: nobody. */
  done?: readonly string[];
  now: Instant;
}
