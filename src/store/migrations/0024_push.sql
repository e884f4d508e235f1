-- Where browsers and apps of a contact take push messages (RFC 8030): one row for each device.

create table push_subscriptions (
  tenant_id   text not null default reminder_tenant(),
  entity_type text not null,
  entity_id   text not null,
  -- Made of the endpoint, which only the device, its push service and we know: it names the device without telling that.
  id          text not null check (length(id) between 1 and 64),
  endpoint    text not null check (length(endpoint) between 1 and 2048),
  -- The device's public key, and the secret that it shares with us (RFC 8291 §2).
  p256dh      bytea not null check (length(p256dh) = 65),
  auth        bytea not null check (length(auth) = 16),
  created_at  reminder_instant not null default reminder_now(),
  primary key (tenant_id, entity_type, entity_id, id),
  foreign key (tenant_id, entity_type, entity_id) references contacts (tenant_id, entity_type, entity_id)
    on update cascade on delete cascade
);

-- A device that has a new subscription tells by the old one, which may be of several contacts.
create index push_subscriptions_device on push_subscriptions (tenant_id, id);

select reminder_isolate('push_subscriptions');

alter table contacts
  -- Whether it has devices at all: read at every firing, so it is kept here.
  add column has_push boolean not null default false;

-- What browsers subscribe with is public, the rest of a channel's settings isn't the API's to read.
create function reminder_push_key() returns text
  language sql stable
  as $$
    select settings ->> 'public_key'
      from channel_settings
     where tenant_id = current_setting('reminder.tenant', true) and channel = 'push'
  $$;

-- Whoever calls it can't slip it a table of another schema.
do $$
  begin
    execute format('alter function reminder_push_key() security definer set search_path = %I, pg_temp', current_schema());
    revoke execute on function reminder_push_key() from public;
  end
$$;
