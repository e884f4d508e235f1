-- A contact wants another number of messages a day. As when a tenant's cap is changed (0015_quotas.sql), what was promised by the
-- number of before is withdrawn, all of it counts as used just now, and what waits asks anew. Else who has set 1 by mistake would have
-- waited for weeks, and who wants fewer would have got as many as before.
create function contacts_budget_changed() returns trigger
  language plpgsql
  as $$
    declare
      now_ms constant float8 := floor(extract(epoch from reminder_now()) * 1000);
      person constant text := new.entity_type || '/' || new.entity_id;
    begin
      -- These before the deliveries, as those do who give out places. A day and what its places are longer for (src/core/pace.ts).
      update pace
         set promised_until = null,
             places = (select jsonb_build_array(jsonb_build_array(now_ms + 93600000, sum((place ->> 1)::integer)))
                         from jsonb_array_elements(places) as place)
       where tenant_id = new.tenant_id and kind = 'person' and key = person and jsonb_array_length(places) > 0;
      update deliveries d
         set tenant_slot_at = null, recipient_slot_at = null,
             next_attempt_at = greatest(d.occurrence_at, least(d.next_attempt_at, reminder_now()))
        from reminder_jobs r
       where d.tenant_id = new.tenant_id and d.status in ('pending', 'retrying') and d.digest_at is null
         and d.recipient_slot_at is not null and r.id = d.reminder_id
         and case when d.addressed is null then r.recipient is null and (r.entity_type, r.entity_id) = (new.entity_type, new.entity_id)
                  else coalesce(d.addressed ->> 'via', d.addressed ->> 'person') = person end;
      return null;
    end
  $$;

create trigger contacts_budget_changed after update of preferences on contacts for each row
  when (old.preferences -> 'max_per_day' is distinct from new.preferences -> 'max_per_day')
  execute function contacts_budget_changed();

-- The API's role may write neither places nor deliveries.
do $$
  begin
    execute format('alter function contacts_budget_changed() security definer set search_path = %I, pg_temp', current_schema());
    revoke execute on function contacts_budget_changed() from public;
  end
$$;
