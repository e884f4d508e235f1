import { nothingChannel, startEngine } from "./support/engine.ts";
import { clockMs, pause } from "./support/measure.ts";
import { type Figure, percentile, type Scenario } from "./support/scenario.ts";

const WAITING = Number(process.env.BENCH_WAITING ?? 1_000_000);
/** So many in a statement, none of which is to take longer than any other may. */
const CHUNK = 100_000;
const OTHERS_PER_SECOND = 100;
const SECONDS = 15;

const INSERT_WAITING = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes,
                             stop_condition_type, stop_condition_value)
  select 'waiting', n::text, 'payment', 'nothing', 'someone@example.org', 'recurring', 500000, 'db_check', 'everything-is-paid'
    from generate_series($1::int, $2::int) n`;

const INSERT_OTHERS = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
  select 'other', n::text, 'payment', 'nothing', 'someone@example.org', 'recurring', 600,
         now() + interval '2 seconds' + n * interval '1 second' / $2
    from generate_series(1, $1::int) n
  returning id, next_run_at`;

/** A flag that a million reminders wait for is set: how long the setter waits, and how late the others become. */
export const bigFlag: Scenario = {
  name: "big-flag",
  run: async (stage) => {
    const database = await stage.fresh();
    for (let first = 1; first <= WAITING; first += CHUNK)
      await database.query(INSERT_WAITING, [first, first + CHUNK - 1]);
    await database.runAlone("vacuum analyze");
    // A server that has run for a while writes its log over old files; to make new ones holds up all commits, a file at a time.
    await database.runAlone("checkpoint");
    const sentAt = new Map<number, number>();
    const channel = nothingChannel(({ reminder }) => sentAt.set(reminder.id, clockMs()));
    const worker = startEngine(database, channel);
    await pause(1_000);
    const others = await database.query<{ id: number; next_run_at: number }>(INSERT_OTHERS, [
      OTHERS_PER_SECOND * SECONDS,
      OTHERS_PER_SECOND,
    ]);

    const setAt = performance.now();
    await database.query("insert into status_flags (key, value) values ('everything-is-paid', true)");
    const setterMs = performance.now() - setAt;
    while (sentAt.size < others.length) await pause(50);
    const [row] = await database.query<{ done: number }>(
      "select count(*) as done from reminder_jobs where completion_reason = 'stop_condition'",
    );
    const seconds = (performance.now() - setAt) / 1_000;
    await worker.stop();

    const late = others.map((other) => (sentAt.get(other.id) as number) - other.next_run_at);
    const figures: Figure[] = [
      { what: "the setter's statement", value: setterMs, unit: "ms" },
      { what: "waiting reminders completed meanwhile", value: (row?.done ?? 0) / seconds, unit: "/s" },
      { what: "p50 lateness of the others", value: percentile(late, 0.5), unit: "ms" },
      { what: "p99 lateness of the others", value: percentile(late, 0.99), unit: "ms" },
    ];
    return figures;
  },
};
