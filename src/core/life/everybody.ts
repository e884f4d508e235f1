import { type Addressee, addressees } from "../audience.ts";
import type { Course, Escalating } from "../escalation.ts";
import type { Instant } from "../instant.ts";
import type { ReminderRecord } from "../reminder.ts";
import type { SimulatedDelivery } from "./happening.ts";
import type { Message } from "./open-message.ts";
import type { World } from "./world.ts";

/** All people of a life: whom its messages are for, and who of them has done theirs. */
export class Everybody {
  #audience: NonNullable<World["audience"]> | null;

  constructor({ audience }: Pick<World, "audience">) {
    this.#audience = audience ?? null;
  }

  /** Who has done theirs. */
  get done(): ReadonlySet<string> {
    return this.#audience?.known.done ?? NOBODY;
  }

  /** `person`: one of the recipients, as `personOf` calls them. */
  noteDone(person: string): void {
    if (!this.#audience) return;
    const { known, ways } = this.#audience;
    this.#audience = { known: { ...known, done: new Set([...known.done, person]) }, ways };
  }

  /** Whom an occurrence is for; one null: whom the reminder is for. */
  wanted(reminder: ReminderRecord, course: Course | null, now: Instant): (Addressee | null)[] {
    if (!this.#audience) return [null];
    const { known, ways } = this.#audience;
    return addressees(reminder, course?.step ?? null, known, ways, now);
  }

  /** See `Escalating`; null: it goes by no policy. `newest`: the messages of the newest occurrence here; none: it hasn't fired here yet. */
  escalating(reminder: ReminderRecord, newest: readonly Message[]): Escalating | null {
    if (!this.#audience?.known.policy) return null;
    const { policy, wasGiven, waitsUntil = null } = this.#audience.known;
    const { escalation, deadlineAt } = reminder.people;
    const given = newest.length === 0 ? (wasGiven ?? true) : wasGivenThen(reminder, newest);
    const until = newest.length === 0 ? waitsUntil : waitsUntilThen(newest);
    return { policy, escalation, deadlineAt, wasGiven: given, waitsUntil: until };
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function wasGivenThen(reminder: ReminderRecord, newest: readonly SimulatedDelivery[]): boolean | null {
  if (newest.some((one) => isGiven(reminder, one))) return true;
  return newest.some(({ status }) => status === "sending") ? null : false;
}

function waitsUntilThen(newest: readonly Message[]): Instant | null {
  const waiting = newest.filter(({ status }) => status === "pending" || status === "retrying");
  return waiting.length === 0 ? null : Math.min(...waiting.map(({ nextAt }) => nextAt));
}

/** As the store has it, see `readAudiences`. */
function isGiven({ bounds }: ReminderRecord, { status, attempts }: SimulatedDelivery): boolean {
  if (status === "pending" || status === "retrying" || status === "sending")
    return bounds.misfirePolicy === "all" || (status === "retrying" && attempts.length > 0);
  return status !== "suppressed";
}
