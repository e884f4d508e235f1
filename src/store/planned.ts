/**
 * True for a reminder whose due instants take more than arithmetic, so that a worker works them out where nobody has. Written as its
 * index has it.
 */
export const IS_PLANNED =
  "(schedule_type in ('cron', 'rrule', 'offsets') or calendar is not null or start_at is not null)";
