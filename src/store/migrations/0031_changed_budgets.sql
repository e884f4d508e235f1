-- A contact may want another number of messages a day while some of them wait for a place: see src/core/pace.ts.

-- Which places were used, whatever the number was then; by which number those were promised that aren't used yet, and until when
-- messages wait for theirs.
alter table pace
  add column used       jsonb not null default '[]',
  add column per_day    double precision,
  add column held_until timestamptz(3);

-- What a message was promised under the budget of its person, and whose budget it waits for.
alter table deliveries
  add column person_slot_at timestamptz(3),
  add column held_for       text;

-- To promise anew what waits for one person, and to find those for whom something waits. What waits for nothing is in neither.
create index deliveries_held on deliveries (tenant_id, held_for) where held_for is not null and status in ('pending', 'retrying');
create index pace_held on pace (tenant_id, key) where held_until is not null;

-- What was promised before this: one instant stood for the person and the recipient. Used is, at most, what was promised until now:
-- a place is kept for a day and two hours.
update pace
   set held_until = promised_until,
       used = coalesce((select jsonb_agg(place)
                          from jsonb_array_elements(places) as place
                         where (place ->> 0)::float8 <= extract(epoch from reminder_now()) * 1000 + 93600000), '[]')
 where kind = 'person';
update deliveries d
   set person_slot_at = d.recipient_slot_at, recipient_slot_at = null, held_for = p.key
  from reminder_jobs r, pace p
 where d.recipient_slot_at is not null and d.status in ('pending', 'retrying') and r.id = d.reminder_id
   and p.tenant_id = d.tenant_id and p.kind = 'person' and p.promised_until >= d.recipient_slot_at
   and p.key = coalesce(d.addressed ->> 'via', d.addressed ->> 'person', r.entity_type || '/' || r.entity_id);
