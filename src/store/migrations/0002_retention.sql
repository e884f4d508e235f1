-- Drops the weeks of the ledger and the timeline that lie wholly before `cutoff`, and returns how many tables went. A week
-- is kept while something in it still waits to be sent, or ended after `cutoff`: what was due long ago may have been sent
-- just now, when no worker ran for months. What lies in the default partitions goes row by row, a bounded number at a time.
create function drop_partitions_before(cutoff timestamptz) returns integer
  language plpgsql
  as $$
    declare
      partition record;
      is_needed boolean;
      dropped   integer := 0;
    begin
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
      return dropped;
    end
  $$;

-- Reminders that have fired for the last time: each waits for its delivery to end, and few do at once.
create index reminder_jobs_ending on reminder_jobs (id)
  where status = 'ACTIVE' and deleted_at is null and next_run_at is null;
