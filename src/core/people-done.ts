import type { Instant } from "./instant.ts";
import { hasOnlyEnded } from "./only-ended.ts";
import { type People, personOf, quorumOf, recipientCalled } from "./people.ts";
import type { ReminderRecord } from "./reminder.ts";

/** True where somebody's word that they have done theirs counts: one that has only ended may begin again, and then they get no more of it. */
export function maySayDone(reminder: Pick<ReminderRecord, "status" | "completionReason" | "deletedAt">): boolean {
  return reminder.deletedAt === null && (reminder.status !== "COMPLETED" || hasOnlyEnded(reminder));
}

type Recipients = Pick<People, "recipients">;

/**
 * Who has done theirs, by `marks`, what was set down of them: by the names of then and, where somebody's address is written otherwise by now,
 * the one of now. Where one address is there twice in other capitals, each is done by itself: all of them can be.
 */
export function namesOfDone({ recipients }: Recipients, marks: readonly string[]): Set<string> {
  const called = marks.map((mark) => recipientCalled(recipients ?? [], mark));
  return new Set([...marks, ...called.flatMap((one) => (one === undefined ? [] : [personOf(one)]))]);
}

/** True where whoever is called so has done theirs. `done`: see `namesOfDone`; null: nobody can say who it is. */
export function hasDone({ recipients }: Recipients, done: ReadonlySet<string>, person: string | null): boolean {
  if (person === null) return false;
  const one = recipientCalled(recipients ?? [], person);
  return done.has(one === undefined ? person : personOf(one));
}

/** Those of a reminder's recipients who have done theirs, by name. `done`: see `namesOfDone`. */
export function recipientsDone({ recipients }: Recipients, done: ReadonlySet<string>): string[] {
  return (recipients ?? []).map(personOf).filter((name) => done.has(name));
}

/** How many of a reminder's people have done theirs; where it has no recipients, whoever has is the one. `done`: see `namesOfDone`. */
export function doneCount(people: Recipients, done: ReadonlySet<string>): number {
  return people.recipients === null ? Math.min(1, done.size) : recipientsDone(people, done).length;
}

/**
 * Why a reminder that is due has been done: since somebody said so last, it takes no more, as others were taken off, say. Null: it takes more.
 * `done`: see `namesOfDone`. Pure.
 */
export function whyDoneByNow(people: People, done: ReadonlySet<string>): string | null {
  const total = people.recipients?.length ?? 0;
  const [count, needed] = [recipientsDone(people, done).length, quorumOf(people)];
  return total === 0 || count < needed ? null : `${count} of ${total} have done theirs, and it takes ${needed}`;
}

/** A reminder of whose people so many have done theirs, once that is enough; null: it takes more. Pure. */
export function doneByPeople(reminder: ReminderRecord, count: number, now: Instant): ReminderRecord | null {
  if (count < quorumOf(reminder.people)) return null;
  return {
    ...reminder,
    ...{ status: "COMPLETED", completionReason: "people_done", completedAt: reminder.completedAt ?? now },
    ...{ needsAttention: null, nextRunAt: null, nextWallAt: null },
  };
}
