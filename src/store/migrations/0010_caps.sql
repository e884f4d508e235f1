-- A tenant's own caps; null: those of the installation, if it has any.
alter table tenants
  add column sends_per_minute integer check (sends_per_minute > 0),
  add column sends_per_recipient_per_hour integer check (sends_per_recipient_per_hour > 0);

-- Which of the places under a cap are taken or promised, and when they are free again: see src/core/pace.ts. Rows are only there
-- where there are caps.
create table pace (
  tenant_id      text not null,
  kind           text not null check (kind in ('tenant', 'recipient')),
  -- The channel and the recipient in it; empty for a tenant's cap.
  key            text not null,
  places         jsonb not null default '[]',
  promised_until timestamptz(3),
  used_at        timestamptz(3) not null default reminder_now(),
  primary key (tenant_id, kind, key)
) with (fillfactor = 50);

select reminder_isolate('pace');

-- What a message that waits because of a cap was promised.
alter table deliveries
  add column tenant_slot_at    timestamptz(3),
  add column recipient_slot_at timestamptz(3);
