-- Functions that act as their owner are for the roles of this engine. A trigger fires without the right to execute its function;
-- making one of it takes that right, and nobody else is to have it.
revoke execute on function reminder_jobs_done(), status_flags_set_back() from public;
