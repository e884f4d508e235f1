import type { Limits } from "./evidence.ts";
import type { Moods } from "./receiver.ts";

/** How the receiver is while all is under fire. */
export const MOODS: Moods = {
  slow: 0.06,
  hung: 0.004,
  silent: 0.012,
  lying: 0.015,
  busy: 0.03,
  full: 0.02,
  refusing: 0.006,
};

/** How the engine is set. */
export const ENGINE = {
  EMAIL_CONCURRENCY: "8",
  DATABASE_POOL_SIZE: "5",
  DELIVERY_MAX_ATTEMPTS: "4",
  RETRY_BASE_SECONDS: "0.4",
  CHANNEL_FALLBACKS: "webhook:email:1m",
  OUTGOING_ALLOW: "127.0.0.1",
  OUTGOING_PORTS: "1024-65535",
};

/** What the checker judges by, where nothing else wants the machine. */
export const LIMITS: Omit<Limits, "clockSlackMs"> = {
  stopMs: 250,
  fireAheadMs: 12,
  recoveryMs: 20_000,
  transactionMs: 15_000,
  maxAttempts: 4,
  // Standard Webhooks: at once, and nine times more.
  maxHookAttempts: 10,
  downMs: 60_000,
  storingMs: 3_000,
};
