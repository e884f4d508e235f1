-- What is due for one tenant, however much is due for others. A tenant is found in it by its name, the next one by skipping all
-- that the last one has. Rows of `default` are not in it: who has no other tenant has no such index to keep up.
create index reminder_jobs_due_of_tenant on reminder_jobs (tenant_id, next_run_at)
  where tenant_id <> 'default' and status = 'ACTIVE' and deleted_at is null and next_run_at is not null;

-- What is due. With the tenant in it, those of `default` among the backlog of another are told apart without reading a row.
drop index reminder_jobs_due;
create index reminder_jobs_due on reminder_jobs (next_run_at, tenant_id)
  where status = 'ACTIVE' and deleted_at is null and next_run_at is not null;

-- Open deliveries: those that somebody holds under a lease, and those that wait, in the order of their instants and once more
-- tenant by tenant. A message that is sent at once is only ever in the first.
drop index deliveries_open;
create index deliveries_leased on deliveries (channel, next_attempt_at) where status = 'sending';
create index deliveries_waiting on deliveries (channel, next_attempt_at) where status in ('pending', 'retrying');
create index deliveries_waiting_of_tenant on deliveries (channel, tenant_id, next_attempt_at)
  where status in ('pending', 'retrying');
