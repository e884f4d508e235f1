-- Over which channel a tenant's messages go that a channel can't deliver. What isn't here is as the installation says.
create table channel_fallbacks (
  tenant_id     text not null references tenants (name),
  channel       text not null check (length(channel) between 1 and 50),
  -- Null: over none, whatever the installation says.
  fallback      text check (length(fallback) between 1 and 50 and fallback <> channel),
  -- Also once it has only failed for so long; null: only when it has failed for good.
  after_seconds integer check (after_seconds between 60 and 604800),
  created_at    reminder_instant not null default reminder_now(),
  updated_at    reminder_instant not null default reminder_now(),
  primary key (tenant_id, channel),
  check (fallback is not null or after_seconds is null)
);

select reminder_isolate('channel_fallbacks');

-- Only of those that failed, so that the others carry nothing for it.
alter table deliveries
  -- Since when it has only failed.
  add column first_failed_at  timestamptz(3),
  -- True once an attempt has failed that may have arrived all the same: it goes over no other channel.
  add column may_have_arrived boolean;
