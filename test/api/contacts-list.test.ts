import { expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";

const names = (contacts: unknown): string[] =>
  (contacts as { entity_type: string; entity_id: string }[]).map((one) => `${one.entity_type}/${one.entity_id}`);

test("contacts are listed in the order of their names, page by page, each as it is read alone", async () => {
  const api = await startApi(await freshDatabase());
  expect((await api.call("GET", "/contacts")).body).toEqual([]);
  for (const id of ["c", "a", "b", "d/e"]) await api.putContact("team", id, { name: id, time_zone: "Europe/Berlin" });
  await api.putContact("person", "z", { email: "z@example.com" });

  const first = await api.call("GET", "/contacts?limit=2");
  expect(names(first.body)).toEqual(["person/z", "team/a"]);
  expect(await api.all("/contacts?limit=2")).toHaveLength(5);
  expect(names(await api.all("/contacts?limit=2"))).toEqual(["person/z", "team/a", "team/b", "team/c", "team/d/e"]);
  expect((first.body as unknown[])[1]).toEqual((await api.call("GET", "/contacts/team/a")).body);
});

test("they are found by their type, and by whatever address they have, however that is written", async () => {
  const api = await startApi(await freshDatabase());
  await api.putContact("person", "ann", { email: "Ann@Example.com", phone: "+49 151 12345678" });
  await api.putContact("person", "bob", { email: "bob@example.com", addresses: { sink: "U0B0B" } });
  await api.putContact("team", "ops", { email: "ann@example.com" });
  const found = async (query: Record<string, string>) =>
    names(await api.all(`/contacts?${new URLSearchParams(query)}`));

  expect(await found({ entity_type: "team" })).toEqual(["team/ops"]);
  expect(await found({ address: "ANN@example.com" })).toEqual(["person/ann", "team/ops"]);
  expect(await found({ address: "ANN@example.com", limit: "1" })).toEqual(["person/ann", "team/ops"]);
  expect(await found({ address: "ann@example.com", entity_type: "person" })).toEqual(["person/ann"]);
  expect(await found({ address: "+4915112345678" })).toEqual(["person/ann"]);
  expect(await found({ address: "u0b0b" })).toEqual(["person/bob"]);
  expect(await found({ address: "%" })).toEqual([]);
});

test.each([
  ["limit", "limit=0"],
  ["cursor", "cursor=abc"],
  ["name", "name=Ann"],
  ["address", "address="],
])("a wrong %s is refused", async (field, query) => {
  const api = await startApi(await freshDatabase());
  const { errors } = await api.refused(422, "GET", `/contacts?${query}`);
  expect(errors).toMatchObject([{ field }]);
});

test("P9: of another tenant's nothing is listed, nor found, and it takes the scope to read contacts", async () => {
  const database = await freshDatabase();
  await createTenants(database, "acme");
  await (await startApi(database, { tenant: "acme" })).putContact("person", "ann", { email: "ann@example.com" });
  const mine = await startApi(database);
  expect(await mine.all("/contacts")).toEqual([]);
  expect(await mine.all("/contacts?address=ann@example.com")).toEqual([]);

  const { text } = await giveKey(database, { scopes: ["reminders:read"] });
  const other = await startApi(database, { key: text });
  expect((await other.refused(403, "GET", "/contacts")).detail).toContain("contacts:read");
});
