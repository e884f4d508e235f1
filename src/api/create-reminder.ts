import type { ReminderRecord } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { Batcher } from "../store/batcher.ts";
import type { NewReminder } from "../store/new-reminder-rows.ts";
import { insertInParts, insertReminders } from "../store/new-reminders.ts";
import { isContended, isDatabaseAway, isStalePlan } from "../store/postgres.ts";
import { QuotaReached } from "../store/quota.ts";
import { keyOf } from "../store/reminder-key.ts";
import { findActive, isWithoutCalendar, isWithoutPolicy } from "../store/reminders.ts";
import type { TenantDatabase } from "../store/tenant-database.ts";
import { FullTenants } from "./full-tenants.ts";
import { invalidField, overQuota, Problem } from "./problem.ts";

/** A reminder that was asked for; not new where an ACTIVE one had its key already. */
export interface Created {
  reminder: ReminderRecord;
  isNew: boolean;
}

/** What became of a wish: there is a reminder, or no room for one. */
export type Outcome = Created | Problem;

/** Each try but the last found a key taken, and then free again: somebody creates and completes it all the time. */
const MOST_TRIES = 20;
/** How long a creation waits for another transaction that is about to take or free its key. */
const LOCK_TIMEOUT_MS = 5_000;
/** The same when creations of others would have to wait with it. */
const SHARED_LOCK_TIMEOUT_MS = 50;
const PATIENT = { lockTimeoutMs: LOCK_TIMEOUT_MS };
const MAX_BATCH = 100;
/** While the database commits one batch, it and we work at the next. More than two were no faster. */
const MAX_CALLS = 2;

/**
 * Creates reminders, or finds the ACTIVE ones that have their keys already, however many ask for them at once. In order.
 * All new ones are written in one transaction, but for those whose keys others free at that very moment. Of those for which
 * the tenant's quota has no room, each is refused by itself.
 */
export async function createReminders(
  database: TenantDatabase,
  wanted: readonly NewReminder[],
  full: FullTenants,
): Promise<Outcome[]> {
  return naming(() => createOrFind(database, wanted, full));
}

/** A reminder that is wanted, and its place among all that are. */
export interface Placed {
  place: number;
  reminder: NewReminder;
}

/**
 * The same of what is still being made, in parts as by `inParts`: each is made while the database stores the one before. By
 * their places, in whose order they get what room there is. All of them have been made when it ends, unless it throws.
 * For `whenStored` see `insertInParts`.
 */
export async function createInParts(
  database: TenantDatabase,
  parts: Iterable<readonly Placed[]>,
  full: FullTenants,
  whenStored: (reminders: ReminderRecord[]) => void,
): Promise<Map<number, Outcome>> {
  const wanted: Placed[] = [];
  const keys = new Set<string>();
  const isFirst = (reminder: NewReminder): boolean => keys.size < keys.add(keyOf(reminder)).size;
  const made = parts[Symbol.iterator]();
  const noted = function* () {
    for (let part = made.next(); !part.done; part = made.next()) {
      wanted.push(...part.value);
      yield part.value.map(({ reminder }) => reminder).filter(isFirst);
    }
  };
  const isFull = full.refusal(database.tenant) !== null;
  const inserted = isFull ? [] : await naming(() => insertAsMade(database, noted(), whenStored));
  for (const _ of noted());

  const created = new Map(inserted.map((reminder) => [keyOf(reminder), reminder]));
  const outcomes = new Map<number, Outcome>();
  const others: Placed[] = [];
  const given = new Set<ReminderRecord>();
  for (const one of wanted) {
    const reminder = created.get(keyOf(one.reminder));
    // Of several with the same key, the others find what the first made, whatever has become of it meanwhile.
    if (!reminder) {
      others.push(one);
      continue;
    }
    outcomes.set(one.place, { reminder, isNew: !given.has(reminder) });
    given.add(reminder);
  }
  if (others.length === 0) return outcomes;
  others.sort((one, other) => one.place - other.place);
  const rest = await createReminders(
    database,
    others.map(({ reminder }) => reminder),
    full,
  );
  for (const [at, { place }] of others.entries()) outcomes.set(place, rest[at] as Outcome);
  return outcomes;
}

/** Nothing where they would be more than the tenant may have: which of them may be is found out when all are made. */
async function insertAsMade(
  database: TenantDatabase,
  parts: Iterable<NewReminder[]>,
  whenStored: (reminders: ReminderRecord[]) => void,
): Promise<ReminderRecord[]> {
  try {
    // Within somebody's transaction, what the connection has forgotten couldn't be asked by another.
    const plansOnce = !database.isOneTransaction;
    return await insertInParts(database, parts, { lockTimeoutMs: LOCK_TIMEOUT_MS, plansOnce }, whenStored);
  } catch (error) {
    // A statement that the connection has forgotten is asked again by another.
    if (error instanceof QuotaReached || isStalePlan(error)) return [];
    throw error;
  }
}

