import type { Message } from "../src/channels/channel.ts";
import type { Database } from "../src/store/postgres.ts";
import { nothingChannel, startEngine } from "./support/engine.ts";
import { clockMs, pause } from "./support/measure.ts";
import { type Figure, percentile, type Scenario } from "./support/scenario.ts";
import type { Stage } from "./support/stage.ts";

const PER_SECOND = 800;
const MINUTES = Number(process.env.BENCH_MINUTES ?? 3);

const INSERT_EVENLY = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
  select 'held', n::text, 'payment', 'nothing', 'someone@example.org', 'recurring', 1,
         now() + interval '3 seconds' + n * interval '1 second' / $1
    from generate_series(1, 60 * $1::int) n`;

const DEAD = `
  select sum(n_dead_tup)::float8 as dead from pg_stat_user_tables where relname = 'reminder_jobs' or relname like 'deliveries%'`;

/** 800 fires a second beside a transaction that stays open, so that no dead row can be cleared away. */
export const heldSnapshot: Scenario = {
  name: "held-snapshot",
  run: async (stage) => {
    const free = await measure(stage, false);
    const held = await measure(stage, true);
    const figures: Figure[] = [
      { what: `p50 lateness in the last minute of ${MINUTES}, no transaction open`, value: free.p50, unit: "ms" },
      { what: "p99", value: free.p99, unit: "ms" },
      {
        what: "rate beside an open transaction, last minute",
        value: held.rate,
        unit: "/s",
        ratio: held.rate / free.rate,
        against: "without it",
      },
      { what: "p50 lateness in that minute", value: held.p50, unit: "ms" },
      { what: "p99", value: held.p99, unit: "ms" },
      { what: "dead rows by then", value: held.dead, unit: "rows" },
    ];
    return figures;
  },
};

interface LastMinute {
  rate: number;
  p50: number;
  p99: number;
  dead: number;
}

async function measure(stage: Stage, isHeld: boolean): Promise<LastMinute> {
  const database = await stage.fresh();
  const sent: { at: number; lateMs: number }[] = [];
  await database.query(INSERT_EVENLY, [PER_SECOND]);
  const worker = startEngine(
    database,
    nothingChannel((message) => sent.push(arrival(message))),
  );
  const measured = async (): Promise<LastMinute> => {
    await pause(3_000 + MINUTES * 60_000);
    const endedAt = clockMs();
    const last = sent.filter(({ at }) => at > endedAt - 60_000).map(({ lateMs }) => lateMs);
    const [row] = await database.query<{ dead: number }>(DEAD);
    return { rate: last.length / 60, p50: percentile(last, 0.5), p99: percentile(last, 0.99), dead: row?.dead ?? 0 };
  };
  const figures = isHeld ? await besideOpenTransaction(database, measured) : await measured();
  await worker.stop();
  return figures;
}

/** Does `work` while a transaction elsewhere holds on to what it sees of the database. */
function besideOpenTransaction<T>(database: Database, work: () => Promise<T>): Promise<T> {
  return database.transaction(async (sql) => {
    await sql.query("set transaction isolation level repeatable read");
    await sql.query("set local idle_in_transaction_session_timeout = 0");
    await sql.query("select from reminder_jobs limit 1");
    return work();
  });
}

function arrival({ occurrenceAt }: Message): { at: number; lateMs: number } {
  const at = clockMs();
  return { at, lateMs: at - occurrenceAt };
}
