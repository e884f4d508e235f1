-- The reminders of one entity that are not ACTIVE: the index that keeps promise P1 has those that are. Between them they
-- have all, and a reschedule, which only befalls ACTIVE ones, has nothing to write here.
create index reminder_jobs_of_entity on reminder_jobs (tenant_id, entity_type, entity_id, id)
  where status <> 'ACTIVE' or deleted_at is not null;