/** Has an error say which field of a request is to blame. */
async function naming<T>(create: () => Promise<T>): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (isWithoutPolicy(error)) throw invalidField("policy", "must be the name of a policy: it was just deleted");
    if (!isWithoutCalendar(error)) throw error;
    throw invalidField("calendar", "must be the name of a calendar: it was just deleted");
  }
}

async function createOrFind(
  database: TenantDatabase,
  wanted: readonly NewReminder[],
  full: FullTenants,
): Promise<Outcome[]> {
  const created = await tryToCreate(database, wanted, full, PATIENT);
  for (let tries = 1; tries < MOST_TRIES; tries += 1) {
    const missing = [...created.keys()].filter((index) => !created[index]);
    if (missing.length === 0) return created as Outcome[];
    const more = await tryToCreate(
      database,
      missing.map((index) => wanted[index] as NewReminder),
      full,
      PATIENT,
    );
    for (const [at, index] of missing.entries()) created[index] = more[at] ?? null;
  }
  throw new Problem(503, "the reminder is being created and ended over and over by others; try again", {
    headers: { "retry-after": "1" },
  });
}

/**
 * The same for callers that come with one each. Those of one tenant who come while others of it are being served are served
 * together, next: one statement and one commit for all. Nobody suffers from the company: what can't be created like that,
 * because of any one of them, each of them asks for alone.
 */
export function createTogether(): (database: TenantDatabase, wanted: NewReminder) => Promise<Created> {
  // Of those tenants for whom something is being created.
  const batchers = new Map<Tenant, Batcher<NewReminder, Outcome | null>>();
  const full = new FullTenants();
  const alone = async (database: TenantDatabase, wanted: NewReminder): Promise<Outcome> =>
    (await createReminders(database, [wanted], full))[0] as Outcome;
  return async (database, wanted) => {
    if (database.isOneTransaction) return orThrow(await alone(database, wanted));
    const batcher = batchers.get(database.tenant) ?? batcherOf(database, full);
    batchers.set(database.tenant, batcher);
    try {
      return orThrow((await batcher.add(wanted)) ?? (await alone(database, wanted)));
    } finally {
      if (batcher.isIdle && batchers.get(database.tenant) === batcher) batchers.delete(database.tenant);
    }
  };
}

function orThrow(outcome: Outcome): Created {
  if (outcome instanceof Problem) throw outcome;
  return outcome;
}

function batcherOf(database: TenantDatabase, full: FullTenants): Batcher<NewReminder, Outcome | null> {
  return new Batcher(
    async (wanted) => {
      try {
        return await tryToCreate(database, wanted, full, { lockTimeoutMs: SHARED_LOCK_TIMEOUT_MS, plansOnce: true });
      } catch (error) {
        if (isDatabaseAway(error) && !isContended(error) && !isStalePlan(error)) throw error;
        return wanted.map(() => null);
      }
    },
    MAX_BATCH,
    MAX_CALLS,
  );
}

/** In order; null where a key was taken at first, and then free again. */
async function tryToCreate(
  database: TenantDatabase,
  wanted: readonly NewReminder[],
  full: FullTenants,
  patience: Parameters<typeof insertReminders>[2],
): Promise<(Outcome | null)[]> {
  const keys = wanted.map(keyOf);
  // Of several with the same key, the first is created, and the others find it.
  const open = new Map(keys.map((key, index) => [key, wanted[index] as NewReminder] as const).reverse());
  const found = new Map<string, Outcome>();
  const note = (reminders: ReminderRecord[], isNew: boolean): void => {
    for (const reminder of reminders) {
      const key = keyOf(reminder);
      found.set(key, { reminder, isNew });
      open.delete(key);
    }
  };
  const refuse = (keys: readonly string[], because: string): void => {
    for (const key of keys) {
      found.set(key, overQuota(because));
      open.delete(key);
    }
  };
  const inOrder = (): string[] => [...new Set(keys)].filter((key) => open.has(key));
  let refusal = full.refusal(database.tenant);
  while (open.size > 0) {
    if (refusal) {
      // What is there already takes no place; of the others, the first get what places there are.
      note(await findActive(database, [...open.values()]), false);
      refuse(inOrder().slice(refusal.left), refusal.because);
      if (open.size === 0) break;
    }
    try {
      note(await insertReminders(database, [...open.values()], patience), true);
      break;
    } catch (error) {
      if (!(error instanceof QuotaReached)) throw error;
      refusal = { left: error.left, because: error.message };
      full.note(database.tenant, error);
    }
  }
  if (open.size > 0) note(await findActive(database, [...open.values()]), false);
  return keys.map((key) => {
    const created = found.get(key) ?? null;
    if (created && "isNew" in created && created.isNew) found.set(key, { ...created, isNew: false });
    return created;
  });
}
