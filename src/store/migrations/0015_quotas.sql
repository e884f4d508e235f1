-- Limits of a tenant: how many reminders it may have, and what waits when its caps change.

-- How many reminders of a tenant may be ACTIVE at once; null: as many as there are.
alter table tenants add column max_reminders integer check (max_reminders > 0);

-- How many are, at most: what ends isn't subtracted. It is counted anew when this comes to the quota. Rows are only there where
-- there are quotas.
create table reminder_counts (
  tenant_id text primary key,
  at_most   integer not null
) with (fillfactor = 50);

select reminder_isolate('reminder_counts');

-- What was ACTIVE already, or became so while nobody counted, is counted when it comes to the first one under the quota.
create function reminder_quota_begins() returns trigger
  language plpgsql
  as $$
    begin
      delete from reminder_counts where tenant_id = new.name;
      return null;
    end
  $$;

create trigger tenants_quota_begins after update of max_reminders on tenants for each row
  when (old.max_reminders is null and new.max_reminders is not null) execute function reminder_quota_begins();

-- Those of one tenant that has a quota are made ACTIVE in one transaction after the other. Locked before the first row is
-- written, so that nobody who has written one waits for this while somebody who has this waits for that row.
create function reminder_lock_quota(whose text) returns void
  language sql
  begin atomic
    select pg_advisory_xact_lock(hashtextextended('reminder quota of ' || whose, 0));
  end;

-- Takes places for `wanted` more, under the lock, or refuses. `unseen`: how many of these aren't in the table yet.
create function reminder_take_places(whose text, quota integer, wanted integer, unseen integer) returns void
  language plpgsql
  as $$
    declare
      active integer;
    begin
      update reminder_counts set at_most = at_most + wanted where tenant_id = whose and at_most + wanted <= quota;
      if found then
        return;
      end if;
      -- By the index of the keys that ACTIVE ones hold. No further than it takes to know.
      select count(*) + unseen
        into active
        from (select
                from reminder_jobs
               where tenant_id = whose and status = 'ACTIVE' and deleted_at is null
               limit quota + wanted) as counted;
      if active > quota then
        raise exception 'tenant % may have % ACTIVE reminders at once, and has as many', whose, quota
          using errcode = 'check_violation', table = 'reminder_jobs', constraint = 'reminder_jobs_quota',
                detail = format('%s of %s are left', greatest(0, quota - (active - wanted)), quota),
                hint = 'Complete, pause or delete some, or raise it: reminder-engine tenants set ' || whose || ' --max-reminders N';
      end if;
      insert into reminder_counts (tenant_id, at_most)
      values (whose, active)
      on conflict (tenant_id) do update set at_most = excluded.at_most;
    end
  $$;

-- As before; and for reminders it says whether those of the statement are counted, since it looks the tenant up anyway. Who
-- has no quota pays for nothing else.
create or replace function reminder_tenant_must_exist() returns trigger
  language plpgsql
  as $$
    declare
      wanted text;
      quota  integer;
    begin
      if tg_level = 'ROW' then
        -- Who doesn't act for all is refused by the policy, and need not learn whether there is such a tenant.
        if row_security_active(tg_relid) and not reminder_sees_all() then
          return new;
        end if;
        wanted := new.tenant_id;
      else
        wanted := reminder_tenant();
      end if;
      if wanted is not null then
        select max_reminders into quota from tenants where name = wanted;
        if not found then
          raise exception 'there is no tenant %', wanted
            using errcode = 'foreign_key_violation', hint = 'Create it: reminder-engine tenants create NAME';
        end if;
      end if;
      if tg_level = 'STATEMENT' and tg_table_name = 'reminder_jobs' then
        if quota is not null then
          perform reminder_lock_quota(wanted);
          perform set_config('reminder.counted', '0', true);
        end if;
        if coalesce(current_setting('reminder.quota', true), '') <> coalesce(quota::text, '') then
          perform set_config('reminder.quota', coalesce(quota::text, ''), true);
        end if;
      end if;
      return new;
    end
  $$;

