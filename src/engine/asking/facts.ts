import { flagKeysOf } from "../../conditions/evaluate.ts";
import { isAsked } from "../../conditions/registry.ts";
import { readSetFlags } from "../../store/asking.ts";
import type { ReminderWithFacts } from "../../store/engine-row.ts";
import { lockReminders, readFacts } from "../../store/facts.ts";
import type { Sql } from "../../store/postgres.ts";
import { addAudiences } from "../audience.ts";

/** Adds to reminders whose condition is asked the flags that it names: all of them in one query, and none where none is named. */
export async function addFlags<T extends ReminderWithFacts>(sql: Sql, reminders: readonly T[]): Promise<readonly T[]> {
  const wanted = reminders.flatMap((known) => {
    const { stopCondition, tenantId } = known.reminder;
    if (!isAsked(stopCondition)) return [];
    const keys = flagKeysOf(stopCondition, known.reminder);
    return keys.length === 0 ? [] : [{ known, tenantId, keys }];
  });
  const unique = new Map(
    wanted.flatMap(({ tenantId, keys }) => keys.map((key) => [`${tenantId} ${key}`, { tenantId, key }] as const)),
  );
  const set = new Set((await readSetFlags(sql, [...unique.values()])).map(({ tenantId, key }) => `${tenantId} ${key}`));
  for (const { known, tenantId, keys } of wanted) {
    known.flags = new Map(keys.map((key) => [key, set.has(`${tenantId} ${key}`)]));
  }
  return reminders;
}

/** See `readFacts`: with all flags and people. */
export async function readFactsWithFlags(sql: Sql, ids: readonly number[]): Promise<Map<number, ReminderWithFacts>> {
  const facts = await readFacts(sql, ids);
  await addFlags(sql, [...facts.values()]);
  await addAudiences(sql, [...facts.values()]);
  return facts;
}

/** See `lockReminders`: with all flags. */
export async function lockRemindersWithFlags(
  sql: Sql,
  ids: readonly number[],
): Promise<Map<number, ReminderWithFacts>> {
  const facts = await lockReminders(sql, ids);
  await addFlags(sql, [...facts.values()]);
  return facts;
}
