-- What somebody wants at most a day (0027) is no cap of the tenant's, and its window is a day: with the 65 minutes of an hour's, places that had been used
-- within the day were free after these. They stay as they are now; those that were promised are free by when one would be that is used just now.
create or replace function reminder_withdraw_promises() returns trigger
  language plpgsql
  as $$
    declare
      now_ms constant float8 := floor(extract(epoch from reminder_now()) * 1000);
    begin
      -- These before the deliveries, and in this order, as those do who give out places.
      perform from pace where tenant_id = new.name order by kind, key for update;
      update pace
         set promised_until = null,
             places = (select jsonb_agg(jsonb_build_array(free_at, count) order by free_at)
                         from (select case kind when 'tenant' then now_ms + 65000
                                                when 'recipient' then now_ms + 3900000
                                                else least((place ->> 0)::float8, now_ms + 93600000) end as free_at,
                                      sum((place ->> 1)::integer) as count
                                 from jsonb_array_elements(places) as place
                                group by 1) as kept)
       where tenant_id = new.name and promised_until is not null and jsonb_array_length(places) > 0;
      update deliveries
         set tenant_slot_at = null, recipient_slot_at = null,
             next_attempt_at = greatest(occurrence_at, least(next_attempt_at, reminder_now() + interval '4 seconds'))
       where tenant_id = new.name and status in ('pending', 'retrying')
         and (tenant_slot_at is not null or recipient_slot_at is not null);
      return null;
    end
  $$;
