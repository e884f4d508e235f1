-- What was answered to requests that carry an Idempotency-Key, written in the transaction of the work itself. Rows older than
-- 24 hours count as gone, and the worker's maintenance removes them.
create table idempotency_keys (
  tenant_id   text not null default reminder_tenant(),
  key         text not null check (length(key) between 1 and 255),
  -- Of the request: the same key with another one is a mistake of the client.
  fingerprint text not null,
  status      smallint not null,
  headers     jsonb not null,
  -- Null: it was too large to be kept.
  body        text,
  created_at  reminder_instant not null default reminder_now(),
  primary key (tenant_id, key)
);

create index idempotency_keys_age on idempotency_keys (created_at);

select reminder_isolate('idempotency_keys');
