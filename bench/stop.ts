import { nothingChannel, startEngine } from "./support/engine.ts";
import { pause } from "./support/measure.ts";
import { type Figure, percentile, type Scenario } from "./support/scenario.ts";

const FLAGS = 10_000;
const BATCH = 20;

const INSERT = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at,
                             stop_condition_type, stop_condition_value)
  select 'stop', n::text, 'payment', 'nothing', 'someone@example.org', 'recurring', 1,
         now() + n % 600 * interval '100 milliseconds', 'db_check', 'paid:' || n
    from generate_series(1, $1::int) n`;

const SET = `
  insert into status_flags (key, value) select 'paid:' || n, true from unnest($1::int[]) n
  returning extract(epoch from clock_timestamp()) * 1000 as at`;

/** Flags set at random moments under load: how soon their reminders are complete, and whether a message left after. */
export const stop: Scenario = {
  name: "stop",
  run: async (stage) => {
    const database = await stage.fresh();
    await database.query(INSERT, [FLAGS]);
    await database.runAlone("vacuum analyze");
    const lastSentAt = new Map<number, number>();
    const worker = startEngine(
      database,
      nothingChannel(({ reminder }) => lastSentAt.set(reminder.id, performance.timeOrigin + performance.now())),
    );

    const committedAt = new Map<number, number>();
    const order = Array.from({ length: FLAGS }, (_, index) => index + 1).sort(() => Math.random() - 0.5);
    while (order.length > 0) {
      const keys = order.splice(0, 1 + Math.floor(Math.random() * BATCH));
      await database.query(SET, [keys]);
      const at = performance.timeOrigin + performance.now();
      for (const key of keys) committedAt.set(key, at);
      await pause(Math.random() * 20);
    }
    for (;;) {
      const [row] = await database.query<{ left: number }>(
        "select count(*) as left from reminder_jobs where status = 'ACTIVE'",
      );
      if (row?.left === 0) break;
      await pause(20);
    }
    const rows = await database.query<{ id: number; entity_id: string; completed_at: number }>(
      "select id, entity_id, completed_at from reminder_jobs",
    );
    await worker.stop();

    const toCompletion = rows.map((row) => row.completed_at - (committedAt.get(Number(row.entity_id)) as number));
    const after = rows.map((row) => (lastSentAt.get(row.id) ?? 0) - (committedAt.get(Number(row.entity_id)) as number));
    const figures: Figure[] = [
      { what: `flag commit to COMPLETED, p50 of ${FLAGS}`, value: percentile(toCompletion, 0.5), unit: "ms" },
      { what: `flag commit to COMPLETED, p99 of ${FLAGS}`, value: percentile(toCompletion, 0.99), unit: "ms" },
      {
        what: "longest time between a flag's commit and a message that still left",
        value: Math.max(0, ...after),
        unit: "ms",
      },
    ];
    return figures;
  },
};
