import { quietHoursOf, UTC } from "./contacts.ts";
import type { ReminderInput, Span } from "./evidence.ts";
import { policyInput } from "./policies.ts";
import { MINUTE, type Wish } from "./wishes.ts";

/** By what a message tells of what it holds: several may go as one. */
const HOLDS = "Holds {{ reminder_id }} of {{ occurrence_at }}.";

/** As the API takes it. */
export function bodyOf(wish: Wish): object {
  const { entity, event, runAt, intervalMs, flag, recipient, people, policy, ownQuiet, ignoresQuiet, channel } = wish;
  return {
    ...{ entity_type: "thing", entity_id: entity, event_type: event, channel },
    ...{ run_at: isoOf(runAt), schedule_type: intervalMs === null ? "one_time" : "recurring" },
    ...(intervalMs === null ? {} : { interval_minutes: intervalMs / MINUTE }),
    ...(flag ? { stop_condition_type: "db_check", stop_condition_value: flag.value } : {}),
    ...(recipient === null ? {} : { recipient }),
    ...(people ? { recipients: people.addresses, completes_when: completesWhen(people) } : {}),
    ...(policy ? { policy } : {}),
    ...(ownQuiet ? { quiet_hours: quietHoursOf(ownQuiet, wish.contact?.zone ?? UTC) } : {}),
    ...(ignoresQuiet ? { ignore_quiet_hours: true } : {}),
    ...(wish.contact?.preferences ? { message: HOLDS } : {}),
  };
}

function completesWhen({ addresses, needed }: NonNullable<ReminderInput["people"]>): unknown {
  if (needed === addresses.length) return "all";
  return needed === 1 ? "any" : { quorum: needed };
}

/** What its row calls it. */
export function keyOf({ entity, event }: Pick<Wish, "entity" | "event">): string {
  return `thing/${entity}/${event}`;
}

export function toInput(id: number, wish: Wish, created: Span): ReminderInput {
  const { runAt, intervalMs, flag, people, quiet, policy, digest, budget, contact, channel } = wish;
  const email = contact?.email ?? "";
  return {
    ...{ id, key: keyOf(wish), created, runAt, intervalMs, flag: flag?.key ?? null, people, quiet, digest, budget },
    policy: policy && policyInput(policy, email),
    over: channel === "webhook" ? { to: email } : null,
    ...{ changes: [], done: [], said: null, refusals: [], isLoose: false },
  };
}

export function isoOf(instant: number): string {
  return new Date(instant).toISOString();
}
