import type { Logger } from "pino";
import { isDatabaseAway } from "../store/postgres.ts";
import type { Alarm } from "./alarm.ts";

export interface Loop {
  name: string;
  alarm: Alarm;
  /**
   * Does what there is to do, and says how many milliseconds may pass until there is more; 0 when there is more at once,
   * less than 0 when there should be, but it couldn't be had. `isRoutine`: it said that there was nothing yet, nobody has poked
   * it since, and it is only asked in case a poke was lost.
   */
  step: (isRoutine: boolean) => Promise<number>;
  /** The longest sleep between two steps, in milliseconds; Infinity where it is poked for certain. */
  pollMs: number;
  signal: AbortSignal;
  log: Logger;
}

/** What is due but can't be had, being locked by somebody, is asked for again after 1, 2, 4 ... milliseconds, up to this. */
const LONGEST_NUDGE_MS = 50;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 3_000;

/** Runs `step` again and again until the signal aborts. No error ends it: it waits a little longer each time and goes on. */
export async function runLoop({ name, alarm, step, pollMs, signal, log }: Loop): Promise<void> {
  let failures = 0;
  let nudges = 0;
  let isRoutine = false;
  while (!signal.aborted) {
    alarm.reset();
    let sleepMs: number;
    let sleepsOn = false;
    try {
      const untilMoreMs = await step(isRoutine);
      nudges = untilMoreMs < 0 ? nudges + 1 : 0;
      sleepMs = nudges > 1 ? Math.min(LONGEST_NUDGE_MS, 2 ** (nudges - 2)) : Math.min(untilMoreMs, pollMs);
      sleepsOn = untilMoreMs > pollMs;
      if (failures > 0) log.info({ loop: name, failures }, "recovered");
      failures = 0;
    } catch (error) {
      sleepMs = backoffMs(failures);
      failures += 1;
      report(log, name, failures, error);
      // A database that is away is not asked again the sooner for being poked.
      alarm.reset();
    }
    const wasPoked = signal.aborted || (await alarm.wait(sleepMs));
    isRoutine = sleepsOn && !wasPoked;
  }
}

/** Waits between attempts while something is away: doubling, capped, spread so that workers don't come back in step. */
export function backoffMs(failuresBefore: number): number {
  const exponential = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failuresBefore);
  return exponential * (0.5 + Math.random() / 2);
}

function report(log: Logger, loop: string, failures: number, error: unknown): void {
  if (!isDatabaseAway(error)) log.error({ loop, err: error }, "unexpected error; trying again");
  else if (failures === 1)
    log.warn({ loop, reason: (error as Error).message }, "the database did not serve this time; trying again");
}
