import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/postgres.ts";
import { freshDatabase } from "../support/database.ts";
import { openNetwork } from "./proxy.ts";

async function throughProxy() {
  const direct = await freshDatabase();
  const proxy = await openNetwork(direct.url);
  const database = openDatabase({ url: proxy.url });
  onTestFinished(async () => {
    await proxy.close();
    await database.close();
  });
  const flags = async () => (await direct.query("select key from status_flags")).map((row) => row.key);
  return { proxy, database, flags };
}

const INSERT = "insert into status_flags (key) values ($1)";

test("a lost reply to COMMIT leaves the sender with an error and the transaction committed", async () => {
  const { proxy, database, flags } = await throughProxy();
  const dropped = proxy.dropNextCommit(10_000);

  await expect(database.transaction((sql) => sql.query(INSERT, ["a"]))).rejects.toThrow();

  expect(await dropped).toBe(true);
  expect(await flags()).toEqual(["a"]);
  await database.transaction((sql) => sql.query(INSERT, ["b"]));
  expect(await flags()).toEqual(["a", "b"]);
});

test("a connection that went silent answers nothing and tells nobody; a new one works", async () => {
  const { proxy, database } = await throughProxy();
  await database.query("select 1");
  expect(proxy.freeze(1)).toBe(1);

  const asked = database.query("select 2").then(
    () => "answered",
    () => "failed",
  );
  const other = await database.query("select 3 as three");

  expect(other).toEqual([{ three: 3 }]);
  expect(await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 300, "silent"))])).toBe("silent");
});
