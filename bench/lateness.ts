import { nothingChannel, startEngine } from "./support/engine.ts";
import { clockMs, pause, untilSent } from "./support/measure.ts";
import { insertReminders } from "./support/rows.ts";
import { type Figure, percentile, type Scenario } from "./support/scenario.ts";
import type { Stage } from "./support/stage.ts";

const RATES = [300, 1_000];
const SECONDS = 20;
const RESIDENT = 20_000;

const DUE_EVENLY = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
  select 'late', n::text, 'payment', 'nothing', 'someone@example.org', 'recurring', 600,
         now() + interval '3 seconds' + n * interval '1 second' / $2
    from generate_series(1, $1::int) n
  returning id, next_run_at`;

/** How long after its due instant a message leaves, at a steady rate, by the database's clock. */
export const lateness: Scenario = {
  name: "lateness",
  run: async (stage) => {
    const figures: Figure[] = [];
    for (const rate of RATES) figures.push(...(await at(stage, rate)));
    return figures;
  },
};

async function at(stage: Stage, perSecond: number): Promise<Figure[]> {
  const database = await stage.fresh();
  await insertReminders(database, RESIDENT, "resident", 86_400);
  await database.runAlone("vacuum analyze");
  const sentAt = new Map<number, number>();
  const worker = startEngine(
    database,
    nothingChannel(({ reminder }) => sentAt.set(reminder.id, clockMs())),
  );
  await pause(500);
  const count = perSecond * SECONDS;
  const due = await database.query<{ id: number; next_run_at: number }>(DUE_EVENLY, [count, perSecond]);
  await untilSent(database, count);
  await worker.stop();

  const late = due.map((row) => (sentAt.get(row.id) as number) - row.next_run_at);
  const what = (name: string): string => `${name} lateness at ${perSecond} due/s`;
  return [
    { what: what("least"), value: Math.min(...late), unit: "ms" },
    { what: what("p50"), value: percentile(late, 0.5), unit: "ms" },
    { what: what("p99"), value: percentile(late, 0.99), unit: "ms" },
  ];
}
