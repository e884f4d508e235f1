import { expect, test } from "vitest";
import { createConsoleChannel } from "../../src/channels/console.ts";
import { channelMap } from "../../src/channels/registry.ts";
import type { Database } from "../../src/store/postgres.ts";
import { startApi, type TestApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { emailChannel } from "../support/email.ts";

interface Outcome {
  created: number;
  updated: number;
  unchanged: number;
  bad: number;
  bad_lines: { line: number; field: string | null; message: string }[];
  dry_run: boolean;
}

async function importing(api: TestApi, csv: string | Buffer, query = "", type = "text/csv") {
  const response = await fetch(`${api.url}/contacts/import${query}`, {
    method: "POST",
    headers: { "content-type": type },
    body: new Uint8Array(Buffer.from(csv)),
  });
  return { status: response.status, body: (await response.json()) as Outcome & { detail?: string } };
}

const start = async (database?: Database): Promise<TestApi> =>
  startApi(database ?? (await freshDatabase()), {
    channels: channelMap([emailChannel(null), createConsoleChannel({ print: () => {} })]),
  });
const contact = async (api: TestApi, id: string) => (await api.call("GET", `/contacts/person/${id}`)).body;

test("a table becomes contacts: what it says is set, what it leaves empty is taken, what it doesn't name stays", async () => {
  const api = await start();
  await api.call("PUT", "/contacts/person/1", {
    ...{ name: "Old", email: "old@example.com", phone: "+4930123456", quiet_hours: [{ from: "22:00", to: "07:00" }] },
    ...{ addresses: { console: "ann" } },
  });
  const csv =
    "\ufeffentity_type,Entity_Id,name,phone,time_zone,locale,manager_type,manager_id,address:console\r\n" +
    'person,1,"Ann, née ""Example""",,Europe/Berlin,de,team,hiring,\r\n' +
    'person,2,"Bob\r\nof two lines",+4930123457,,,,,bob\r\n' +
    "\r\n" +
    "person,3,Cy,,,,,,\r\n" +
    "person,,Dee,,,,,,\r\n";
  expect((await importing(api, csv, "?dry_run=true")).body).toMatchObject({ created: 1, updated: 1, dry_run: true });
  expect((await importing(api, csv)).body).toEqual({
    ...{ created: 1, updated: 1, unchanged: 0, bad: 2, dry_run: false },
    bad_lines: [
      { line: 3, field: "name", message: expect.stringContaining("single line") },
      { line: 7, field: "entity_id", message: expect.any(String) },
    ],
  });
  expect(await contact(api, "1")).toMatchObject({
    ...{ name: 'Ann, née "Example"', email: "old@example.com", phone: null, time_zone: "Europe/Berlin", locale: "de" },
    ...{
      manager: { entity_type: "team", entity_id: "hiring" },
      addresses: {},
      quiet_hours: [{ from: "22:00", to: "07:00" }],
    },
  });
  expect(await contact(api, "3")).toMatchObject({ name: "Cy", email: null });
  expect((await importing(api, csv)).body).toMatchObject({ created: 0, updated: 0, unchanged: 2, bad: 2 });
});

test("each bad line is told with its number and what would be right, and keeps out itself alone", async () => {
  const api = await start();
  const csv = [
    "entity_type,entity_id,email,phone,time_zone,manager_type,manager_id",
    "person,1,ann@example.com,,,,",
    'person,2,"a@example.com, b@example.com",,,,',
    "person,3,,0151,,,",
    "person,4,,,Mars/Base,,",
    "person,1,again@example.com,,,,",
    ",5,,,,,",
    "person,6,,,,person,6",
    "person,7,,,,person,",
    "person,8,,,,,,too,many",
    "person,9",
  ].join("\n");
  const { status, body } = await importing(api, csv);
  expect(status).toBe(200);
  expect(body).toMatchObject({ created: 2, updated: 0, unchanged: 0, bad: 8 });
  expect(body.bad_lines.map(({ line, field }) => [line, field])).toEqual([
    [3, "email"],
    [4, "phone"],
    [5, "time_zone"],
    [6, "entity_id"],
    [7, "entity_type"],
    [8, "manager_id"],
    [9, "manager_id"],
    [10, null],
  ]);
  expect(body.bad_lines[3]?.message).toBe("is there already, in line 2");
  for (const { message } of body.bad_lines) expect(message).not.toMatch(/undefined|Invalid|\[object/);
});

test.each([
  ["", 422],
  ["name\nAnn", 422],
  ["entity_type,entity_id,colour\nperson,1,red", 422],
  ["entity_type,entity_id,entity_id\nperson,1,1", 422],
  ["entity_type,entity_id,address:nowhere\nperson,1,x", 422],
  ["entity_type,entity_id,manager_id\nperson,1,x", 422],
  ['entity_type,entity_id\nperson,"1', 422],
  [Buffer.from([0xff, 0xfe, 0x00]), 400],
  [`entity_type,entity_id\n${"person,1\n".repeat(10_001)}`, 422],
])("a file that can't be read as a whole changes nothing (%#)", async (csv, status) => {
  const api = await start();
  const answer = await importing(api, csv);
  expect(answer.status).toBe(status);
  expect(answer.body.detail).not.toMatch(/undefined|\[object/);
});

test("it takes CSV, and other routes take none", async () => {
  const api = await start();
  const toDo = "send the contacts as CSV, with the header Content-Type: text/csv";
  // The last is what curl says of a file, if nobody says otherwise.
  for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"])
    expect((await importing(api, "{}", "", type)).body).toMatchObject({ status: 415, detail: toDo });
  const other = await fetch(`${api.url}/calendars`, {
    method: "POST",
    headers: { "content-type": "text/csv" },
    body: "a",
  });
  expect(other.status).toBe(415);
});

test("thousands come in one request, and two at once don't stand in each other's way", async () => {
  const api = await start();
  const rows = Array.from({ length: 3_000 }, (_, n) => `person,${n},Person ${n},p${n}@example.com`);
  const file = (lines: string[]) => `entity_type,entity_id,name,email\n${lines.join("\n")}\n`;
  const both = await Promise.all([importing(api, file(rows)), importing(api, file([...rows].reverse()))]);
  expect(both.map(({ status }) => status)).toEqual([200, 200]);
  expect(both.every(({ body }) => body.bad === 0)).toBe(true);
  expect((await importing(api, file(rows))).body).toMatchObject({ created: 0, updated: 0, unchanged: 3_000 });
  expect(await contact(api, "2999")).toMatchObject({ email: "p2999@example.com" });
});

test("a large file keeps its characters, wherever it is taken apart", async () => {
  const database = await freshDatabase();
  const api = await start(database);
  const lines = Array.from({ length: 3_000 }, (_, n) => `person,${n},${"x".repeat(n % 7)}🦉é`);
  const { body } = await importing(api, `entity_type,entity_id,name\n${lines.join("\n")}\n`);
  expect(body).toMatchObject({ created: 3_000, bad: 0 });
  const names = await database.query<{ name: string; entity_id: string }>("select name, entity_id from contacts");
  expect(names).toHaveLength(3_000);
  for (const { name, entity_id: id } of names) expect(name).toBe(`${"x".repeat(Number(id) % 7)}🦉é`);
});

test.each([
  ["cells", ",".repeat(3.9 * 2 ** 20)],
  ["lines", "\n".repeat(3.9 * 2 ** 20)],
])("what holds nothing, millions of times, is refused before anybody takes it apart (%s)", async (_, nothing) => {
  const api = await start();
  const { status, body } = await importing(api, `entity_type,entity_id\n${nothing}`);
  expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining("500000")]);
});

test("lines end as they may, in one file too, and cells that no commas part are named", async () => {
  const api = await start();
  const csv = 'entity_type,entity_id,name\r\nperson,1,"An\rn"\nperson,2,Bob\rperson,3,Cy\r\nperson,4,Dee';
  expect((await importing(api, csv)).body).toMatchObject({
    ...{ created: 3, bad: 1 },
    bad_lines: [{ line: 2, field: "name", message: expect.stringContaining("single line") }],
  });
  for (const [separator, name] of [
    [";", "semicolons"],
    ["\t", "tabs"],
  ] as const) {
    const { status, body } = await importing(api, ["entity_type", "entity_id", "email"].join(separator));
    expect(status).toBe(422);
    expect(body.detail).toBe(`the body must have commas between its cells, not ${name}`);
  }
  const { body } = await importing(api, `entity_type,entity_id,name\nperson,1,x\nperson,2,${"x".repeat(30_000)}\n`);
  expect(body.detail).toMatch(/^the body can't be read as CSV, line 3: a line must have at most 20000 bytes$/);
});

test("what is wrong is named as the table names it, and quotes that are out of place by their line", async () => {
  const api = await start();
  const table = "entity_type,entity_id,manager_type,manager_id\nperson,1,person,\nperson,2,person,2\n";
  expect((await importing(api, table)).body.bad_lines).toMatchObject([
    { line: 2, field: "manager_id" },
    { line: 3, field: "manager_id", message: "must be another contact" },
  ]);
  for (const [cell, why] of [
    [
      '"Ann "Nan" Example"',
      "a cell with quotes in it must be in quotes as a whole, and each quote within it be there twice",
    ],
    [
      'Ann "Nan" Example',
      "a cell with quotes in it must be in quotes as a whole, and each quote within it be there twice",
    ],
    ['"Ann', "the quotes that begin a cell there are never closed"],
  ]) {
    const { status, body } = await importing(api, `entity_type,entity_id,name\nperson,1,${cell}\n`);
    expect([status, body.detail]).toEqual([
      422,
      expect.stringContaining(`the body can't be read as CSV, line 2: ${why}`),
    ]);
  }
});

test("under a key, no connection is kept while a file waits for its turns: as many others are answered meanwhile", async () => {
  const api = await start(await freshDatabase({ poolSize: 1 }));
  // All but the first are refused: to read it is most of the work.
  const csv = `entity_type,entity_id,name\n${"person,1,Ann\n".repeat(9_900)}`;
  const answeredBeside = async (headers: Record<string, string>): Promise<number> => {
    let [isOver, meanwhile] = [false, 0];
    const asked = fetch(`${api.url}/contacts/import`, {
      ...{ method: "POST", headers: { "content-type": "text/csv", ...headers }, body: csv },
    }).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await api.call("GET", "/contacts");
      meanwhile += 1;
    }
    expect(await (await asked).json()).toMatchObject({ bad: 9_899 });
    return meanwhile;
  };
  // The first time everything takes longer.
  await answeredBeside({});
  let best = 0;
  for (let round = 0; round < 3 && best < 1 / 3; round += 1) {
    const without = await answeredBeside({});
    expect(without).toBeGreaterThan(0);
    best = Math.max(best, (await answeredBeside({ "idempotency-key": `file-${round}` })) / without);
  }
  expect(best).toBeGreaterThan(1 / 3);
});

test("under a key, a file is taken once; another under the same key is refused, one that can't be read leaves the key free", async () => {
  const api = await start();
  const send = async (csv: string) => {
    const headers = { "content-type": "text/csv", "idempotency-key": "table-1" };
    const response = await fetch(`${api.url}/contacts/import`, { method: "POST", headers, body: csv });
    return [response.status, response.headers.get("idempotency-replayed"), await response.json()];
  };
  const file = (name: string) => `entity_type,entity_id,name\nperson,1,${name}\n`;
  expect((await send("entity_type\nperson\n"))[0]).toBe(422);
  const [status, , outcome] = await send(file("Ann"));
  expect([status, outcome]).toEqual([200, expect.objectContaining({ created: 1 })]);
  await api.call("PUT", "/contacts/person/1", { name: "Bob" });
  expect(await send(file("Ann"))).toEqual([200, "true", outcome]);
  expect((await send(file("Eve")))[0]).toBe(422);
  expect((await send("entity_type\nperson\n"))[0]).toBe(422);
  expect(await contact(api, "1")).toMatchObject({ name: "Bob" });
});
