import { describe, expect, test } from "vitest";
import { type Answer, type ReminderJson, startApi, type TestApi, wish } from "../support/api.ts";
import { freshDatabase, lockWaits } from "../support/database.ts";
import { until } from "../support/wait.ts";
import { worldOn } from "../support/world.ts";

const tagOf = ({ headers }: Answer): string => headers.get("etag") as string;
const ifMatch = (tag: string) => ({ "if-match": tag });
const ifNoneMatch = (tag: string) => ({ "if-none-match": tag });

async function createdWith(api: TestApi, fields: Record<string, unknown> = {}) {
  const answer = await api.call("POST", "/reminders/", wish(fields));
  return { path: `/reminders/${(answer.body as ReminderJson).id}`, tag: tagOf(answer) };
}

describe("a reminder's tag", () => {
  test("is the same from whoever tells it: creation, reading, an edit that changes nothing", async () => {
    const api = await startApi(await freshDatabase());
    // jsonb keeps members in an order of its own.
    const { path, tag } = await createdWith(api, {
      data: { zz: 1, a: { yy: [1e3, -0], b: "ü" } },
      run_at: "2099-01-01T00:00:00.1234Z",
    });

    expect(tag).toMatch(/^"[\w-]{16}\.[\w-]{16}"$/);
    expect(tagOf(await api.call("GET", path))).toBe(tag);
    expect(tagOf(await api.call("PATCH", path, { data: { a: { b: "ü", yy: [1000, 0] }, zz: 1 } }))).toBe(tag);
  });

  test("lets one of two who edit what they have read through, and the other read again", async () => {
    const api = await startApi(await freshDatabase());
    const { path, tag } = await createdWith(api);

    const answers = await Promise.all(
      ["one", "two"].map((subject) => api.call("PATCH", path, { subject }, ifMatch(tag))),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    const [winner] = answers.filter(({ status }) => status === 200) as [Answer];
    const read = await api.call("GET", path);
    expect(read.body).toEqual(winner.body);
    expect(tagOf(read)).toBe(tagOf(winner));
    expect((await api.call("PATCH", path, { subject: "three" }, ifMatch(tagOf(read)))).status).toBe(200);
  });

  test("notices what plain SQL changes, within one millisecond too", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { path, tag } = await createdWith(api);

    await database.query("update reminder_jobs set subject = 'by hand'");

    expect((await api.call("POST", `${path}/pause`, undefined, ifMatch(tag))).status).toBe(412);
    expect((await api.call("GET", path)).body).toMatchObject({ status: "ACTIVE" });
  });

  test("still lets an edit through after it has fired, while a reader hears that it has moved", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { path, tag } = await createdWith(api, { channel: "sink", recipient: "a@example.org", interval_minutes: 60 });
    const { work, advance, becomes } = worldOn(database);
    work();
    await advance({ minutes: 61 });
    await becomes(Number(path.split("/").at(-1)), { occurrence_count: 1 });

    const read = await api.call("GET", path, undefined, ifNoneMatch(tag));
    expect(read.status).toBe(200);
    expect(tagOf(read)).not.toBe(tag);
    expect((await api.call("PATCH", path, { subject: "still mine" }, ifMatch(tag))).status).toBe(200);
  });

  test("no longer lets one through once it is completed by itself", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { path, tag } = await createdWith(api, { stop_condition_type: "db_check", stop_condition_value: "done" });
    const { work, becomes } = worldOn(database);
    work();
    await api.setFlag("done", true);
    await becomes(Number(path.split("/").at(-1)), { status: "COMPLETED" });

    expect((await api.call("DELETE", path, undefined, ifMatch(tag))).status).toBe(412);
  });

  test("counts while somebody else is about to change it: the condition is asked under the lock", async () => {
    const database = await freshDatabase();
    const api = await startApi(database);
    const { path, tag } = await createdWith(api);

    const answer = await database.transaction(async (sql) => {
      await sql.query("update reminder_jobs set message = 'first'");
      const answer = api.call("PATCH", path, { message: "second" }, ifMatch(tag));
      await until(async () => (await lockWaits(database)) > 0, "the edit waits for the lock");
      return { answer };
    });

    expect((await answer.answer).status).toBe(412);
  });

  test.each(["pause", "complete", "trigger"])(
    "guards %s; and the same again, its answer lost, is no conflict",
    async (verb) => {
      const api = await startApi(await freshDatabase());
      const { path, tag } = await createdWith(api);
      await api.call("PATCH", path, { message: "changed" });

      expect((await api.call("POST", `${path}/${verb}`, undefined, ifMatch(tag))).status).toBe(412);
      const fresh = tagOf(await api.call("GET", path));
      expect((await api.call("POST", `${path}/${verb}`, undefined, ifMatch(fresh))).status).toBe(200);
      expect((await api.call("POST", `${path}/${verb}`, undefined, ifMatch(fresh))).status).toBe(200);
    },
  );

  test("says 404 for what isn't there, whatever the condition", async () => {
    const api = await startApi(await freshDatabase());
    for (const tag of ["*", '"x"']) {
      await expect(api.call("PATCH", "/reminders/4711", { subject: "x" }, ifMatch(tag))).resolves.toMatchObject({
        status: 404,
      });
    }
  });
});

