-- Keys for programs that use the API. The secret half of a key is never written down: only the SHA-256 of the whole text is.
create table api_keys (
  -- The part of a key's text that may be known: it names the key in lists, logs and the audit.
  id                  text primary key check (id ~ '^[0-9A-Za-z]{12}$'),
  tenant_id           text not null references tenants (name),
  name                text not null check (length(name) between 1 and 100),
  scopes              text[] not null check (cardinality(scopes) > 0),
  hash                bytea not null check (length(hash) = 32),
  -- In place of the setting for all keys; null: that one.
  requests_per_minute integer check (requests_per_minute > 0),
  -- The key that this one was made to take the place of.
  replaces            text,
  created_at          reminder_instant not null default reminder_now(),
  expires_at          reminder_instant,
  revoked_at          reminder_instant,
  last_used_at        reminder_instant
);

select reminder_isolate('api_keys');

-- In place of the setting for all tenants; null: that one.
alter table tenants add column requests_per_minute integer check (requests_per_minute > 0);

-- Who changed what. Written by the API and the command line, and changed by nobody.
create table audit_log (
  id        bigint generated always as identity primary key,
  tenant_id text not null,
  at        reminder_instant not null default reminder_now(),
  actor     text not null,
  operation text not null,
  target    text not null,
  -- The HTTP status that the actor was answered with; null where nobody was asked over HTTP.
  status    smallint,
  address   text,
  details   jsonb not null default '{}'
);

create index audit_log_of_tenant on audit_log (tenant_id, id);
-- What is older than the retention.
create index audit_log_at on audit_log (at);

select reminder_isolate('audit_log');

-- A key is looked up before anybody knows whose it is, so across all tenants, and by the API's role, which may read no key
-- otherwise. These three functions are all that it can do: ask for one key by its id, whether there are any, and note use.

create function reminder_find_key(wanted text)
  returns table (tenant_id text, name text, scopes text[], hash bytea, state text, key_limit integer, tenant_limit integer)
  language plpgsql
  as $$
    #variable_conflict use_column
    declare
      acting_for constant text := coalesce(current_setting('reminder.tenant', true), '');
    begin
      perform set_config('reminder.tenant', '*', true);
      return query
        select api_keys.tenant_id, api_keys.name, api_keys.scopes, api_keys.hash,
               case when api_keys.revoked_at <= reminder_now() then 'revoked'
                    when api_keys.expires_at <= reminder_now() then 'expired'
                    else 'valid' end,
               api_keys.requests_per_minute, tenants.requests_per_minute
          from api_keys
          join tenants on tenants.name = api_keys.tenant_id
         where api_keys.id = wanted;
      perform set_config('reminder.tenant', acting_for, true);
    end
  $$;

create function reminder_has_keys() returns boolean
  language plpgsql
  as $$
    declare
      acting_for constant text := coalesce(current_setting('reminder.tenant', true), '');
      found_one boolean;
    begin
      perform set_config('reminder.tenant', '*', true);
      found_one := exists (select from api_keys);
      perform set_config('reminder.tenant', acting_for, true);
      return found_one;
    end
  $$;

-- At most once a minute for each. A key that somebody else is just writing is passed over: it is used again soon.
create function reminder_note_keys_used(used text[]) returns void
  language plpgsql
  as $$
    declare
      acting_for constant text := coalesce(current_setting('reminder.tenant', true), '');
    begin
      perform set_config('reminder.tenant', '*', true);
      update api_keys
         set last_used_at = reminder_now()
       where id in (select id
                      from api_keys
                     where id = any (used)
                       and (last_used_at is null or last_used_at <= reminder_now() - interval '1 minute')
                     order by id
                       for update skip locked);
      perform set_config('reminder.tenant', acting_for, true);
    end
  $$;

-- Whoever calls them can't slip them tables of another schema.
do $$
  declare
    callable text;
  begin
    foreach callable in array array['reminder_find_key(text)', 'reminder_has_keys()', 'reminder_note_keys_used(text[])'] loop
      execute format('alter function %s security definer set search_path = %I, pg_temp', callable, current_schema());
      execute format('revoke execute on function %s from public', callable);
    end loop;
  end
$$;
