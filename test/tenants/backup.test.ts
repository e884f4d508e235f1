import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EVERY_TENANT } from "../../src/store/identity.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { OLDER, startOlderServer } from "../support/older-server.ts";
import { createTenants, fill, ownedDatabase } from "../support/tenants.ts";

test.runIf(OLDER)(
  "a backup by the owner, made as the guide says, has every tenant's rows, and can be restored",
  async () => {
    const server = await startOlderServer();
    onTestFinished(() => server.stop());
    const { url, owner } = await ownedDatabase(server.url, "createrole");
    const database = openDatabase({ url });
    onTestFinished(() => database.close());
    await migrate(database);
    await createTenants(database, "acme");
    for (const tenant of ["default", "acme"]) await fill(database, tenant);
    const all = database.as({ role: null, tenant: EVERY_TENANT });
    const counts =
      "select tenant_id, count(*) from reminder_jobs join deliveries using (tenant_id) group by 1 order by 1";

    const env = { ...process.env, PGOPTIONS: "-c reminder.tenant=*" };
    const dump = execFileSync(join(OLDER as string, "pg_dump"), ["--enable-row-security", url], { env });
    const emptied = "drop schema public cascade; create schema public";
    await database.query(emptied);
    execFileSync(join(OLDER as string, "psql"), ["--quiet", "--set=ON_ERROR_STOP=1", url], {
      input: dump,
      env,
      stdio: "pipe",
    });

    expect(owner).not.toBe("postgres");
    expect(await all.query(counts)).toEqual([
      { tenant_id: "acme", count: 1 },
      { tenant_id: "default", count: 1 },
    ]);
    expect(await migrate(database)).toEqual([]);
    expect(await database.query("select tenant_id from contacts")).toEqual([{ tenant_id: "default" }]);
  },
);