describe("conditions are read as RFC 9110 has them", () => {
  test.each([
    ["*", 200],
    ['"other", TAG', 200],
    ["TAG,, ", 200],
    ['"a,b" ,\tTAG', 200],
    ["W/TAG", 412],
    ['"other"', 412],
    ['""', 412],
    ["TAGnonsense", 400],
    ["unquoted", 400],
    ["", 400],
    [",", 400],
    ['"open', 400],
  ])("If-Match: %s", async (header, status) => {
    const api = await startApi(await freshDatabase());
    const { path, tag } = await createdWith(api);
    const answer = await api.call("PATCH", path, { subject: "new" }, ifMatch(header.replace("TAG", tag)));
    expect(answer.status).toBe(status);
    expect((await api.call("GET", path)).body).toMatchObject({ subject: status === 200 ? "new" : null });
  });

  test.each([
    ["TAG", 304],
    ["W/TAG", 304],
    ["*", 304],
    ['"other"', 200],
    ["nonsense", 400],
  ])("If-None-Match: %s", async (header, status) => {
    const api = await startApi(await freshDatabase());
    const { path, tag } = await createdWith(api);
    const answer = await api.call("GET", path, undefined, ifNoneMatch(header.replace("TAG", tag)));
    expect(answer.status).toBe(status);
    if (status === 304) expect([answer.body, tagOf(answer)]).toEqual([undefined, tag]);
  });
});

describe.each([
  ["flags", "/flags/paid", { value: false }, { value: true }],
  ["contacts", "/contacts/invoice/42", { name: "One" }, { name: "Two" }],
])("%s", (_, path, first, second) => {
  test("are made once, however many try at once to be the first", async () => {
    const api = await startApi(await freshDatabase());
    const answers = await Promise.all(Array.from({ length: 12 }, () => api.call("PUT", path, first, ifNoneMatch("*"))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(11).fill(412)]);
  });

  test("are replaced and forgotten only as they were read", async () => {
    const api = await startApi(await freshDatabase());
    expect((await api.call("PUT", path, first, ifMatch("*"))).status).toBe(412);
    const tag = tagOf(await api.call("PUT", path, first));
    expect(tagOf(await api.call("GET", path))).toBe(tag);
    expect((await api.call("GET", path, undefined, ifNoneMatch(tag))).status).toBe(304);

    const changed = await api.call("PUT", path, second, ifMatch(tag));
    expect(changed.status).toBe(200);
    expect((await api.call("PUT", path, first, ifMatch(tag))).status).toBe(412);
    expect((await api.call("DELETE", path, undefined, ifMatch(tag))).status).toBe(412);
    expect((await api.call("GET", path)).body).toMatchObject(second);

    expect((await api.call("DELETE", path, undefined, ifMatch(tagOf(changed)))).status).toBe(204);
    expect((await api.call("DELETE", path, undefined, ifMatch(tagOf(changed)))).status).toBe(204);
    expect((await api.call("GET", path)).status).toBe(404);
  });
});
