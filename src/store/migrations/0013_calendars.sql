-- Working time. A reminder may go by one of its tenant's calendars.
create table calendars (
  tenant_id      text not null default reminder_tenant(),
  name           text not null check (length(name) between 1 and 100),
  -- Whose clocks the hours are read on.
  time_zone      text not null,
  -- {"monday": [{"from": "09:00", "to": "17:00"}], ...}
  hours          jsonb not null default '{}' check (jsonb_typeof(hours) = 'object'),
  -- [{"date": "2026-12-24", "hours": [], "name": "Christmas Eve"}, ...]: unlike their day of the week, closed without hours.
  dates          jsonb not null default '[]' check (jsonb_typeof(dates) = 'array'),
  -- Whose public holidays are closed, and those worked out so far: [{"date": "2026-12-25", "name": "Christmas Day"}, ...].
  country        text,
  region         text check (region is null or country is not null),
  holidays       jsonb not null default '[]' check (jsonb_typeof(holidays) = 'array'),
  holiday_dates  jsonb not null generated always as (jsonb_path_query_array(holidays, '$[*].date')) stored,
  -- Up to the end of this year, by this version of the library.
  holidays_until smallint,
  holidays_rules text,
  created_at     reminder_instant not null default reminder_now(),
  updated_at     reminder_instant not null default reminder_now(),
  primary key (tenant_id, name)
);

select reminder_isolate('calendars');

create trigger calendars_tenant before insert on calendars for each statement
  execute function reminder_tenant_must_exist();
create trigger calendars_other_tenant before insert or update of tenant_id on calendars for each row
  when (new.tenant_id is distinct from reminder_tenant()) execute function reminder_tenant_must_exist();

