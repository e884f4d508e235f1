-- The customers of this installation. Nothing can be written for one that isn't here.
create table tenants (
  name       text primary key check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  created_at reminder_instant not null default reminder_now()
);

insert into tenants (name)
select 'default'
 union
select tenant_id from reminder_jobs where tenant_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'
 union
select tenant_id from status_flags where tenant_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'
 union
select tenant_id from contacts where tenant_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$';

-- For whom a statement acts: whom `set reminder.tenant = 'acme'` names. A person who names nobody acts for `default`; the
-- engine's own roles, which must always say it, act for nobody. Null: for nobody, or ('*') for all.
create function reminder_tenant() returns text
  language sql stable parallel safe
  return case coalesce(current_setting('reminder.tenant', true), '')
           when '*' then null
           when '' then case when current_user in ('reminder_api', 'reminder_worker') then null else 'default' end
           else current_setting('reminder.tenant', true)
         end;

-- '*' is for the worker and for who owns the tables. The API's role is neither, and no member of what is.
create function reminder_may_see_all() returns boolean
  language sql stable parallel safe
  begin atomic
    select pg_has_role(current_user, relowner, 'usage')
           or coalesce(pg_has_role(current_user, to_regrole('reminder_worker'), 'usage'), false)
      from pg_class
     where oid = 'reminder_jobs'::regclass;
  end;

create function reminder_sees_all() returns boolean
  language sql stable parallel safe
  return coalesce(current_setting('reminder.tenant', true), '') = '*'
         and (current_user = 'reminder_worker' or reminder_may_see_all());

-- Shows and takes only rows of the tenant for whom a statement acts, whoever runs it: its owner too. For every table that
-- has a `tenant_id`. Both halves of the condition are asked once a statement, not once a row.
create function reminder_isolate(target regclass) returns void
  language plpgsql
  as $$
    begin
      execute format('alter table %s enable row level security', target);
      execute format('alter table %s force row level security', target);
      execute format('drop policy if exists tenant on %s', target);
      execute format('create policy tenant on %s '
        'using (tenant_id = (select reminder_tenant()) or (select reminder_sees_all()))', target);
    end
  $$;

select reminder_isolate(pg_class.oid)
  from pg_class
  join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id'
 where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p');

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenant on tenants using (name = (select reminder_tenant()) or (select reminder_sees_all()));

-- Plain SQL need not name the tenant in the row.
alter table reminder_jobs alter column tenant_id set default reminder_tenant();
alter table status_flags alter column tenant_id set default reminder_tenant();
alter table contacts alter column tenant_id set default reminder_tenant();

-- A tenant that isn't there is refused: once a statement, and for rows of another tenant than the statement's once a row. A
-- foreign key would ask for each row, and everybody who writes would lock the same row of `tenants`.
create function reminder_tenant_must_exist() returns trigger
  language plpgsql
  as $$
    declare
      wanted text;
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
      if wanted is not null and not exists (select from tenants where name = wanted) then
        raise exception 'there is no tenant %', wanted
          using errcode = 'foreign_key_violation', hint = 'Create it: reminder-engine tenants create NAME';
      end if;
      return new;
    end
  $$;

create trigger reminder_jobs_tenant before insert on reminder_jobs for each statement
  execute function reminder_tenant_must_exist();
create trigger reminder_jobs_other_tenant before insert or update of tenant_id on reminder_jobs for each row
  when (new.tenant_id is distinct from reminder_tenant()) execute function reminder_tenant_must_exist();
create trigger status_flags_tenant before insert on status_flags for each statement
  execute function reminder_tenant_must_exist();
create trigger status_flags_other_tenant before insert or update of tenant_id on status_flags for each row
  when (new.tenant_id is distinct from reminder_tenant()) execute function reminder_tenant_must_exist();
create trigger contacts_tenant before insert on contacts for each statement
  execute function reminder_tenant_must_exist();
