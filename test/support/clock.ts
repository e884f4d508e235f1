import type { Sql } from "../../src/store/postgres.ts";

const INSTALL = `
  create table test_clock (seconds_ahead double precision not null);
  grant select on test_clock to public;
  insert into test_clock values (0);
  create or replace function reminder_now() returns timestamptz
    language sql stable
    as $$ select now() + (select seconds_ahead from test_clock) * interval '1 second' $$`;

/** Gives a test database a clock that can be moved. Only a database that was made for a test ever gets this. */
export async function installTestClock(sql: Sql): Promise<void> {
  await sql.query(INSTALL);
}

/** Moves the database's clock ahead, and wakes whoever sleeps by it. */
export async function advance(sql: Sql, by: { seconds?: number; minutes?: number; days?: number }): Promise<void> {
  const seconds = (by.seconds ?? 0) + (by.minutes ?? 0) * 60 + (by.days ?? 0) * 86_400;
  await sql.query("update test_clock set seconds_ahead = seconds_ahead + $1", [seconds]);
  await sql.query("select pg_notify('reminder_engine', 'clock')");
}

/** Sets the database's clock to 10:20 of tomorrow, UTC: in the middle of an hour, whenever a test runs. */
export async function setToTwentyPastTen(sql: Sql): Promise<void> {
  await sql.query(
    "update test_clock set seconds_ahead = extract(epoch from date_trunc('day', now()) + interval '1 day 10 hours 20 minutes' - now())",
  );
}
