-- What runs with the owner's rights does no more than the worker's work needs, whatever is asked of it: whoever has its login
-- alone can neither forget what is younger than a day nor make tables without end.
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
      if weeks > 60 or abs(extract(epoch from from_at - reminder_now())) > 60 * 604800 then
        raise exception 'partitions are made for the next 60 weeks at most' using errcode = 'invalid_parameter_value';
      end if;
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

create or replace function drop_partitions_before(cutoff timestamptz) returns integer
  language plpgsql
  as $$
    declare
      acting_for constant text := coalesce(current_setting('reminder.tenant', true), '');
      partition record;
      is_needed boolean;
      dropped   integer := 0;
    begin
      if cutoff > reminder_now() - interval '1 day' then
        raise exception 'what is younger than a day is kept' using errcode = 'invalid_parameter_value';
      end if;
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

-- The worker deletes lines of the audit by this alone. It acts for all tenants, as it does itself.
create function delete_audit_before(cutoff timestamptz, most integer) returns integer
  language plpgsql
  as $$
    declare
      deleted integer;
    begin
      if cutoff > reminder_now() - interval '1 day' then
        raise exception 'what is younger than a day is kept' using errcode = 'invalid_parameter_value';
      end if;
      delete from audit_log
       where id = any (array(select id from audit_log where at < cutoff order by at limit most));
      get diagnostics deleted = row_count;
      return deleted;
    end
  $$;

do $$
  declare
    signature text;
  begin
    foreach signature in array array['ensure_partitions(timestamptz, integer)', 'drop_partitions_before(timestamptz)',
                                     'delete_audit_before(timestamptz, integer)'] loop
      execute format('alter function %s security definer set search_path = %I, pg_temp', signature, current_schema());
      execute format('revoke execute on function %s from public', signature);
    end loop;
  end
$$;
