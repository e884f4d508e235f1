import { type Ceiling, NO_CEILING } from "../core/ceiling.ts";
import { type Fallbacks, NO_FALLBACKS } from "../core/fallback.ts";
import { DEFAULT_HOLD, type HoldPolicy } from "../core/hold.ts";
import type { Ramp } from "../core/ramp.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "../core/retry.ts";
import type { Limits } from "../store/pace.ts";
import type { CageOptions } from "../templates/cage/cage.ts";
import type { AskingLimits } from "./asking/turnstile.ts";

/** How messages are answered. */
export interface LinkSettings {
  /** Where people reach the API from outside, without a slash at the end. */
  publicUrl: string;
  /** How long a link may be used, counted from the occurrence, or from when that was fired, if it was late. */
  days: number;
}

export interface EngineSettings {
  /** A sleeping worker looks at least this often, whether or not it is woken. At most 10 s (see `reminder_wake_horizon`). */
  pollSeconds: number;
  /** Reminders fired in one transaction, at most. */
  batchSize: number;
  retry: RetryPolicy;
  /** Over what messages go that a channel can't deliver, for each tenant that says nothing else. */
  fallbacks: Fallbacks;
  /** How gently a worker starts with what is overdue when it finds more of it than one batch. */
  catchUp: Ramp;
  /** How many messages may begin, for each tenant that has no limits of its own. */
  limits: Limits;
  /** How stop conditions are asked that have to be asked before. */
  asking: AskingLimits & {
    /** No answer after so long is none. */
    timeoutMs: number;
  };
  /** What is done while nobody can say whether the thing is done. */
  hold: HoldPolicy;
  /** How often and for how long any reminder may fire before a person is asked. */
  ceiling: Ceiling;
  /** How messages are answered; null: by no links. */
  links: LinkSettings | null;
  /** How long buttons within a message may be pressed, counted from the occurrence; with `links`, as long as these. */
  answerDays: number;
  /** While the results of so many messages wait to be stored, no more are sent. */
  mostUnstored: number;
  /** How long a worker holds a delivery without renewing: another takes over that long after a crash. */
  leaseSeconds: number;
  /** Weeks of the ledger and the timeline that lie wholly before this many days ago are dropped. */
  retentionDays: number;
  /** How users' templates run. */
  cage: CageOptions;
  /** How long `stop` waits for sends in flight before it aborts them. */
  graceMs: number;
}

export const DEFAULT_SETTINGS: EngineSettings = {
  pollSeconds: 5,
  batchSize: 500,
  retry: DEFAULT_RETRY,
  fallbacks: NO_FALLBACKS,
  catchUp: { perSecond: 100, doublesEverySeconds: 5 },
  limits: { perMinute: null, perRecipientPerHour: null },
  asking: { total: 100, perTenant: 50, perService: 5, timeoutMs: 15_000 },
  hold: DEFAULT_HOLD,
  ceiling: NO_CEILING,
  links: null,
  answerDays: 30,
  mostUnstored: 10_000,
  leaseSeconds: 12,
  retentionDays: 90,
  cage: {},
  graceMs: 2_000,
};

/** A stop condition read longer ago than this is read again right before the send (promise P3 allows 250 ms). */
export const FRESH_MS = 150;

/**
 * A worker fires this long before the instant, so that all is stored when it comes, and the message leaves on it instead
 * of a transaction later. Far below what a stop may take (promise P3).
 */
export const FIRE_AHEAD_MS = 10;

/** What has been due for longer is overdue, and catching up with it is ramped; what hasn't is due now, and never waits for that. */
export const OVERDUE_MS = 60_000;

/** A send doesn't begin this close to the end of its lease. */
export const LEASE_MARGIN_MS = 1_000;
