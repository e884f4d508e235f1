import type { DigestWish } from "./digest.ts";

export const OVER_BUDGET = ["hold", "digest"] as const;
/** Each message waits until there is room for it, or all of them come together then. */
export type OverBudget = (typeof OVER_BUDGET)[number];

export interface Preferences {
  /** Names of channels, the dearest first. */
  channels?: readonly string[];
  /** Event types of which it wants nothing; `*`: of none. */
  opt_out?: readonly string[];
  /** Not set: each message goes by itself, at once. */
  digest?: DigestWish;
  /** At most so many messages in 24 hours, over all its reminders; not set: as many as there are. */
  max_per_day?: number;
  /** What becomes of the rest; not set: `hold`. */
  over_budget?: OverBudget;
}
