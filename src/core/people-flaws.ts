import { personKey, personOf, type Recipient } from "./people.ts";
import { needsOf, type PolicyText } from "./policy.ts";
import type { Reminder } from "./reminder.ts";
import type { Refusal } from "./schedule/fields.ts";
import type { Bounds, Schedule } from "./schedule/kinds.ts";
import { parseRrule } from "./schedule/rrule.ts";

type Peopled = Pick<Reminder, "recipient" | "business" | "stopCondition" | "people"> & {
  schedule: Schedule | { type: Schedule["type"]; rrule?: string };
  bounds: Bounds;
};

/**
 * Why a reminder can't be for these people; null: it can. `policy`: the one that it names, null where there is none of that name.
 * `force`: it may go on for ever. `namesAnew`: its recipients are given anew; what those that it had are called is left alone.
 */
export function peopleFlaw(
  reminder: Peopled,
  policy: Pick<PolicyText, "steps"> | null,
  { force, namesAnew }: { force: boolean; namesAnew: boolean },
): Refusal | null {
  return (
    recipientsFlaw(reminder) ??
    (namesAnew ? namedTwice(reminder.people.recipients ?? []) : null) ??
    reopenFlaw(reminder) ??
    (reminder.people.policy === null ? null : policyFlaw(reminder, policy, force))
  );
}

function recipientsFlaw({ recipient, people }: Peopled): Refusal | null {
  const { recipients, completesWhen } = people;
  if (recipients === null) {
    if (completesWhen === "all") return null;
    return refuse("completes_when", "must be left out where there are no recipients");
  }
  if (recipient !== null) return refuse("recipient", "must be left out where recipients are given");
  if (typeof completesWhen === "object" && completesWhen.quorum > recipients.length)
    return refuse(
      "completes_when",
      `must be a quorum of at most ${recipients.length}, as many as there are recipients`,
    );
  return null;
}

function namedTwice(recipients: readonly Recipient[]): Refusal | null {
  const keys = recipients.map(personKey);
  const twice = recipients.find((_, place) => keys.indexOf(keys[place] ?? "") !== place);
  return twice ? refuse("recipients", `must name each person once: ${personOf(twice)} is there twice`) : null;
}

function reopenFlaw({ people, stopCondition }: Peopled): Refusal | null {
  if (!people.reopens || stopCondition?.type === "db_check") return null;
  return refuse("reopen", "must be left out where the stop condition isn't a db_check: it is a flag that is set back");
}

function policyFlaw(reminder: Peopled, policy: Pick<PolicyText, "steps"> | null, force: boolean): Refusal | null {
  const { schedule, bounds, people, business, stopCondition } = reminder;
  if (policy === null) return refuse("policy", `must be the name of a policy: there is no ${people.policy}`);
  if (schedule.type === "one_time")
    return refuse("policy", "must be left out where schedule_type is one_time: it is sent once");
  const needs = needsOf(policy);
  if (needs.deadline && people.deadlineAt === null)
    return refuse("deadline_at", `must be given: the policy ${people.policy} counts by it`);
  if (needs.calendar && business === null)
    return refuse("calendar", `must be given: the policy ${people.policy} counts working time`);
  const hasEnd = bounds.maxOccurrences !== null || bounds.endAt !== null || stopCondition !== null;
  const endsBySchedule =
    endsByItself(schedule) &&
    policy.steps.every(({ interval_minutes, cadence }) => interval_minutes == null && cadence == null);
  if (!needs.isEndless || hasEnd || endsBySchedule || force) return null;
  return refuse(
    "policy",
    "must not go on for ever: give the reminder a stop condition, max_occurrences or end_at, let the policy's last step be repeated a " +
      "number of times, or say force",
  );
}

function endsByItself(schedule: Peopled["schedule"]): boolean {
  if (schedule.type === "offsets") return true;
  if (schedule.type !== "rrule" || !("rrule" in schedule) || schedule.rrule === undefined) return false;
  const { rule } = parseRrule(schedule.rrule);
  return rule === null || rule.count !== null || rule.until !== null;
}

function refuse(field: string, message: string): Refusal {
  return { kind: "invalid", field, message };
}
