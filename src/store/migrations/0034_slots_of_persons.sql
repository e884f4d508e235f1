-- What a message was promised by what its person wants a day, apart from what it was promised at its address: one instant for both took a place of
-- that address's hour for days ahead, and others waited there for as long.
alter table deliveries add column person_slot_at timestamptz(3);

-- For the tenant's own caps alone: what its people want a day (0027) is none of them, and what was promised there stands. What waits for a place of its
-- tenant or its recipient has room under its person's as well, since it asked, and so may use that as soon; unless its day is still to come, and it has
-- asked ahead for the others: then the day's is before these.
create or replace function reminder_withdraw_promises() returns trigger
  language plpgsql
  as $$
    declare
      now_ms constant float8 := floor(extract(epoch from reminder_now()) * 1000);
      soon constant timestamptz := reminder_now() + interval '4 seconds';
    begin
      -- These before the deliveries, and in this order, as those do who give out places.
      perform from pace where tenant_id = new.name order by kind, key for update;
      update pace
         set promised_until = null,
             places = (select jsonb_build_array(jsonb_build_array(
                                now_ms + case kind when 'tenant' then 65000 else 3900000 end, sum((place ->> 1)::integer)))
                         from jsonb_array_elements(places) as place)
       where tenant_id = new.name and kind <> 'person' and promised_until is not null and jsonb_array_length(places) > 0;
      -- A worker of before keeps what it promises for a person with the recipient's, one instant for both. The two halves of the condition are those
      -- of the indexes of what waits, with which the whole ledger isn't read.
      update deliveries
         set (person_slot_at, next_attempt_at) = (
               select day_at, greatest(occurrence_at, least(next_attempt_at, greatest(soon, day_at)))
                 from (select case when person_slot_at < greatest(tenant_slot_at, recipient_slot_at) then person_slot_at
                                   when person_slot_at is not null then least(person_slot_at, soon)
                                   when tenant_slot_at is null and reason like '%messages a day' then recipient_slot_at
                              end as day_at) as promised),
             tenant_slot_at = null, recipient_slot_at = null
       where tenant_id = new.name and status in ('pending', 'retrying')
         and ((status in ('pending', 'retrying') and digest_at is null)
              or (status in ('pending', 'sending', 'retrying') and digest_at is not null))
         and (tenant_slot_at is not null or recipient_slot_at is not null);
      return null;
    end
  $$;
