import { type Addressee, addressees } from "../audience.ts";
import type { Course, Escalating } from "../escalation.ts";
import type { Instant, ReminderRecord } from "../reminder.ts";
import type { SimulatedDelivery } from "./happening.ts";
import type { World } from "./world.ts";

/** Whom an occurrence is for; one null: whom the reminder is for. */
export function wantedThen(
  reminder: ReminderRecord,
  course: Course | null,
  { audience }: Pick<World, "audience">,
  now: Instant,
): (Addressee | null)[] {
  if (!audience) return [null];
  return addressees(reminder, course?.step ?? null, audience.known, audience.ways, now);
}

/** See `Escalating`; null: it goes by no policy. `newest`: the messages of its newest occurrence here; none: it has fired before at most. */
export function escalatingThen(
  reminder: ReminderRecord,
  { audience }: Pick<World, "audience">,
  newest: readonly SimulatedDelivery[],
): Escalating | null {
  const { policy, wasGiven } = audience?.known ?? { policy: null, wasGiven: true };
  if (policy === null) return null;
  const { escalation, deadlineAt } = reminder.people;
  const given = newest.length === 0 ? (wasGiven ?? true) : wasGivenThen(reminder, newest);
  return { policy, escalation, deadlineAt, wasGiven: given };
}

function wasGivenThen(reminder: ReminderRecord, newest: readonly SimulatedDelivery[]): boolean | null {
  if (newest.some((one) => isGiven(reminder, one))) return true;
  return newest.some(({ status }) => status === "sending") ? null : false;
}

/** As the store has it, see `readAudiences`. */
function isGiven({ bounds }: ReminderRecord, { status, attempts }: SimulatedDelivery): boolean {
  if (status === "pending" || status === "retrying" || status === "sending")
    return bounds.misfirePolicy === "all" || (status === "retrying" && attempts.length > 0);
  return status !== "suppressed";
}
