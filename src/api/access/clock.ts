import type { Instant } from "../../core/instant.ts";
import { readClock } from "../../store/keys.ts";
import type { Sql } from "../../store/postgres.ts";
import { remembered } from "./remembered.ts";

const FRESH_MS = 5_000;

/** The database's clock, asked every few seconds and reckoned on in between. */
export function databaseClock(sql: Sql): () => Promise<Instant> {
  const ask = remembered(async () => {
    const askedAtMs = performance.now();
    return { now: await readClock(sql), askedAtMs };
  }, FRESH_MS);
  return async () => {
    const { now, askedAtMs } = await ask();
    return now + (performance.now() - askedAtMs);
  };
}