-- Counts the rows that a statement really inserts: those that are there already take no place.
create function reminder_jobs_count() returns trigger
  language plpgsql
  as $$
    begin
      if new.tenant_id = reminder_tenant() then
        perform set_config('reminder.counted', (current_setting('reminder.counted')::integer + 1)::text, true);
      end if;
      return null;
    end
  $$;

create trigger reminder_jobs_count after insert on reminder_jobs for each row
  when (current_setting('reminder.quota', true) <> '' and new.status = 'ACTIVE' and new.deleted_at is null)
  execute function reminder_jobs_count();

create function reminder_jobs_take_places() returns trigger
  language plpgsql
  as $$
    declare
      counted constant integer := current_setting('reminder.counted');
    begin
      if counted > 0 then
        perform reminder_take_places(reminder_tenant(), current_setting('reminder.quota')::integer, counted, 0);
      end if;
      return null;
    end
  $$;

create trigger reminder_jobs_take_places after insert on reminder_jobs for each statement
  when (current_setting('reminder.quota', true) <> '') execute function reminder_jobs_take_places();

-- One row at a time: what becomes ACTIVE again, or another tenant's, and what is inserted for another tenant than the statement's.
create function reminder_jobs_take_place() returns trigger
  language plpgsql
  as $$
    declare
      quota integer;
    begin
      select max_reminders into quota from tenants where name = new.tenant_id;
      if quota is not null then
        perform reminder_lock_quota(new.tenant_id);
        perform reminder_take_places(new.tenant_id, quota, 1, 1);
      end if;
      return new;
    end
  $$;

create trigger reminder_jobs_place_of_other before insert on reminder_jobs for each row
  when (new.tenant_id is distinct from reminder_tenant() and new.status = 'ACTIVE' and new.deleted_at is null)
  execute function reminder_jobs_take_place();
create trigger reminder_jobs_place_again before update of status, deleted_at, tenant_id on reminder_jobs for each row
  when (new.status = 'ACTIVE' and new.deleted_at is null
        and (old.status <> 'ACTIVE' or old.deleted_at is not null or old.tenant_id <> new.tenant_id))
  execute function reminder_jobs_take_place();

-- What waits because of a cap was promised its place under the cap as it was. When that changes, all of the tenant's promises are
-- withdrawn, and what waits asks anew once every worker knows of the change. Which places were used and which were promised is
-- not kept apart (src/core/pace.ts), so all count as used just now: what is new in a higher cap is free at once, and no more.
create function reminder_withdraw_promises() returns trigger
  language plpgsql
  as $$
    declare
      now_ms constant float8 := floor(extract(epoch from reminder_now()) * 1000);
    begin
      -- These before the deliveries, and in this order, as those do who give out places.
      perform from pace where tenant_id = new.name order by kind, key for update;
      update pace
         set promised_until = null,
             places = (select jsonb_build_array(jsonb_build_array(
                                now_ms + case kind when 'tenant' then 65000 else 3900000 end, sum((place ->> 1)::integer)))
                         from jsonb_array_elements(places) as place)
       where tenant_id = new.name and promised_until is not null and jsonb_array_length(places) > 0;
      update deliveries
         set tenant_slot_at = null, recipient_slot_at = null,
             next_attempt_at = greatest(occurrence_at, least(next_attempt_at, reminder_now() + interval '4 seconds'))
       where tenant_id = new.name and status in ('pending', 'retrying')
         and (tenant_slot_at is not null or recipient_slot_at is not null);
      return null;
    end
  $$;

create trigger tenants_caps after update of sends_per_minute, sends_per_recipient_per_hour on tenants for each row
  when ((old.sends_per_minute, old.sends_per_recipient_per_hour)
        is distinct from (new.sends_per_minute, new.sends_per_recipient_per_hour))
  execute function reminder_withdraw_promises();
