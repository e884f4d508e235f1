import { type Audience, contactsNamed } from "../core/audience.ts";
import type { ContactName } from "../core/entity-name.ts";
import type { Instant } from "../core/instant.ts";
import { nameOf } from "../core/people.ts";
import { namesOfDone } from "../core/people-done.ts";
import type { Person } from "../core/person.ts";
import { readPolicy } from "../core/policy.ts";
import type { Reminder } from "../core/reminder.ts";
import { RuleError } from "../core/schedule/rule-error.ts";
import { toContact } from "./contacts.ts";
import { type Row, type Sql, toTimestamptz } from "./postgres.ts";

/** A reminder whose people are to be read. */
export interface Audienced {
  reminder: Pick<Reminder, "id" | "tenantId" | "entityType" | "entityId" | "people" | "bounds">;
  lastOccurrenceAt: Instant | null;
}

const POLICIES = `
  select p.tenant_id, p.name, reminder_policy_text(p) as text
    from unnest($1::text[], $2::text[]) as u(tenant_id, name)
    join policies p on p.tenant_id = u.tenant_id and p.name = u.name`;

// What was taken back before anybody got it wasn't given; see docs/decisions/0038. One that failed for good was, and so was one that
// was tried. Of what is just being sent nobody knows yet, unless somebody got it; see 0047. What waits leaves no sooner than it was promised, though
// it asks for its next place ahead of that.
const NOT_GIVEN = `
  select u.id, exists (select from deliveries d
                        where d.reminder_id = any (array[u.id]) and d.occurrence_at = u.occurrence_at and d.status = 'sending') as is_leaving,
         (select min(greatest(d.next_attempt_at, d.tenant_slot_at, d.recipient_slot_at, d.person_slot_at)) from deliveries d
           where d.reminder_id = any (array[u.id]) and d.occurrence_at = u.occurrence_at and d.status in ('pending', 'retrying')) as waits_until
    from unnest($1::bigint[], $2::timestamptz[], $3::boolean[]) as u(id, occurrence_at, sends_all)
   where not exists (
           select from deliveries d
            where d.reminder_id = any (array[u.id]) and d.occurrence_at = u.occurrence_at
              and (d.status in ('sent', 'failed', 'unknown') or (d.status = 'retrying' and d.attempts > 0)
                   or (u.sends_all and d.status in ('pending', 'retrying', 'sending'))))`;

const DONE = "select reminder_id, person from reminder_done where reminder_id = any($1::bigint[])";

// Their managers, and whoever stands for any of them; so far and no further, whatever circles there are.
const CONTACTS = `
  with recursive named as (
    select u.tenant_id, u.entity_type, u.entity_id, 0 as depth
      from unnest($1::text[], $2::text[], $3::text[]) as u(tenant_id, entity_type, entity_id)
    union
    select named.tenant_id, other.entity_type, other.entity_id, named.depth + 1
      from named
      join contacts c on c.tenant_id = any (array[named.tenant_id]) and (c.entity_type, c.entity_id) = (named.entity_type, named.entity_id)
     cross join lateral (values (case when named.depth = 0 then c.manager_type end, c.manager_id),
                                (case when c.delegate_until > reminder_now() then c.delegate_type end, c.delegate_id))
             as other(entity_type, entity_id)
     where other.entity_type is not null and named.depth < 7
  )
  select c.*
    from (select distinct tenant_id, entity_type, entity_id from named) n
    join contacts c on c.tenant_id = any (array[n.tenant_id]) and (c.entity_type, c.entity_id) = (n.entity_type, n.entity_id)`;

/** Policies as `readPolicy` reads them, by tenant and name. */
export async function readPolicies(
  sql: Sql,
  wanted: readonly { tenantId: string; name: string }[],
): Promise<Map<string, string>> {
  if (wanted.length === 0) return new Map();
  const rows = await sql.query<{ tenant_id: string; name: string; text: string }>(POLICIES, [
    wanted.map(({ tenantId }) => tenantId),
    wanted.map(({ name }) => name),
  ]);
  return new Map(rows.map((row) => [keyOf(row.tenant_id, row.name), row.text]));
}

function keyOf(tenantId: string, name: string): string {
  return `${tenantId} ${name}`;
}

