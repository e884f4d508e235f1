-- What a tenant has set for a channel, such as a mail server of its own. No secret is in here.
create table channel_settings (
  tenant_id  text not null references tenants (name),
  channel    text not null check (length(channel) between 1 and 50),
  settings   jsonb not null check (jsonb_typeof(settings) = 'object'),
  created_at reminder_instant not null default reminder_now(),
  updated_at reminder_instant not null default reminder_now(),
  primary key (tenant_id, channel)
);

-- Secrets, each encrypted with a data key of its own, which is encrypted with the master key that `key_id` names. The master
-- keys are not in the database, so that a dump of it gives nothing away.
create table sealed_secrets (
  tenant_id   text not null references tenants (name),
  kind        text not null check (length(kind) between 1 and 200),
  name        text not null check (length(name) between 1 and 200),
  key_id      text not null check (length(key_id) between 1 and 100),
  wrapped_key bytea not null,
  ciphertext  bytea not null,
  created_at  reminder_instant not null default reminder_now(),
  updated_at  reminder_instant not null default reminder_now(),
  primary key (tenant_id, kind, name)
);

select reminder_isolate('channel_settings');
select reminder_isolate('sealed_secrets');
