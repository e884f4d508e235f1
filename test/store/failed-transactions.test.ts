import { expect, test } from "vitest";
import { isDatabaseAway, isFaultOfRows, isTimedOut, type Sql } from "../../src/store/postgres.ts";
import { freshDatabase } from "../support/database.ts";

/** As a reader asks that is called by another: what it is answered is heard some turns later. */
async function deep(sql: Sql, text: string): Promise<unknown> {
  await Promise.resolve();
  const asked = sql.query(text);
  return await (async () => await (async () => await asked)())();
}

test("of several that travel together, the one that failed says why, however late it is heard", async () => {
  const database = await freshDatabase();
  const asked = database.transaction(
    async (sql) => {
      const first = deep(sql, "select pg_sleep(60)");
      await Promise.resolve();
      const others = ["select 1", "select 2"].map((text) => sql.query(text));
      return Promise.all([first, ...others]);
    },
    { statementMs: 100 },
  );
  const error: unknown = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect([isTimedOut(error), isDatabaseAway(error), isFaultOfRows(error)]).toEqual([true, true, false]);
});

test("what failed within a step that was taken back isn't told of what fails later", async () => {
  const database = await freshDatabase();
  const asked = database.transaction(async (sql) => {
    await sql.query("savepoint step");
    await sql.query("select 1 / 0").catch(() => {});
    await sql.query("rollback to savepoint step");
    return sql.query("select no_such_column");
  });
  await expect(asked).rejects.toMatchObject({ code: "42703" });
});
