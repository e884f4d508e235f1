import { expect, test } from "vitest";
import { openDatabase } from "../store/postgres.ts";
import { databaseForApi, databaseForWorker } from "./part-database.ts";
import { CannotRun } from "./say.ts";

test.each([databaseForApi, databaseForWorker])(
  "%o: a server that goes away just then is told in one line",
  async (open) => {
    const database = openDatabase({ url: "postgresql://127.0.0.1:1/none" });
    const broken = () => Promise.reject(new Error("Connection terminated unexpectedly"));
    const opening = open({ ...database, query: broken, as: () => ({ query: broken, transaction: broken }) });
    await expect(opening).rejects.toThrow(CannotRun);
    await expect(opening).rejects.toThrow(
      /^the connection to PostgreSQL broke: Connection terminated unexpectedly: start/,
    );
    await database.close();
  },
);
