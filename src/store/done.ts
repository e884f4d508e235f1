import { personOf, quorumOf, recipientCalled } from "../core/people.ts";
import { doneByPeople, doneCount, maySayDone, namesOfDone } from "../core/people-done.ts";
import type { ReminderRecord } from "../core/reminder.ts";
import { insertEvents } from "./events.ts";
import { lockReminder, writeReminder } from "./reminders.ts";
import type { TenantSql } from "./tenant-database.ts";

/** What became of somebody's "done". */
export type Done =
  | { kind: "done"; reminder: ReminderRecord /** False where they had said so before. */; isNew: boolean }
  | { kind: "no_reminder" }
  /** It is deleted. */
  | { kind: "refused"; because: string }
  /** It has recipients, and this is none of them; they are named. */
  | { kind: "nobody"; persons: string[] };

// Nobody sets it down twice: who comes second finds it.
const RECORD = `
  insert into reminder_done (tenant_id, reminder_id, person)
  values ($1, $2, $3)
  on conflict (reminder_id, person) do nothing
  returning person`;

const MARKS = "select person from reminder_done where reminder_id = $1";

/**
 * Records that a person has done theirs, and completes the reminder if that is enough. `person`: an address or
 * `entity_type/entity_id`, one of the reminder's recipients; where it has none, whoever it is, or null. Call it in a
 * transaction; the reminder is locked until that ends. Doing it again changes nothing. Throws as `lockReminder` does.
 */
export async function recordDone(sql: TenantSql, reminderId: number, person: string | null): Promise<Done> {
  const locked = await lockReminder(sql, reminderId);
  if (!locked) return { kind: "no_reminder" };
  const { reminder, now } = locked;
  if (reminder.deletedAt !== null) return { kind: "refused", because: "it is deleted; restore it first" };
  const { recipients } = reminder.people;
  const persons = recipients?.map(personOf) ?? [];
  const one = recipients === null || person === null ? undefined : recipientCalled(recipients, person);
  if (recipients !== null && one === undefined) return { kind: "nobody", persons };
  const who = one ? personOf(one) : (person ?? reminder.recipient ?? `${reminder.entityType}/${reminder.entityId}`);
  if (!maySayDone(reminder)) return { kind: "done", reminder, isNew: false };
  const marked = recipients === null ? [] : await sql.query<{ person: string }>(MARKS, [reminderId]);
  const marks = marked.map(({ person }) => person);
  const wasDone = recipients !== null && namesOfDone(reminder.people, marks).has(who);
  const recorded = wasDone ? [] : await sql.query(RECORD, [sql.tenant, reminderId, who]);
  if (recorded.length === 0) return { kind: "done", reminder, isNew: false };

  const count = doneCount(reminder.people, namesOfDone(reminder.people, [...marks, who]));
  const needed = quorumOf(reminder.people);
  const total = Math.max(1, persons.length);
  const events = [
    { reminderId, type: "done", because: `${who} has done theirs (${count} of ${total})`, details: { person: who } },
  ];
  const done = doneByPeople(reminder, count, now);
  if (done === null) {
    await insertEvents(sql, events);
    return { kind: "done", reminder, isNew: true };
  }
  const completed = await writeReminder(sql, reminder, done);
  const because = total === 1 ? `${who} has done it` : `${count} of ${total} have done theirs, and it takes ${needed}`;
  await insertEvents(sql, [
    ...events,
    { reminderId, type: "completed", because, details: { reason: "people_done" } as never },
  ]);
  return { kind: "done", reminder: completed, isNew: true };
}

const LIST =
  "select person, done_at from reminder_done where tenant_id = $1 and reminder_id = $2 order by done_at, person";

/** Who has done theirs, in the order in which they did. */
export async function listDone(sql: TenantSql, reminderId: number): Promise<{ person: string; doneAt: number }[]> {
  const rows = await sql.query<{ person: string; done_at: number }>(LIST, [sql.tenant, reminderId]);
  return rows.map(({ person, done_at: doneAt }) => ({ person, doneAt }));
}
