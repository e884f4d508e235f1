import { expect, test } from "vitest";
import type { Row } from "../../src/store/postgres.ts";
import { listReminders, type ReminderFilter } from "../../src/store/reminder-list.ts";
import { apiDatabase, type TenantSql } from "../../src/store/tenant-database.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";

// Twenty reminders for each of a thousand entities, of every status, deleted and not.
const FILL = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes, status,
                             completion_reason, deleted_at)
  select 'invoice', 'INV_' || n % 1000, 'event ' || n / 1000, 'sink', 'recurring', 60, status,
         case status when 'COMPLETED' then 'manual' end, case when n / 1000 % 4 = 3 then now() end
    from generate_series(0, 19999) as n,
         lateral (select (array['ACTIVE', 'PAUSED', 'COMPLETED'])[1 + n / 1000 % 3] as status) as each`;

async function filled(): Promise<TestDatabase> {
  const database = await freshDatabase();
  await database.query(FILL);
  await database.query("analyze reminder_jobs");
  return database;
}

const OF_ENTITY = { entityType: "invoice", entityId: "INV_7" };

const ACTIVE_ONES = "reminder_jobs_one_active";
const OTHERS = "reminder_jobs_of_entity";

// Each with the indexes that have what fits.
const FILTERS: [ReminderFilter, string[]][] = [
  [{ includeDeleted: false }, [ACTIVE_ONES, OTHERS]],
  [{ includeDeleted: true }, [ACTIVE_ONES, OTHERS]],
  [{ includeDeleted: false, status: "ACTIVE" }, [ACTIVE_ONES]],
  [{ includeDeleted: true, status: "ACTIVE" }, [ACTIVE_ONES, OTHERS]],
  [{ includeDeleted: false, status: "PAUSED" }, [OTHERS]],
  [{ includeDeleted: true, status: "COMPLETED" }, [OTHERS]],
  [{ includeDeleted: true, eventType: "event 3" }, [ACTIVE_ONES, OTHERS]],
  [{ includeDeleted: false, channel: "email" }, [ACTIVE_ONES, OTHERS]],
];

test("a page of one entity's reminders is found by indexes, whatever else is asked for", async () => {
  const database = await filled();
  for (const [filter, indexes] of FILTERS) {
    for (const below of [null, 10_000]) {
      const ask = (sql: TenantSql) => listReminders(sql, { ...OF_ENTITY, ...filter }, { below, limit: 100 });
      const plan = await planOf(database, ask);
      expect(plan.map((step) => step["Node Type"])).not.toContain("Seq Scan");
      expect(plan.flatMap((step) => step["Index Name"] ?? []).sort()).toEqual(indexes.toSorted());
    }
  }
});

test("page by page, they are those that fit and no others, the newest first", async () => {
  const database = await filled();
  for (const [filter] of FILTERS) {
    const { status, eventType, channel, includeDeleted } = filter;
    const fitting = await database.query<{ id: number }>(
      `select id from reminder_jobs where entity_id = 'INV_7' and ($1::text is null or status = $1)
          and ($2::text is null or event_type = $2) and ($3::text is null or channel = $3)
          and ($4 or deleted_at is null) order by id desc`,
      [status, eventType, channel, includeDeleted],
    );

    const found: number[] = [];
    for (let below: number | null = null; ; below = found.at(-1) ?? null) {
      const page = await listReminders(
        apiDatabase(database).forTenant("default"),
        { ...OF_ENTITY, ...filter },
        { below, limit: 3 },
      );
      found.push(...page.map(({ id }) => id));
      if (page.length < 3) break;
    }
    expect(found).toEqual(fitting.map(({ id }) => id));
  }
});

interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  Plans?: PlanNode[];
}

/** How PostgreSQL would run the query that `ask` asks: all steps of its plan. */
async function planOf(database: TestDatabase, ask: (sql: TenantSql) => Promise<unknown>): Promise<PlanNode[]> {
  const api = apiDatabase(database).forTenant("default");
  let steps: PlanNode[] = [];
  const explaining: TenantSql = {
    tenant: api.tenant,
    query: async <R extends Row>(text: string, params?: readonly unknown[]): Promise<R[]> => {
      const [row] = await api.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(`explain (format json) ${text}`, params);
      steps = row ? stepsOf(row["QUERY PLAN"][0].Plan) : [];
      return [];
    },
  };
  await ask(explaining);
  return steps;
}

function stepsOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(stepsOf)];
}
