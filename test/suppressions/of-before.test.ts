import { expect, test } from "vitest";
import { migrate } from "../../src/store/migrate.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { readUnwanted } from "../../src/store/unwanted.ts";
import { freshDatabase } from "../support/database.ts";

const AS_BEFORE = `
  alter table suppressions drop constraint suppressions_address_check, drop column any_case,
    add constraint suppressions_address_check check (address = lower(address));
  alter table opt_outs drop constraint opt_outs_address_check, drop column any_case,
    add constraint opt_outs_address_check check (address = lower(address));
  drop function reminder_address_key(text);
  delete from schema_migrations where version = 30;
  insert into suppressions (channel, address, reason, created_by)
  values ('sink', 'https://u.example/team', 'gone', 'x'), ('sink', 'ann@example.org', 'gone', 'x');
  insert into opt_outs (channel, address, kind, about, created_by)
  values ('sink', 'https://u.example/other', 'event_type', 'payment', 'x')`;

test("URLs that were kept in lower case hold for all that they may have meant, once the database is brought up to date", async () => {
  const database = await freshDatabase();
  await database.query(AS_BEFORE);
  expect(await migrate(database)).toEqual(["0030_addresses.sql"]);

  const addresses = ["https://U.example/Team", "https://u.example/OTHER", "Ann@Example.org", "https://u.example/third"];
  const asked = { tenantId: "default", channel: "sink", reminderId: 1, eventType: "payment" };
  const found = await readUnwanted(
    workerDatabase(database),
    addresses.map((address) => ({ ...asked, address })),
  );
  expect(found.map(({ suppressed, optedOutOf }) => suppressed?.reason ?? optedOutOf)).toEqual([
    "gone",
    "event_type",
    "gone",
    null,
  ]);
});
