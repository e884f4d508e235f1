import type { Channel, Message } from "../src/channels/channel.ts";
import { type Database, openDatabase, toTimestamptz } from "../src/store/postgres.ts";
import { nothingChannel, startEngine } from "./support/engine.ts";
import { clockMs, pause, untilSent } from "./support/measure.ts";
import { type Figure, percentile, type Scenario } from "./support/scenario.ts";
import { setStage } from "./support/stage.ts";

const FLAGS = 10_000;
const OTHERS_PER_SECOND = 2_000;
const SECONDS = 20;
/** Half of the flags are set this close to the due instant of their reminder, when it is fired and sent. */
const CLOSE_MS = 50;
/** Within this all rows are there, and the worker, which takes a moment to start, is at work. */
const PREPARED_WITHIN_MS = 20_000;
const STARTS_MS = 2_000;
const SEND_MS = 5;
/** About twice as many as are sent at once: now and then, some wait for their turn. */
const CONCURRENCY = 25;

const INSERT = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at,
                             stop_condition_type, stop_condition_value)
  select 'stop', no - 1, 'payment', 'nothing', 'someone@example.org', 'recurring', 600,
         $1::timestamptz + due_in_ms * interval '1 millisecond', 'db_check', 'paid:' || (no - 1)
    from unnest($2::int[]) with ordinality as due (due_in_ms, no)`;

const INSERT_OTHERS = `
  insert into reminder_jobs (entity_type, entity_id, event_type, channel, recipient, schedule_type, interval_minutes, run_at)
  select 'other', n::text, 'payment', 'nothing', 'someone@example.org', 'recurring', 600,
         $1::timestamptz + n * interval '1 second' / $3
    from generate_series(1, $2::int) n`;

// The settler updates a flag's row as well: which transaction set it is known only here.
const SET = `
  insert into status_flags (key, value) select 'paid:' || no, true from unnest($1::int[]) no
  returning pg_current_xact_id()::xid::text as xid`;

const SET_AT = `
  select (extract(epoch from pg_xact_commit_timestamp(xid::xid)) * 1000)::float8 as at
    from unnest($1::text[]) with ordinality as flag (xid, no)
   order by no`;

// A reminder's row may be updated once more after it is complete; its line in the timeline, of the same transaction, never is.
const COMPLETED_AT = `
  select r.entity_id, (extract(epoch from pg_xact_commit_timestamp(e.xmin)) * 1000)::float8 as at
    from reminder_events e
    join reminder_jobs r on r.id = e.reminder_id
   where e.type = 'completed'`;

// By the index of who waits for a flag.
const IS_WAITING = `
  select exists (select from reminder_jobs
                  where status = 'ACTIVE' and deleted_at is null and flag_key is not null) as is_waiting`;

/**
 * Flags set at random moments under load, many of them just when their reminder is due: how soon that is complete, and whether a
 * message left after. A commit's instant is the server's own, which it takes right before it makes the commit durable: what leaves
 * within that time counts as after it.
 */
export const stop: Scenario = {
  name: "stop",
  run: async () => {
    const stage = await setStage({ track_commit_timestamp: "on" });
    try {
      return await measure(await stage.fresh());
    } finally {
      await stage.strike();
    }
  },
};

async function measure(database: Database & { url: string }): Promise<Figure[]> {
  const beginsAt = Date.now() + PREPARED_WITHIN_MS;
  const flags = Array.from({ length: FLAGS }, (_, no) => planned(no));
  const others = OTHERS_PER_SECOND * SECONDS;
  await database.query(INSERT, [toTimestamptz(beginsAt), flags.map((flag) => flag.dueInMs)]);
  await database.query(INSERT_OTHERS, [toTimestamptz(beginsAt), others, OTHERS_PER_SECOND]);
  await database.runAlone("vacuum analyze");
  await database.runAlone("checkpoint");
  if (clockMs() > beginsAt - STARTS_MS)
    throw new Error("the machine is too slow for this: it isn't ready when it is to begin");
  const leftAt = new Map<string, number>();
  const worker = startEngine(
    database,
    slowChannel(({ reminder }) => {
      if (reminder.entityType === "stop") leftAt.set(reminder.entityId, clockMs());
    }),
  );
  const xids = await setFlags(database.url, flags, beginsAt);
  await untilSent(database, others);
  while ((await database.query<{ is_waiting: boolean }>(IS_WAITING))[0]?.is_waiting) await pause(100);
  await worker.stop();

  const setAt = (await database.query<{ at: number }>(SET_AT, [xids])).map((row) => row.at);
  const completions = await database.query<{ entity_id: string; at: number }>(COMPLETED_AT);
  if (completions.length !== FLAGS) throw new Error(`${completions.length} of ${FLAGS} reminders were completed`);
  const toCompletion = completions.map(({ entity_id, at }) => at - (setAt[Number(entity_id)] as number));
  const late = [...leftAt].map(([no, at]) => at - (setAt[Number(no)] as number)).filter((ms) => ms > 0);
  const close = flags.filter(({ dueInMs }, no) => Math.abs((setAt[no] as number) - beginsAt - dueInMs) <= CLOSE_MS);
  return [
    { what: `flag commit to COMPLETED's commit, p50 of ${FLAGS}`, value: percentile(toCompletion, 0.5), unit: "ms" },
    { what: `flag commit to COMPLETED's commit, p99 of ${FLAGS}`, value: percentile(toCompletion, 0.99), unit: "ms" },
    {
      what: "longest time between a flag's commit and a message that still left",
      value: Math.max(0, ...late),
      unit: "ms",
    },
    { what: "messages that left after their flag's commit", value: late.length, unit: "messages" },
    { what: `flags set within ${CLOSE_MS} ms of the due instant`, value: close.length, unit: "flags" },
  ];
}

/** When a flag is set, and when its reminder is due, in milliseconds from the beginning. */
interface Planned {
  dueInMs: number;
  setInMs: number;
}

function planned(no: number): Planned {
  const dueInMs = Math.floor(Math.random() * SECONDS * 1_000);
  const isClose = no % 2 === 0;
  const setInMs = isClose ? dueInMs + (Math.random() * 2 - 1) * CLOSE_MS : Math.random() * SECONDS * 1_000;
  return { dueInMs, setInMs };
}

/** Sets each flag when it is to be set, over a connection that the worker doesn't use, and returns the transactions that did. */
async function setFlags(url: string, flags: readonly Planned[], beginsAt: number): Promise<string[]> {
  const setter = openDatabase({ url, poolSize: 1 });
  const xids: string[] = [];
  const order = flags.map(({ setInMs }, no) => ({ no, at: beginsAt + setInMs })).sort((a, b) => a.at - b.at);
  while (order[0]) {
    await pause(order[0].at - clockMs());
    const later = order.findIndex(({ at }) => at > clockMs());
    const due = order.splice(0, later < 0 ? order.length : later).map(({ no }) => no);
    if (due.length === 0) continue;
    const [row] = await setter.query<{ xid: string }>(SET, [due]);
    for (const no of due) xids[no] = row?.xid as string;
  }
  await setter.close();
  return xids;
}

/** A channel that takes its time. What it calls once a message may leave is called as it does. */
function slowChannel(onLeave: (message: Message) => void): Channel {
  const nothing = nothingChannel(onLeave);
  return {
    ...nothing,
    concurrency: CONCURRENCY,
    send: async (message, options) => {
      await options.beforeSend?.();
      const receipt = await nothing.send(message, options);
      await pause(SEND_MS);
      return receipt;
    },
  };
}
