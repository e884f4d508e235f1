-- Addresses that nothing is sent to: mail to them came back, or whoever is there said to stop.
create table suppressions (
  tenant_id  text not null default reminder_tenant(),
  channel    text not null check (length(channel) between 1 and 100),
  -- In lower case, so that however it is written it is the same address.
  address    text not null check (length(address) between 1 and 2000 and address = lower(address)),
  -- A word for programs: hard_bounce, complaint, unsubscribed, stop, invalid, manual, ...
  reason     text not null check (reason ~ '^[a-z][a-z_]{0,49}$'),
  -- A sentence for people.
  because    text check (length(because) between 1 and 1000),
  -- From then on it is sent to again; null: until somebody releases it.
  expires_at reminder_instant,
  -- Who said so: a key, a provider, a channel.
  created_by text not null check (length(created_by) between 1 and 300),
  created_at reminder_instant not null default reminder_now(),
  primary key (tenant_id, channel, address)
);

create index suppressions_expiry on suppressions (expires_at) where expires_at is not null;

select reminder_isolate('suppressions');

-- Which mail providers may tell a tenant what became of its mail. What they prove it with is in `sealed_secrets`.
create table inbound_sources (
  tenant_id    text not null default reminder_tenant() references tenants (name),
  provider     text not null check (provider ~ '^[a-z][a-z0-9_-]{0,62}$'),
  -- Of each secret the beginning of its SHA-256, so that people can tell them apart.
  fingerprints text[] not null,
  created_at   reminder_instant not null default reminder_now(),
  updated_at   reminder_instant not null default reminder_now(),
  primary key (tenant_id, provider)
);

select reminder_isolate('inbound_sources');

-- Like those for event sources: of the tenant that the transaction names, and of no other kind.
create function reminder_inbound_secrets(source text)
  returns table (name text, key_id text, wrapped_key bytea, ciphertext bytea)
  language sql stable
  as $$
    select s.name, s.key_id, s.wrapped_key, s.ciphertext
      from sealed_secrets s
     where s.tenant_id = current_setting('reminder.tenant', true) and s.kind = 'inbound:' || source
     order by s.name
  $$;

create function reminder_set_inbound_secrets(source text, names text[], key_ids text[], wrapped_keys bytea[], ciphertexts bytea[])
  returns void
  language sql
  as $$
    delete from sealed_secrets s
     where s.tenant_id = current_setting('reminder.tenant', true) and s.kind = 'inbound:' || source;
    insert into sealed_secrets (tenant_id, kind, name, key_id, wrapped_key, ciphertext)
    select current_setting('reminder.tenant', true), 'inbound:' || source, given.name, given.key_id, given.wrapped_key,
           given.ciphertext
      from unnest(names, key_ids, wrapped_keys, ciphertexts) as given (name, key_id, wrapped_key, ciphertext);
  $$;

-- Whose a reminder is. Asked for mail that came back to an address which only the engine can have made.
create function reminder_tenant_of(reminder bigint)
  returns text
  language plpgsql
  as $$
    declare
      acting_for constant text := coalesce(current_setting('reminder.tenant', true), '');
      owner      text;
    begin
      perform set_config('reminder.tenant', '*', true);
      select r.tenant_id into owner from reminder_jobs r where r.id = reminder;
      perform set_config('reminder.tenant', acting_for, true);
      return owner;
    end
  $$;

-- Whoever calls them can't slip them tables of another schema.
do $$
  declare
    callable text;
  begin
    foreach callable in array array['reminder_inbound_secrets(text)',
                                    'reminder_set_inbound_secrets(text, text[], text[], bytea[], bytea[])',
                                    'reminder_tenant_of(bigint)'] loop
      execute format('alter function %s security definer set search_path = %I, pg_temp', callable, current_schema());
      execute format('revoke execute on function %s from public', callable);
    end loop;
  end
$$;
