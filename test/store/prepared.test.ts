import { expect, test } from "vitest";
import { isDatabaseAway, isFaultOfRows, type Session } from "../../src/store/postgres.ts";
import { freshDatabase } from "../support/database.ts";

const PREPARED = "select count(*)::int as count from pg_prepared_statements";

/** One connection alone, so that what is prepared on it is seen. */
async function oneConnection(): Promise<{ planned: Session; sql: Session }> {
  const database = await freshDatabase({ poolSize: 1 });
  await database.query("select 1");
  await database.query("create table things (id int, name varchar(10))");
  await database.query("insert into things values (1, 'one')");
  // Whoever asks first may be sooner than the answer to whose connection it is.
  await database.query("select 2");
  return { planned: database.as({ role: null, tenant: "*" }, "by_index"), sql: database };
}

const prepared = async (sql: Session): Promise<number> =>
  (await sql.query<{ count: number }>(PREPARED))[0]?.count as number;

const byId = (sql: Session, id: number) => sql.query("select name from things where id = $1", [id]);

test("what a worker asks is prepared once on its connection; what is planned by statistics, or asks nothing, isn't", async () => {
  const { planned, sql } = await oneConnection();
  await byId(sql, 1);
  expect(await prepared(sql)).toBe(0);
  await byId(planned, 1);
  expect(await byId(planned, 1)).toEqual([{ name: "one" }]);
  expect(await byId(planned, 2)).toEqual([]);
  expect(await prepared(sql)).toBe(1);
});

test("a table that was changed since, or statements that somebody forgot, pass by and blame no row", async () => {
  const { planned, sql } = await oneConnection();
  const ways = ["alter table things alter column name type text", "deallocate all"];
  for (const way of ways) {
    await byId(planned, 1);
    expect(await prepared(sql)).toBeGreaterThan(0);
    await sql.query(way);
    const error: unknown = await byId(planned, 1).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect([isDatabaseAway(error), isFaultOfRows(error)], way).toEqual([true, false]);
    expect(await byId(planned, 1), way).toEqual([{ name: "one" }]);
    await sql.query("select 3");
  }
  // Somebody between us and the server may have forgotten them: nothing is prepared there any more.
  expect(await byId(planned, 1)).toEqual([{ name: "one" }]);
  expect(await prepared(sql)).toBe(0);
});