-- True for what `quietUntil` in src/core/quiet-hours.ts can read: [{"days": ["saturday"], "from": "22:00", "to": "07:00"}, ...].
create function reminder_is_quiet_hours(hours jsonb) returns boolean
  language sql immutable parallel safe
  return jsonb_typeof(hours) = 'array' and jsonb_array_length(hours) <= 20
         and not jsonb_path_exists(hours,
           'strict $[*] ? (!(@.type() == "object" && @.from like_regex "^([01][0-9]|2[0-3]):[0-5][0-9]$"
                             && @.to like_regex "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))')
         and not jsonb_path_exists(hours, 'lax $[*].days ? (!(@ like_regex "^(mon|tues|wednes|thurs|fri|satur|sun)day$"))');

alter table contacts add column quiet_hours jsonb check (reminder_is_quiet_hours(quiet_hours));

alter table tenants
  -- For reminders that have no zone of their own, and whose contact has none.
  add column time_zone   text,
  -- For contacts that name none of their own.
  add column quiet_hours jsonb check (reminder_is_quiet_hours(quiet_hours));

alter table reminder_jobs
  add column calendar             text,
  -- What its interval or its offsets are counted in; null: all_time.
  add column counts_in            text check (counts_in in ('all_time', 'working_time', 'working_days')),
  -- What becomes of an occurrence outside working time; null: next.
  add column outside_working_time text check (outside_working_time in ('next', 'previous', 'send')),
  -- Besides those of the contact or the tenant.
  add column quiet_hours          jsonb check (reminder_is_quiet_hours(quiet_hours)),
  add column ignore_quiet_hours   boolean,
  add constraint reminder_jobs_calendar foreign key (tenant_id, calendar) references calendars (tenant_id, name)
    on update cascade,
  add constraint working_time_needs_calendar
    check (calendar is not null or (counts_in is null and outside_working_time is null));

-- Who goes by a calendar.
create index reminder_jobs_of_calendar on reminder_jobs (tenant_id, calendar) where calendar is not null;

-- What a worker has to work out: created by plain SQL, or by older rules of its zone. With a calendar that is any kind, and with a
-- start also those whose first due instant is more than that start.
drop index reminder_jobs_by_wall_clock;
create index reminder_jobs_by_wall_clock on reminder_jobs (zone_rules, id)
  where status = 'ACTIVE' and deleted_at is null
        and (schedule_type in ('cron', 'rrule', 'offsets') or calendar is not null or start_at is not null);

-- Plain SQL inserts need not know the bucket or the first due instant. Where that takes more than arithmetic, a worker works
-- it out, within the blink of an eye.
create or replace function reminder_jobs_fill() returns trigger
  language plpgsql
  as $$
    declare
      comes_again constant boolean := new.schedule_type in ('recurring', 'backoff');
      is_worked_out constant boolean := new.calendar is not null or new.start_at is not null
        or new.schedule_type in ('cron', 'rrule', 'offsets');
    begin
      new.bucket := reminder_bucket(new.tenant_id, new.entity_type, new.entity_id, new.event_type);
      if tg_op = 'INSERT' and new.status = 'ACTIVE' and new.next_run_at is null then
        if comes_again and new.anchor_at is null then
          new.anchor_at := coalesce(new.run_at, new.start_at,
            reminder_now() + new.interval_minutes * interval '1 minute'
              * (new.schedule_type = 'recurring' and coalesce(new.counts_in, 'all_time') = 'all_time')::int);
        end if;
        if not is_worked_out then
          new.next_run_at := coalesce(new.run_at,
            reminder_now() + coalesce(new.interval_minutes, 0) * interval '1 minute' * comes_again::int);
        elsif new.calendar is null then
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
drop trigger reminder_jobs_forget_plan on reminder_jobs;
create trigger reminder_jobs_forget_plan
  before update of schedule_type, interval_minutes, cron, rrule, offsets, anchor_at, time_zone, start_at, end_at, jitter_seconds,
                   calendar, counts_in, outside_working_time
  on reminder_jobs for each row
  when ((new.schedule_type in ('cron', 'rrule', 'offsets') or new.calendar is not null or old.calendar is not null)
        and new.next_run_at is not distinct from old.next_run_at
        and (new.schedule_type, new.interval_minutes, new.cron, new.rrule, new.offsets, new.anchor_at, new.time_zone,
             new.start_at, new.end_at, new.jitter_seconds, new.calendar, new.counts_in, new.outside_working_time)
            is distinct from
            (old.schedule_type, old.interval_minutes, old.cron, old.rrule, old.offsets, old.anchor_at, old.time_zone,
             old.start_at, old.end_at, old.jitter_seconds, old.calendar, old.counts_in, old.outside_working_time))
  execute function reminder_jobs_forget_plan();

drop trigger reminder_jobs_wake_unplanned on reminder_jobs;
create trigger reminder_jobs_wake_unplanned
  after insert or update of zone_rules, schedule_type, interval_minutes, cron, rrule, offsets, anchor_at, time_zone, start_at, end_at,
                            jitter_seconds, calendar, counts_in, outside_working_time
  on reminder_jobs for each row
  when (new.zone_rules = '' and new.status = 'ACTIVE' and new.deleted_at is null
        and (new.schedule_type in ('cron', 'rrule', 'offsets') or new.calendar is not null or new.start_at is not null))
  execute function reminder_wake('unplanned');

-- Whoever changes a zone or a calendar does not see what others are just creating by what was said before. So these hold each other
-- off: what is created holds the share of its tenant's bucket until it is committed, and whoever changes something takes it whole.
create function reminder_lock_plans(tenant_id text, key text, is_shared boolean) returns void
  language plpgsql
  as $$
    declare
      -- Few enough for one transaction that creates a thousand.
      bucket constant integer := hashtextextended(tenant_id || chr(31) || key, 0) & 63;
    begin
      if is_shared then
        perform pg_advisory_xact_lock_shared(hashtext('reminder_lock_plans'), bucket);
      else
        perform pg_advisory_xact_lock(hashtext('reminder_lock_plans'), bucket);
      end if;
    end
  $$;

-- What was worked out by a zone that isn't the contact's or the tenant's any more, or by a calendar, is worked out again by a worker.
create function reminder_jobs_check_plan() returns trigger
  language plpgsql
  as $$
    declare
      zone text;
    begin
      if new.calendar is not null then
        perform reminder_lock_plans(new.tenant_id, 'calendar ' || new.calendar, true);
        new.zone_rules := '';
        return new;
      end if;
      perform reminder_lock_plans(new.tenant_id, '', true);
      perform reminder_lock_plans(new.tenant_id, new.entity_type || chr(31) || new.entity_id, true);
      zone := coalesce((select c.time_zone from contacts c
                         where (c.tenant_id, c.entity_type, c.entity_id) = (new.tenant_id, new.entity_type, new.entity_id)),
                       (select t.time_zone from tenants t where t.name = new.tenant_id), 'UTC');
      begin
        if new.next_wall_at at time zone zone = new.next_run_at then
          return new;
        end if;
      exception when invalid_parameter_value then
        null;
      end;
      -- Or it is jittered, moved by a change of the clocks, or goes by a zone of its own: then the same comes out again.
      new.zone_rules := '';
      new.next_wall_at := null;
      return new;
    end
  $$;

create trigger reminder_jobs_plan
  before insert on reminder_jobs for each row
  when (new.calendar is not null
        or (new.zone_rules <> '' and new.next_wall_at is not null and new.time_zone is null
            and new.schedule_type in ('cron', 'rrule', 'offsets')))
  execute function reminder_jobs_check_plan();

-- Somebody moves to another zone: what goes by their clocks is worked out anew, but for what is due already.
create or replace function contacts_zone_changed() returns trigger
  language plpgsql
  as $$
    declare
      moved constant contacts := case when tg_op = 'DELETE' then old else new end;
    begin
      if tg_op = 'UPDATE' and new.time_zone is not distinct from old.time_zone then
        return null;
      end if;
      perform reminder_lock_plans(moved.tenant_id, moved.entity_type || chr(31) || moved.entity_id, false);
      update reminder_jobs r
         set zone_rules = '', next_wall_at = null
       where r.tenant_id = moved.tenant_id and r.entity_type = moved.entity_type and r.entity_id = moved.entity_id
         and r.status = 'ACTIVE' and r.deleted_at is null
         and r.schedule_type in ('cron', 'rrule', 'offsets') and r.time_zone is null
         and r.next_wall_at is not null and r.next_run_at > reminder_now();
      return null;
    end
  $$;

-- Whoever goes by a calendar that was changed is worked out anew, but for what is due already.
create function calendars_changed() returns trigger
  language plpgsql
  as $$
    begin
      perform reminder_lock_plans(new.tenant_id, 'calendar ' || new.name, false);
      update reminder_jobs r
         set zone_rules = ''
       where r.tenant_id = new.tenant_id and r.calendar = new.name
         and r.status = 'ACTIVE' and r.deleted_at is null and r.next_run_at > reminder_now();
      return null;
    end
  $$;

create trigger calendars_changed
  after update on calendars for each row
  when ((old.time_zone, old.hours, old.dates, old.holiday_dates) is distinct from
        (new.time_zone, new.hours, new.dates, new.holiday_dates))
  execute function calendars_changed();

-- A tenant moves to another zone: what goes by its clocks is worked out anew, but for what is due already.
create function tenants_zone_changed() returns trigger
  language plpgsql
  as $$
    begin
      perform reminder_lock_plans(new.name, '', false);
      update reminder_jobs r
         set zone_rules = '', next_wall_at = null
       where r.tenant_id = new.name and r.status = 'ACTIVE' and r.deleted_at is null
         and r.schedule_type in ('cron', 'rrule', 'offsets') and r.time_zone is null
         and r.next_wall_at is not null and r.next_run_at > reminder_now()
         and not exists (select from contacts c
                          where (c.tenant_id, c.entity_type, c.entity_id) = (r.tenant_id, r.entity_type, r.entity_id)
                            and c.time_zone is not null);
      return null;
    end
  $$;

create trigger tenants_zone_changed
  after update of time_zone on tenants for each row
  when (new.time_zone is distinct from old.time_zone)
  execute function tenants_zone_changed();