/**
 * The people of these reminders, by the reminder's id: four statements for all of them, however many they are. Run only where
 * there are such reminders.
 */
export async function readAudiences(sql: Sql, reminders: readonly Audienced[]): Promise<Map<number, Audience>> {
  if (reminders.length === 0) return new Map();
  const ids = reminders.map(({ reminder }) => reminder.id);
  const named = reminders.flatMap(({ reminder: { tenantId, people } }) =>
    people.policy === null ? [] : [{ tenantId, name: people.policy }],
  );
  const unique = new Map(named.map((one) => [keyOf(one.tenantId, one.name), one]));
  const fired = reminders.filter(
    ({ lastOccurrenceAt, reminder }) => lastOccurrenceAt !== null && reminder.people.policy !== null,
  );
  const [texts, notGiven, done] = await Promise.all([
    readPolicies(sql, [...unique.values()]),
    fired.length === 0
      ? []
      : sql.query<{ id: number; is_leaving: boolean; waits_until: Instant | null }>(NOT_GIVEN, [
          fired.map(({ reminder }) => reminder.id),
          fired.map(({ lastOccurrenceAt }) => toTimestamptz(lastOccurrenceAt as Instant)),
          fired.map(({ reminder }) => reminder.bounds.misfirePolicy === "all"),
        ]),
    sql.query<{ reminder_id: number; person: string }>(DONE, [ids]),
  ]);

  const policies = new Map(reminders.map(({ reminder }) => [reminder.id, policyOf(reminder, texts)] as const));
  const wanted = reminders.flatMap((one) => {
    const { id, tenantId, entityType, entityId } = one.reminder;
    const others = contactsNamed(one.reminder.people, policies.get(id)?.policy ?? null);
    return [{ entityType, entityId }, ...others].map((contact) => ({ tenantId, ...contact }));
  });
  const contacts = await readContacts(sql, wanted);
  const given = new Map(notGiven.map(({ id, is_leaving: isLeaving }) => [id, isLeaving ? null : false]));
  const waits = new Map(notGiven.map(({ id, waits_until: until }) => [id, until]));
  const marks = new Map<number, string[]>();
  for (const { reminder_id: id, person } of done) {
    const former = marks.get(id);
    if (former) former.push(person);
    else marks.set(id, [person]);
  }
  return new Map(
    reminders.map(({ reminder: { id, tenantId, people } }) => [
      id,
      {
        ...(policies.get(id) ?? NO_POLICY),
        wasGiven: given.has(id) ? (given.get(id) ?? null) : true,
        waitsUntil: waits.get(id) ?? null,
        contacts: contacts.get(tenantId) ?? new Map(),
        done: namesOfDone(people, marks.get(id) ?? []),
      },
    ]),
  );
}

type Read = Pick<Audience, "policy" | "flaw">;
const NO_POLICY: Read = { policy: null, flaw: null };

function policyOf({ tenantId, people }: Audienced["reminder"], texts: ReadonlyMap<string, string>): Read {
  const text = people.policy === null ? undefined : texts.get(keyOf(tenantId, people.policy));
  if (text === undefined) return NO_POLICY;
  try {
    return { policy: readPolicy(text), flaw: null };
  } catch (error) {
    if (error instanceof RuleError) return { policy: null, flaw: error.message };
    throw error;
  }
}

/** These contacts, their managers and delegates, by tenant and by `nameOf`. */
async function readContacts(
  sql: Sql,
  wanted: readonly (ContactName & { tenantId: string })[],
): Promise<Map<string, Map<string, Person>>> {
  const unique = [...new Map(wanted.map((one) => [`${one.tenantId}\n${nameOf(one)}`, one])).values()];
  const rows: Row[] = await sql.query(CONTACTS, [
    unique.map(({ tenantId }) => tenantId),
    unique.map(({ entityType }) => entityType),
    unique.map(({ entityId }) => entityId),
  ]);
  const byTenant = new Map<string, Map<string, Person>>();
  for (const row of rows) {
    const contact = toContact(row);
    const ofTenant = byTenant.get(contact.tenantId) ?? new Map<string, Person>();
    byTenant.set(contact.tenantId, ofTenant.set(nameOf(contact), contact));
  }
  return byTenant;
}
