-- What was sent before comes to say that it is done, where its channel can change it; and buttons in Slack's messages.

alter table errands drop constraint errands_kind_check;
alter table errands add constraint errands_kind_check check (kind in ('tell', 'reopen', 'mark'));
comment on column errands.reminder_id is 'with tell and mark: whose';

-- Messages that are to be changed. Whoever takes one moves `next_attempt_at` as far as it may take: that is its lease.
create table done_marks (
  tenant_id       text not null default reminder_tenant(),
  reminder_id     bigint not null,
  channel         text not null check (length(channel) between 1 and 100),
  -- The message, as its delivery has it.
  provider_id     text not null check (length(provider_id) between 1 and 500),
  attempts        smallint not null default 0,
  next_attempt_at timestamptz(3) not null default reminder_now(),
  created_at      timestamptz(3) not null default reminder_now(),
  primary key (tenant_id, reminder_id, channel, provider_id)
);

create index done_marks_due on done_marks (next_attempt_at);

select reminder_isolate('done_marks');

-- Whoever completes a reminder because the thing is done (see src/core/done-reason.ts): its messages in Slack are to say so. Those that
-- are just leaving count as well, so that none is missed.
create function reminder_jobs_mark() returns trigger
  language plpgsql
  as $$
    begin
      if (new.channel = 'slack' or new.policy is not null or new.recipients is not null
          or exists (select from contacts
                      where (tenant_id, entity_type, entity_id) = (new.tenant_id, new.entity_type, new.entity_id)
                        and preferences is not null))
         and exists (select from deliveries
                      where reminder_id = new.id and channel = 'slack'
                        and status in ('pending', 'sending', 'retrying', 'sent', 'unknown')) then
        insert into errands (tenant_id, kind, reminder_id) values (new.tenant_id, 'mark', new.id);
        perform pg_notify('reminder_engine', 'errand');
      end if;
      return null;
    end
  $$;

create trigger reminder_jobs_mark after update of status, completion_reason on reminder_jobs for each row
  when (new.status = 'COMPLETED' and new.completion_reason in ('stop_condition', 'event', 'done', 'people_done', 'manual')
        and old.completion_reason is distinct from new.completion_reason)
  execute function reminder_jobs_mark();

-- Who in Slack has which e-mail address, as Slack has said a while ago.
create table slack_people (
  tenant_id text not null default reminder_tenant(),
  team_id   text not null check (length(team_id) between 1 and 50),
  user_id   text not null check (length(user_id) between 1 and 50),
  -- In lower case.
  email     text not null check (length(email) between 1 and 500 and email = lower(email)),
  known_at  timestamptz(3) not null default reminder_now(),
  primary key (tenant_id, team_id, user_id)
);

create index slack_people_age on slack_people (known_at);

select reminder_isolate('slack_people');

-- Whose contact somebody is who presses a button.
create index contacts_email on contacts (tenant_id, lower(email)) where email is not null;
create index contacts_slack on contacts (tenant_id, (addresses ->> 'slack')) where addresses ? 'slack';

-- What the API checks presses with, and asks Slack with who has pressed: that of the tenant that the transaction names, and no other
-- channel's. No rows: it has no Slack of its own.
create function reminder_slack_settings()
  returns table (settings jsonb, name text, key_id text, wrapped_key bytea, ciphertext bytea)
  language sql stable
  as $$
    select c.settings, s.name, s.key_id, s.wrapped_key, s.ciphertext
      from channel_settings c
      left join sealed_secrets s on s.tenant_id = c.tenant_id and s.kind = 'channel:slack'
     where c.tenant_id = current_setting('reminder.tenant', true) and c.channel = 'slack'
  $$;

-- Whoever calls them can't slip them tables of another schema.
do $$
  declare
    callable text;
  begin
    foreach callable in array array['reminder_slack_settings()', 'reminder_jobs_mark()'] loop
      execute format('alter function %s security definer set search_path = %I, pg_temp', callable, current_schema());
      execute format('revoke execute on function %s from public', callable);
    end loop;
  end
$$;
