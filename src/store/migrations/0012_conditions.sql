-- Stop conditions that are asked of somebody else, made of others, or count what was sent; and what a person must look at.

-- True for a condition whose answer is not in the row or in the one flag that is joined to it: what is outside is asked before
-- a transaction begins, not within one. src/conditions/registry.ts says the same of each kind.
create function reminder_is_asked(stop_condition_type text) returns boolean
  language sql immutable parallel safe
  return coalesce(stop_condition_type not in ('db_check', 'deadline', 'max_attempts'), false);

alter table reminder_jobs
  add column stop_condition_settings jsonb check (jsonb_typeof(stop_condition_settings) = 'object'),
  -- What to do while nobody can say whether the thing is done; null: hold.
  add column on_unknown         text check (on_unknown in ('hold', 'send')),
  add column is_asked           boolean not null generated always as (reminder_is_asked(stop_condition_type)) stored,
  -- It isn't asked before: a worker is just asking it, and this is when its lease ends, or this is when it is tried again.
  add column ask_at             reminder_instant,
  -- Names the worker that is asking it; whoever has lost its lease changes nothing.
  add column ask_token          uuid,
  -- How often in a row nobody could say whether it is done, and since when; null: somebody could.
  add column unknown_count      integer,
  add column unknown_since      reminder_instant,
  -- Messages that were sent, for conditions that count them.
  add column sent_count         integer not null default 0,
  -- Why a person must look at it; null: nobody must.
  add column needs_attention    text,
  -- Towards the ceilings of the installation it counts from here, since somebody resumed it; null: from its creation.
  add column ceiling_from       reminder_instant,
  add column ceiling_from_count integer,
  drop constraint stop_condition_is_whole,
  add constraint stop_condition_is_whole
    check ((stop_condition_type is null) = (stop_condition_value is null and stop_condition_settings is null));

-- What is due, but for what is asked first: a crowd that is held because nobody answers is not in the way of others.
drop index reminder_jobs_due;
create index reminder_jobs_due on reminder_jobs (next_run_at, tenant_id)
  where status = 'ACTIVE' and deleted_at is null and next_run_at is not null and not is_asked;

drop index reminder_jobs_due_of_tenant;
create index reminder_jobs_due_of_tenant on reminder_jobs (tenant_id, next_run_at)
  where tenant_id <> 'default' and status = 'ACTIVE' and deleted_at is null and next_run_at is not null and not is_asked;

-- What is due and asked first, tenant by tenant, in the order in which it may be asked. Both instants together, so that nobody
-- has to keep one in step with the other: moved by plain SQL, it is asked when it is due then.
create index reminder_jobs_to_ask on reminder_jobs (tenant_id, greatest(next_run_at, ask_at))
  where status = 'ACTIVE' and deleted_at is null and next_run_at is not null and is_asked;

-- What a person must look at.
create index reminder_jobs_needing_attention on reminder_jobs (tenant_id, id) where needs_attention is not null;

-- Another question is asked at once, whoever changes it. How many messages were sent is only known where somebody counts them.
create function reminder_jobs_ask_anew() returns trigger
  language plpgsql
  as $$
    begin
      new.ask_at := null;
      new.ask_token := null;
      if (new.stop_condition_type, new.stop_condition_value, new.stop_condition_settings)
         is distinct from (old.stop_condition_type, old.stop_condition_value, old.stop_condition_settings) then
        if old.unknown_count is not null and new.status = 'ACTIVE' then
          new.needs_attention := null;
        end if;
        new.unknown_count := null;
        new.unknown_since := null;
        if new.stop_condition_type is not null and new.stop_condition_type not in ('db_check', 'deadline') then
          new.sent_count := (select count(*) from deliveries where reminder_id = new.id and status = 'sent');
        end if;
      end if;
      return new;
    end
  $$;

create trigger reminder_jobs_ask_anew
  before update of stop_condition_type, stop_condition_value, stop_condition_settings, on_unknown, data on reminder_jobs
  for each row
  when ((new.stop_condition_type, new.stop_condition_value, new.stop_condition_settings, new.on_unknown, new.data)
        is distinct from
        (old.stop_condition_type, old.stop_condition_value, old.stop_condition_settings, old.on_unknown, old.data))
  execute function reminder_jobs_ask_anew();

-- Wakes those who fire, or those who ask first.
create function reminder_wake_due() returns trigger
  language plpgsql
  as $$
    begin
      perform pg_notify('reminder_engine', case when new.is_asked then 'ask' else 'due' end);
      return null;
    end
  $$;

drop trigger reminder_jobs_wake_insert on reminder_jobs;
create trigger reminder_jobs_wake_insert
  after insert on reminder_jobs for each row
  when (new.status = 'ACTIVE' and new.next_run_at <= reminder_now() + reminder_wake_horizon())
  execute function reminder_wake_due();

drop trigger reminder_jobs_wake_update on reminder_jobs;
create trigger reminder_jobs_wake_update
  after update of next_run_at, status, deleted_at on reminder_jobs for each row
  when (new.status = 'ACTIVE' and new.deleted_at is null and new.next_run_at <= reminder_now() + reminder_wake_horizon()
        and (old.next_run_at is distinct from new.next_run_at or old.status <> new.status
             or old.deleted_at is distinct from new.deleted_at))
  execute function reminder_wake_due();