create trigger contacts_other_tenant before insert or update of tenant_id on contacts for each row
  when (new.tenant_id is distinct from reminder_tenant()) execute function reminder_tenant_must_exist();

-- A page of one tenant's reminders, newest first, however many others have made since. Who has no tenants has no such index
-- to keep up; `default` walks down the ids.
create index reminder_jobs_of_tenant on reminder_jobs (tenant_id, id) where tenant_id <> 'default';

-- Partitions are made and dropped by the owner of the tables, at the worker's request: it can do nothing else to a table.
create or replace function ensure_partitions(from_at timestamptz, weeks integer) returns integer
  language plpgsql
  as $$
    declare
      first_week constant timestamp := date_trunc('week', from_at at time zone 'UTC');
      parent  text;
      week    timestamp;
      name    text;
      created integer := 0;
    begin
      foreach parent in array array['deliveries', 'reminder_events'] loop
        for n in 0 .. weeks - 1 loop
          week := first_week + n * interval '7 days';
          name := format('%s_w%s', parent, to_char(week, 'YYYYMMDD'));
          continue when to_regclass(name) is not null;
          begin
            execute format('create table %I partition of %I for values from (%L) to (%L)%s', name, parent,
              week at time zone 'UTC', (week + interval '7 days') at time zone 'UTC',
              case when parent = 'deliveries' then ' with (fillfactor = 80)' else '' end);
            perform reminder_isolate(name::regclass);
            created := created + 1;
          exception when check_violation or duplicate_table or invalid_object_definition then
            null;
          end;
        end loop;
      end loop;
      return created;
    end
  $$;

-- As before, and whatever is asked of a partition is asked for all tenants: what another tenant still needs must be seen.
create or replace function drop_partitions_before(cutoff timestamptz) returns integer
  language plpgsql
  as $$
    declare
      acting_for constant text := coalesce(current_setting('reminder.tenant', true), '');
      partition record;
      is_needed boolean;
      dropped   integer := 0;
    begin
      perform set_config('reminder.tenant', '*', true);
      for partition in
        select child.oid::regclass as name, parent.relname as parent
          from pg_inherits
          join pg_class child on child.oid = inhrelid
          join pg_class parent on parent.oid = inhparent
         where inhparent in ('deliveries'::regclass, 'reminder_events'::regclass)
           and child.relname ~ '_w[0-9]{8}$'
           and to_date(right(child.relname, 8), 'YYYYMMDD') + 7 <= (cutoff at time zone 'UTC')::date
         order by child.relname
      loop
        -- Locked before it is looked at: a row that is just being written would be dropped unseen. The parent comes first,
        -- as it does for whoever writes.
        execute format('lock table only %I in access exclusive mode', partition.parent);
        execute format('lock table %s in access exclusive mode', partition.name);
        is_needed := false;
        if partition.parent = 'deliveries' then
          execute format('select exists (select from %s where finished_at is null or finished_at >= $1)', partition.name)
            into is_needed using cutoff;
        end if;
        if not is_needed then
          execute format('drop table %s', partition.name);
          dropped := dropped + 1;
        end if;
      end loop;
      delete from deliveries_default
       where ctid = any (array(select ctid from deliveries_default
                                where occurrence_at < cutoff and finished_at < cutoff
                                limit 10000));
      delete from reminder_events_default
       where ctid = any (array(select ctid from reminder_events_default where at < cutoff limit 10000));
      perform set_config('reminder.tenant', acting_for, true);
      return dropped;
    end
  $$;

-- Whoever calls them can't slip them tables of another schema.
do $$
  begin
    execute format('alter function ensure_partitions(timestamptz, integer) security definer set search_path = %I, pg_temp',
      current_schema());
    execute format('alter function drop_partitions_before(timestamptz) security definer set search_path = %I, pg_temp',
      current_schema());
  end
$$;

revoke execute on function ensure_partitions(timestamptz, integer), drop_partitions_before(timestamptz),
  reminder_isolate(regclass) from public;
