import type { Database, Row, Session, Sql } from "../../src/store/postgres.ts";

interface Explained extends Row {
  "QUERY PLAN": [{ Plan: { "Shared Hit Blocks": number; "Shared Read Blocks": number } }];
}

/**
 * The same database, with each statement that has `words` in it first run under `explain`; `pages` is told how many pages
 * it touched: the measure of its work on any machine. Only for what may well run twice.
 */
export function weighing<D extends Database>(database: D, words: string, pages: (count: number) => void): D {
  const weigh = (sql: Sql): Sql => ({
    query: async <R extends Row>(text: string, params?: readonly unknown[]) => {
      if (text.includes(words)) {
        const rows = await sql.query(`explain (analyze, buffers, timing off, format json) ${text}`, params);
        const [explained] = (rows[0] as Explained)["QUERY PLAN"];
        pages(explained.Plan["Shared Hit Blocks"] + explained.Plan["Shared Read Blocks"]);
      }
      return sql.query<R>(text, params);
    },
  });
  const weighSession = (session: Session): Session => ({
    query: weigh(session).query,
    transaction: (work, limits) => session.transaction((sql) => work(weigh(sql)), limits),
  });
  return { ...database, ...weighSession(database), as: (identity) => weighSession(database.as(identity)) };
}
