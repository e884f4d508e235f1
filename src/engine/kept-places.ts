import type { Logger } from "pino";
import { goodAfter, hasAny, NO_SLOTS, type Slots } from "../core/pace.ts";
import { passOnSlots } from "../store/pace.ts";
import { isDatabaseAway, isTimedOut } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import type { Held } from "./held.ts";
import { type Ended, isPutBack, type Outcome } from "./outcome.ts";

/** Whoever has a row locked is waited for as long as this, in milliseconds. */
const PASSING_ON_MS = 200;

/**
 * Of what is another worker's by now: has that know of the places under the caps that were taken and not used. Whoever has such a row locked is
 * hardly waited for, and what fails does no harm but that its place is nobody's.
 */
export async function passOnPlaces(
  database: WorkerDatabase,
  lost: readonly Ended[],
  log: Pick<Logger, "error">,
): Promise<void> {
  const withAny = lost.map(withPlaces).filter(({ slots }) => hasAny(slots));
  if (withAny.length === 0) return;
  await database
    .transaction((sql) => passOnSlots(sql, withAny), { statementMs: PASSING_ON_MS })
    .catch((error) => {
      if (!isDatabaseAway(error) && !isTimedOut(error))
        log.error({ err: error }, "places under caps can't be passed on");
    });
}

/** With the places under the caps that it has again, if any. */
export function withPlaces({ held, outcome }: Ended): Held & { slots: Slots } {
  return { ...held, slots: placesKept(held, outcome) };
}

/** Those it has again: nothing has begun that they were for, and when it comes back they are still good. */
function placesKept({ taken, wasLetGo }: Held, outcome: Outcome): Slots {
  const { keepsPlaces, leavesDigest, untried, retryInMs, notBefore } = outcome;
  const hasBegunNothing = keepsPlaces || (untried && isPutBack(outcome) && !wasLetGo);
  // The message that it was to be in goes under the place that it had taken.
  if (!taken || !hasBegunNothing || leavesDigest || notBefore !== undefined) return NO_SLOTS;
  return goodAfter(taken, retryInMs);
}
