-- Several messages that go as one: when, and by which of its deliveries it is known once a worker has put it together.
alter table deliveries
  add column digest_at timestamptz(3),
  add column digest_id text;

-- They are taken together or not at all, so those who take one at a time don't come upon them.
drop index deliveries_leased;
drop index deliveries_waiting;
drop index deliveries_waiting_of_tenant;
create index deliveries_leased on deliveries (channel, next_attempt_at) where status = 'sending' and digest_at is null;
create index deliveries_waiting on deliveries (channel, next_attempt_at)
  where status in ('pending', 'retrying') and digest_at is null;
create index deliveries_waiting_of_tenant on deliveries (channel, tenant_id, next_attempt_at)
  where status in ('pending', 'retrying') and digest_at is null;
create index deliveries_together on deliveries (channel, next_attempt_at)
  where digest_at is not null and status in ('pending', 'sending', 'retrying');
create index deliveries_of_digest on deliveries (tenant_id, channel, recipient, digest_at)
  where digest_at is not null and status in ('pending', 'sending', 'retrying');

-- How many messages a day a person wants at most, over all channels.
alter table pace drop constraint pace_kind_check;
alter table pace add constraint pace_kind_check check (kind in ('tenant', 'recipient', 'person'));
