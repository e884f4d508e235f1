-- What a tenant says that events of the outside world mean. Whatever fits is done, in the order of the names.
create table event_rules (
  tenant_id   text not null default reminder_tenant() references tenants (name),
  name        text not null check (name ~ '^[a-z0-9][a-z0-9_.-]{0,99}$'),
  -- The type of the events that it is about, exactly or with a * at its end.
  event       text not null check (length(event) between 1 and 200),
  -- Only events that this source has signed; null: all.
  source      text check (length(source) between 1 and 63),
  action      text not null check (action in ('complete', 'pause', 'trigger', 'set_flag')),
  -- Which reminders, or which flag: texts with placeholders such as {data.invoice.id}.
  entity_type text check (length(entity_type) between 1 and 500),
  entity_id   text check (length(entity_id) between 1 and 500),
  event_type  text check (length(event_type) between 1 and 500),
  flag_key    text check (length(flag_key) between 1 and 500),
  flag_value  boolean,
  is_enabled  boolean not null default true,
  created_at  reminder_instant not null default reminder_now(),
  updated_at  reminder_instant not null default reminder_now(),
  primary key (tenant_id, name),
  constraint rule_is_whole check (
    case action
      when 'set_flag' then flag_key is not null and flag_value is not null and num_nonnulls(entity_type, entity_id, event_type) = 0
      else entity_type is not null and entity_id is not null and num_nonnulls(flag_key, flag_value) = 0
    end)
);

select reminder_isolate('event_rules');

-- Who may send a tenant's events with a signature instead of a key. The secrets are in `sealed_secrets`.
create table event_sources (
  tenant_id    text not null default reminder_tenant() references tenants (name),
  name         text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  -- Of each secret the beginning of its SHA-256, so that people can tell them apart.
  fingerprints text[] not null,
  created_at   reminder_instant not null default reminder_now(),
  updated_at   reminder_instant not null default reminder_now(),
  primary key (tenant_id, name)
);

select reminder_isolate('event_sources');

-- Which events have come, and what was done, written in the transaction of the work itself. Rows older than seven days count
-- as gone, and the worker's maintenance removes them.
create table inbound_events (
  tenant_id  text not null default reminder_tenant(),
  -- Whose ids they are: two senders may use the same ones.
  origin     text not null check (length(origin) between 1 and 600),
  id         text not null check (length(id) between 1 and 300),
  outcome    jsonb,
  created_at reminder_instant not null default reminder_now(),
  primary key (tenant_id, origin, id)
);

create index inbound_events_age on inbound_events (created_at);

select reminder_isolate('inbound_events');

-- The API's role may read no sealed secret but these, and only of the tenant that its transaction names.
create function reminder_event_secrets(source text)
  returns table (name text, key_id text, wrapped_key bytea, ciphertext bytea)
  language sql stable
  as $$
    select s.name, s.key_id, s.wrapped_key, s.ciphertext
      from sealed_secrets s
     where s.tenant_id = current_setting('reminder.tenant', true) and s.kind = 'events:' || source
     order by s.name
  $$;

create function reminder_set_event_secrets(source text, names text[], key_ids text[], wrapped_keys bytea[], ciphertexts bytea[])
  returns void
  language sql
  as $$
    delete from sealed_secrets s
     where s.tenant_id = current_setting('reminder.tenant', true) and s.kind = 'events:' || source;
    insert into sealed_secrets (tenant_id, kind, name, key_id, wrapped_key, ciphertext)
    select current_setting('reminder.tenant', true), 'events:' || source, given.name, given.key_id, given.wrapped_key,
           given.ciphertext
      from unnest(names, key_ids, wrapped_keys, ciphertexts) as given (name, key_id, wrapped_key, ciphertext);
  $$;

-- Whoever calls them can't slip them tables of another schema.
do $$
  declare
    callable text;
  begin
    foreach callable in array array['reminder_event_secrets(text)',
                                    'reminder_set_event_secrets(text, text[], text[], bytea[], bytea[])'] loop
      execute format('alter function %s security definer set search_path = %I, pg_temp', callable, current_schema());
      execute format('revoke execute on function %s from public', callable);
    end loop;
  end
$$;
