import { type Cap, keepsPromises, nextPlace, type Pace, promiseAnew } from "../core/pace.ts";
import type { Instant } from "../core/reminder.ts";
import { MS_PER_DAY } from "../core/schedule/calendar.ts";
import { type Anew, lockWaiting, numbersOf, personsWaitedFor, type Waiting, waitAnew } from "../store/budgets.ts";
import { type KeptPace, lockPaces, writePaces } from "../store/pace.ts";
import type { Sql } from "../store/postgres.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";

const PAGE = 1_000;

/** So many messages a day of one person. */
export function dailyCap(perDay: number): Cap {
  return { limit: perDay, windowMs: MS_PER_DAY };
}

export function becauseOf(person: string, perDay: number): string {
  return `waits for its turn: ${person} wants at most ${perDay} message${perDay === 1 ? "" : "s"} a day`;
}

/**
 * Looks for those who want another number of messages a day than the one by which what waits for them was promised its places, and
 * has it promised anew. Any worker may do it, and any number at once: it is done under the lock of each person's pace.
 */
export async function heedChangedBudgets(database: WorkerDatabase): Promise<void> {
  let persons: Awaited<ReturnType<typeof personsWaitedFor>> = [];
  do {
    persons = await personsWaitedFor(database, persons.at(-1) ?? null, PAGE);
    const numbers = await numbersOf(database, persons);
    for (const person of persons.filter(({ perDay }, place) => perDay !== numbers[place]))
      await database.transaction(async (sql) => {
        const { paces, now } = await lockPaces(sql, [{ ...person, kind: "person" }]);
        const [perDay = null] = await numbersOf(sql, [person]);
        for (const kept of paces) await writePaces(sql, [(await heedNumber(sql, kept, perDay, [], now)).kept]);
      });
  } while (persons.length === PAGE);
}

/**
 * Holds what waits for a person to the number that they want now. Where it is another than the one by which places were promised, or
 * some of what asks can't have its own, everything is promised anew, in the same order. `asking`: what those were promised that ask,
 * and so don't wait any more; `slots`: what they are promised now.
 */
export async function heedNumber(
  sql: Sql,
  kept: KeptPace,
  perDay: number | null,
  asking: readonly Instant[],
  now: Instant,
): Promise<{ kept: KeptPace; slots: (Instant | null)[] }> {
  const { pace, heldUntil } = kept;
  const isWaitedFor = asking.length > 0 || (heldUntil !== null && heldUntil > now);
  const isAsBefore = perDay === kept.perDay && (perDay === null || keepsPromises(pace, dailyCap(perDay), asking, now));
  if (!isWaitedFor || isAsBefore) return { kept: { ...kept, perDay }, slots: [...asking] };
  const { waiting, isAll } = await lockWaiting(sql, kept);
  const { anew, ...promised } = inOrder(kept, perDay, waiting, asking, now);
  await waitAnew(sql, anew);
  const last = anew.length > 0 ? anew.reduce((latest, { until }) => Math.max(latest, until), now) : null;
  // What couldn't be locked is promised anew the next time: until then it counts as promised by the number of before.
  const by = isAll ? { perDay, heldUntil: last } : {};
  return { kept: { ...kept, pace: promised.pace, ...by }, slots: promised.slots };
}

/** What is promised to those that wait and those that ask, in the order of what they were promised before. */
function inOrder(
  { key, pace }: KeptPace,
  perDay: number | null,
  waiting: readonly Waiting[],
  asking: readonly Instant[],
  now: Instant,
): { pace: Pace; slots: (Instant | null)[]; anew: Anew[] } {
  const askers = asking.map((slotAt) => ({ slotAt }));
  const queue = perDay === null ? [] : [...askers, ...waiting.filter(({ slotAt }) => slotAt !== null)];
  queue.sort((a, b) => (a.slotAt as Instant) - (b.slotAt as Instant));
  const cap = dailyCap(perDay ?? Number.POSITIVE_INFINITY);
  const promised = promiseAnew(pace, cap, queue.length, now);
  const slots = new Map<object, Instant>(queue.map((one, n) => [one, promised.slots[n] as Instant]));
  // Also where several may leave at once, they are taken one after the other.
  const untils = new Map(queue.map((one, n) => ["message" in one ? one.message : null, (slots.get(one) ?? now) + n]));
  // What gathers was promised nothing: it leaves sooner, if there is room.
  const freeAt = nextPlace(promised.pace, cap, now);
  const reason = perDay === null ? null : becauseOf(key, perDay);
  const anew = waiting.map((one) => {
    const until = untils.get(one.message);
    return { ...one, slotAt: slots.get(one) ?? null, until: until ?? freeAt, isSooner: until === undefined, reason };
  });
  return { pace: promised.pace, slots: askers.map((one) => slots.get(one) ?? null), anew };
}
