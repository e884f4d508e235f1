import { IS_PLANNED } from "./planned.ts";
import type { Sql } from "./postgres.ts";
import { ZONE_RULES } from "./zone-rules.ts";

/** What a worker has to do beside firing and sending. */
export type Chore = "errands" | "marks" | "replan" | "settle" | "test";

const WAITING_CHORES = `
  select array_remove(array[
           case when exists (select from errands) then 'errands' end,
           case when exists (select from done_marks where next_attempt_at <= reminder_now()) then 'marks' end,
           case when exists (select from reminder_jobs
                              where status = 'ACTIVE' and deleted_at is null and ${IS_PLANNED}
                                and zone_rules < $1 and (next_run_at is null or next_run_at > reminder_now())) then 'replan' end,
           case when exists (select from status_flags where unsettled) then 'settle' end,
           case when exists (select from template_tests
                              where status = 'pending' and created_at > reminder_now() - interval '10 minutes') then 'test' end
         ], null) as chores`;

/** Those of which there may be some to do: one look for all of them, since mostly there are none. */
export async function waitingChores(sql: Sql): Promise<Chore[]> {
  const [row] = await sql.query<{ chores: Chore[] }>(WAITING_CHORES, [ZONE_RULES]);
  return row?.chores ?? [];
}
