-- Schedules that go by a rule (cron, rrule), a list (offsets) or growing waits (backoff), and what narrows any schedule.
alter table reminder_jobs
  add column cron                 text check (length(cron) between 1 and 200),
  -- DTSTART, RRULE, RDATE and EXDATE of RFC 5545, or the VEVENT or VTODO that has them.
  add column rrule                text check (length(rrule) between 1 and 20000),
  -- Durations of ISO 8601 around anchor_at.
  add column offsets              text[] check (cardinality(offsets) between 1 and 100),
  add column interval_factor      double precision check (interval_factor between 1.1 and 10),
  add column max_interval_minutes integer check (max_interval_minutes between 1 and 5270400),
  add column start_at             reminder_instant,
  add column end_at               reminder_instant,
  add column max_occurrences      integer check (max_occurrences >= 1),
  add column jitter_seconds       integer check (jitter_seconds between 0 and 86400),
  add column misfire_policy       text check (misfire_policy in ('catch_up_once', 'skip', 'all')),
  -- What the clocks on the wall of its time zone show at next_run_at, for schedules that go by them.
  add column next_wall_at         timestamp(3),
  -- The version of the time zone database by which next_run_at was worked out from that; '' is none: a worker has to.
  add column zone_rules           text not null default '',
  drop constraint reminder_jobs_schedule_type_check,
  add constraint reminder_jobs_schedule_type_check
    check (schedule_type in ('one_time', 'recurring', 'cron', 'rrule', 'offsets', 'backoff')),
  add constraint schedule_is_whole
    check (case schedule_type when 'cron' then cron is not null
                              when 'rrule' then rrule is not null
                              when 'offsets' then offsets is not null and anchor_at is not null
                              when 'backoff' then interval_minutes is not null
                              else true end);

-- What a worker has to work out: created by plain SQL, or by older rules of its zone.
create index reminder_jobs_by_wall_clock on reminder_jobs (zone_rules, id)
  where status = 'ACTIVE' and deleted_at is null and schedule_type in ('cron', 'rrule', 'offsets');

-- Plain SQL inserts need not know the bucket or the first due instant. Where that takes more than arithmetic, a worker works
-- it out, within the blink of an eye.
create or replace function reminder_jobs_fill() returns trigger
  language plpgsql
  as $$
    declare
      comes_again constant boolean := new.schedule_type in ('recurring', 'backoff');
    begin
      new.bucket := reminder_bucket(new.tenant_id, new.entity_type, new.entity_id, new.event_type);
      if tg_op = 'INSERT' and new.status = 'ACTIVE' and new.next_run_at is null then
        if new.schedule_type = 'backoff' then
          new.anchor_at := coalesce(new.anchor_at, new.run_at, new.start_at, reminder_now());
        end if;
        if comes_again or new.schedule_type = 'one_time' then
          new.next_run_at := coalesce(new.run_at, new.start_at,
            reminder_now() + coalesce(new.interval_minutes, 0) * interval '1 minute' * comes_again::int);
        else
          new.next_run_at := new.run_at;
        end if;
      end if;
      if comes_again and new.anchor_at is null then
        new.anchor_at := new.next_run_at;
      end if;
      return new;
    end
  $$;

-- A rule that is changed by hand is worked out anew, and so is one that is inserted by hand.
create function reminder_jobs_forget_plan() returns trigger
  language plpgsql
  as $$
    begin
      new.zone_rules := '';
      new.next_wall_at := null;
      return new;
    end
  $$;

create trigger reminder_jobs_forget_plan
  before update of schedule_type, cron, rrule, offsets, anchor_at, time_zone, start_at, end_at, jitter_seconds
  on reminder_jobs for each row
  when (new.schedule_type in ('cron', 'rrule', 'offsets')
        and new.next_run_at is not distinct from old.next_run_at
        and (new.schedule_type, new.cron, new.rrule, new.offsets, new.anchor_at, new.time_zone, new.start_at, new.end_at,
             new.jitter_seconds)
            is distinct from
            (old.schedule_type, old.cron, old.rrule, old.offsets, old.anchor_at, old.time_zone, old.start_at, old.end_at,
             old.jitter_seconds))
  execute function reminder_jobs_forget_plan();

create trigger reminder_jobs_wake_unplanned
  after insert or update of zone_rules, schedule_type, cron, rrule, offsets, anchor_at, time_zone, start_at, end_at, jitter_seconds
  on reminder_jobs for each row
  when (new.zone_rules = '' and new.status = 'ACTIVE' and new.deleted_at is null
        and new.schedule_type in ('cron', 'rrule', 'offsets'))
  execute function reminder_wake('unplanned');

-- Somebody moves to another zone: what goes by their clocks is worked out anew, but for what is due already.
create function contacts_zone_changed() returns trigger
  language plpgsql
  as $$
    declare
      moved constant contacts := case when tg_op = 'DELETE' then old else new end;
    begin
      if tg_op = 'UPDATE' and new.time_zone is not distinct from old.time_zone then
        return null;
      end if;
      update reminder_jobs r
         set zone_rules = '', next_wall_at = null
       where r.tenant_id = moved.tenant_id and r.entity_type = moved.entity_type and r.entity_id = moved.entity_id
         and r.status = 'ACTIVE' and r.deleted_at is null
         and r.schedule_type in ('cron', 'rrule', 'offsets') and r.time_zone is null
         and r.next_wall_at is not null and r.next_run_at > reminder_now();
      return null;
    end
  $$;

create trigger contacts_zone_changed
  after insert or delete or update of time_zone on contacts for each row
  execute function contacts_zone_changed();
