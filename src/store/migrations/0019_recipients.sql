-- Several people, each of whom does theirs; and what happens once a reminder is done, or isn't after all.

-- True for what src/core/people.ts calls recipients: [{"address": "a@example.org"}, {"contact": {"entity_type": ..., "entity_id": ...}}].
create function reminder_is_recipients(recipients jsonb) returns boolean
  language sql immutable parallel safe
  return jsonb_typeof(recipients) = 'array' and jsonb_array_length(recipients) between 1 and 50
         and not jsonb_path_exists(recipients,
           'strict $[*] ? (!(@.address.type() == "string"
                             || (@.contact.entity_type.type() == "string" && @.contact.entity_id.type() == "string")))');

alter table reminder_jobs
  add column recipients     jsonb check (reminder_is_recipients(recipients)),
  -- "any", "all" or {"quorum": 2}; null: all.
  add column completes_when jsonb check (completes_when in ('"any"', '"all"')
                                         or coalesce((completes_when ->> 'quorum')::integer between 1 and 50, false)),
  -- Null: it stays done when its flag is set back.
  add column reopens        boolean,
  add constraint recipients_stand_alone check (recipients is null or recipient is null);

-- Who of the recipients has done theirs.
create table reminder_done (
  tenant_id   text not null,
  reminder_id bigint not null references reminder_jobs (id) on delete cascade,
  -- An address, or entity_type/entity_id.
  person      text not null check (length(person) between 1 and 500),
  done_at     timestamptz(3) not null default reminder_now(),
  primary key (reminder_id, person)
);

select reminder_isolate('reminder_done');

-- Which reminders wait for a flag to be set back, or may come to.
create index reminder_jobs_reopening on reminder_jobs (tenant_id, flag_key, id)
  where reopens and flag_key is not null and deleted_at is null;

-- What workers still have to do because something was done, or isn't any more.
create table errands (
  id          bigint generated always as identity primary key,
  tenant_id   text not null,
  kind        text not null check (kind in ('tell', 'reopen')),
  -- With `tell`: whose.
  reminder_id bigint,
  -- With `reopen`: which flag was set back, and up to which reminder that was seen to.
  flag_key    text,
  seen_id     bigint not null default 0,
  created_at  timestamptz(3) not null default reminder_now()
);

select reminder_isolate('errands');

-- Whoever completes a reminder: those whom it was escalated to are to be told, where its policy says so.
create function reminder_jobs_done() returns trigger
  language plpgsql
  as $$
    begin
      if exists (select from policies where tenant_id = new.tenant_id and name = new.policy and tell_when_done) then
        insert into errands (tenant_id, kind, reminder_id) values (new.tenant_id, 'tell', new.id);
        perform pg_notify('reminder_engine', 'errand');
      end if;
      return null;
    end
  $$;

create trigger reminder_jobs_done after update of status on reminder_jobs for each row
  when (new.status = 'COMPLETED' and old.status <> 'COMPLETED' and new.policy is not null
        and coalesce((new.escalation ->> 'step')::integer, 0) > 0)
  execute function reminder_jobs_done();

-- Whoever sets a flag back, or forgets it: reminders that it completed may have to begin anew.
create function status_flags_set_back() returns trigger
  language plpgsql
  as $$
    begin
      if exists (select from reminder_jobs
                  where tenant_id = old.tenant_id and flag_key = old.key and reopens and deleted_at is null) then
        insert into errands (tenant_id, kind, flag_key) values (old.tenant_id, 'reopen', old.key);
        perform pg_notify('reminder_engine', 'errand');
      end if;
      return null;
    end
  $$;

create trigger status_flags_set_back after update of key, value on status_flags for each row
  when (old.value and (not new.value or new.key <> old.key)) execute function status_flags_set_back();
create trigger status_flags_forgotten after delete on status_flags for each row
  when (old.value) execute function status_flags_set_back();

-- The API's role may not write errands: they are made along with what makes them necessary, whoever does that.
do $$
  begin
    execute format('alter function reminder_jobs_done() security definer set search_path = %I, pg_temp', current_schema());
    execute format('alter function status_flags_set_back() security definer set search_path = %I, pg_temp', current_schema());
  end
$$;
