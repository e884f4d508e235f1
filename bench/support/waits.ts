import { openDatabase } from "../../src/store/postgres.ts";
import { pause } from "./measure.ts";

const SAMPLE_EVERY_MS = 50;

// One that waits for nothing runs, or would if it were given a core.
const SAMPLE = `
  select coalesce(wait_event_type || ':' || wait_event, '') as wait, count(*) as count
    from pg_stat_activity
   where application_name = $1 and datname = current_database() and state = 'active'
   group by wait`;

/** What the backends at work waited for, as often as it was looked; "" stands for nothing. */
export type Waits = Map<string, number>;

/** Looks time and again what the backends of an application wait for. Returns what ends that, and adds what was seen to `waits`. */
export function watchWaits(url: string, application: string, waits: Waits): () => Promise<void> {
  const database = openDatabase({ url, poolSize: 1, applicationName: "bench" });
  let isEnded = false;
  const watching = (async () => {
    while (!isEnded) {
      for (const { wait, count } of await database.query<{ wait: string; count: number }>(SAMPLE, [application]))
        waits.set(wait, (waits.get(wait) ?? 0) + count);
      await pause(SAMPLE_EVERY_MS);
    }
  })();
  // Waited for in the end; a failure must not count as unhandled until then.
  watching.catch(() => {});
  return async () => {
    isEnded = true;
    await watching;
    await database.close();
  };
}

/** What was waited for most often, and in what share of all samples; null where nothing was waited for. */
export function mostFrequent(waits: Waits): { wait: string; share: number } | null {
  const all = [...waits.values()].reduce((sum, count) => sum + count, 0);
  const [most] = [...waits].filter(([wait]) => wait !== "").sort(([, a], [, b]) => b - a);
  return most ? { wait: most[0], share: most[1] / all } : null;
}
