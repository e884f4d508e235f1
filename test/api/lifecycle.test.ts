import { describe, expect, test } from "vitest";
import { type LifecycleVerb, readAnswer, startApi, wish } from "../support/api.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";

const MINUTE = 60_000;
const ms = (iso: unknown): number => Date.parse(String(iso));

describe("each step is taken, told in the timeline, and changes nothing when it is asked for again", () => {
  const steps: [verb: LifecycleVerb, before: LifecycleVerb[], becomes: Record<string, unknown>, type: string][] = [
    ["pause", [], { status: "PAUSED" }, "paused"],
    ["resume", ["pause"], { status: "ACTIVE" }, "resumed"],
    ["complete", [], { status: "COMPLETED", completion_reason: "manual", next_run_at: null }, "completed"],
    ["complete", ["pause"], { status: "COMPLETED", completion_reason: "manual", next_run_at: null }, "completed"],
    ["trigger", [], { status: "ACTIVE" }, "triggered"],
  ];

  test.each(steps)("%s (%#)", async (verb, before, becomes, type) => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    for (const step of before) await api.act(id, step);

    const once = await api.act(id, verb);

    expect(once).toMatchObject(becomes);
    const timeline = await api.timeline(id);
    expect(timeline.at(-1)).toMatchObject({ type, because: expect.stringContaining("somebody") });
    expect(await api.act(id, verb)).toEqual(once);
    expect(await api.timeline(id)).toEqual(timeline);
  });

  test("delete and restore", async () => {
    const api = await startApi(await freshDatabase());
    const created = await api.create();

    await api.remove(created.id);
    await api.remove(created.id);
    const { detail } = await api.refused(404, "GET", `/reminders/${created.id}`);
    expect(detail).toMatch(/include_deleted/);
    expect(await api.list()).toEqual([]);
    expect(await api.list({ include_deleted: "true" })).toMatchObject([
      { id: created.id, deleted_at: expect.any(String) },
    ]);
    expect(await api.deliveries(created.id)).toEqual([]);

    const restored = await api.act(created.id, "restore");
    expect(restored).toEqual({ ...created, updated_at: restored.updated_at });
    expect(await api.act(created.id, "restore")).toEqual(restored);
    expect((await api.timeline(created.id)).map(({ type }) => type)).toEqual(["created", "deleted", "restored"]);
  });
});

describe("what can't be is refused with 409, the reason and what to do instead", () => {
  const refusals: [verb: LifecycleVerb, before: LifecycleVerb[], reason: RegExp][] = [
    ["pause", ["complete"], /COMPLETED.*create a new/],
    ["resume", ["complete"], /COMPLETED.*create a new/],
    ["trigger", ["complete"], /COMPLETED.*create a new/],
    ["trigger", ["pause"], /PAUSED; resume it first/],
  ];

  test.each(refusals)("%s (%#)", async (verb, before, reason) => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    for (const step of before) await api.act(id, step);
    const { detail } = await api.refused(409, "POST", `/reminders/${id}/${verb}`);
    expect(detail).toMatch(reason);
  });

  test("anything but restoring what is deleted", async () => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    await api.remove(id);
    for (const verb of ["pause", "resume", "complete", "trigger"]) {
      const { detail } = await api.refused(409, "POST", `/reminders/${id}/${verb}`);
      expect(detail).toMatch(/deleted; restore it first/);
    }
    await api.refused(409, "PATCH", `/reminders/${id}`, { subject: "x" });
  });

  test("resuming or restoring into a key that another ACTIVE reminder holds", async () => {
    const api = await startApi(await freshDatabase());
    const same = wish();
    const paused = await api.create(same);
    await api.act(paused.id, "pause");
    const deleted = await api.create(same);
    await api.remove(deleted.id);
    const holder = await api.create(same);

    for (const path of [`/reminders/${paused.id}/resume`, `/reminders/${deleted.id}/restore`]) {
      const { detail } = await api.refused(409, "POST", path);
      expect(detail).toContain(`reminder ${holder.id} is`);
    }
    expect(await api.get(paused.id)).toMatchObject({ status: "PAUSED" });

    await api.act(holder.id, "complete");
    expect(await api.act(paused.id, "resume")).toMatchObject({ status: "ACTIVE" });
  });

  test("when many are resumed into one key at once, one is, and the others are refused", async () => {
    const api = await startApi(await freshDatabase());
    const same = wish();
    const ids: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      const { id } = await api.create(same);
      await api.act(id, "pause");
      ids.push(id);
    }
    const answers = await Promise.all(ids.map((id) => api.call("POST", `/reminders/${id}/resume`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)]);
    expect(await api.list({ status: "ACTIVE" })).toHaveLength(1);
  });
});

test("what does not exist is not found, and what is no id is said to be none", async () => {
  const api = await startApi(await freshDatabase());
  for (const path of [
    "/reminders/42",
    "/reminders/9007199254740991",
    "/reminders/42/deliveries",
    "/reminders/42/timeline",
  ]) {
    await api.refused(404, "GET", path);
  }
  await api.refused(404, "DELETE", "/reminders/42");
  await api.refused(404, "PATCH", "/reminders/42", {});
  await api.refused(404, "POST", "/reminders/42/pause");
  for (const id of [
    "0",
    "-1",
    "1.5",
    "1e3",
    "01",
    "abc",
    "9007199254740992",
    "%00",
    "99999999999999999999",
    "0x10",
    "%20",
  ]) {
    const { errors } = await api.refused(422, "GET", `/reminders/${id}`);
    expect(errors).toMatchObject(
      [{ in: "path", field: "id", message: /whole number from 1/ }].map((error) => ({
        ...error,
        message: expect.stringMatching(error.message),
      })),
    );
  }
});

test("occurrences during a pause are not made up for: a resumed reminder goes on with its next regular instant", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { id, created_at: createdAt } = await api.create({ interval_minutes: 60 });
  await api.act(id, "pause");
  await advance(database, { minutes: 150 });

  const { next_run_at: nextRunAt } = await api.act(id, "resume");

  expect(ms(nextRunAt)).toBe(ms(createdAt) + 180 * MINUTE);
});

test("a one-time reminder whose time passed during a pause is due at once when it is resumed", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { id, created_at: createdAt } = await api.create({ schedule_type: "one_time", interval_minutes: null });
  await api.act(id, "pause");
  await advance(database, { days: 2 });
  expect(await api.act(id, "resume")).toMatchObject({ next_run_at: createdAt });
});

test("fired by hand, a reminder is due now", async () => {
  const api = await startApi(await freshDatabase());
  const { id, next_run_at: before } = await api.create();
  const { next_run_at: after, updated_at: updatedAt } = await api.act(id, "trigger");
  expect(ms(before) - ms(after)).toBeGreaterThan(59 * MINUTE);
  expect(after).toBe(updatedAt);
});

describe("actions want no body", () => {
  test.each([undefined, "", "{}", " {} "])("and %j does no harm", async (body) => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${api.url}/reminders/${id}/pause`, {
      method: "POST",
      headers,
      ...(body && { body }),
    });
    expect((await readAnswer(response)).status).toBe(200);
  });

  test.each([{ x: 1 }, [], null, 1, "now"])("and %j is a mistake", async (body) => {
    const api = await startApi(await freshDatabase());
    const { id } = await api.create();
    for (const verb of ["pause", "resume", "complete", "trigger", "restore"]) {
      await api.refused(422, "POST", `/reminders/${id}/${verb}`, body);
    }
    expect(await api.get(id)).toMatchObject({ status: "ACTIVE" });
  });
});

test("what somebody else is just changing is said to be that, soon, and not that the database is away", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const { id } = await api.create();
  const answers = await database.transaction(async (sql) => {
    await sql.query("select from reminder_jobs where id = $1 for update", [id]);
    return Promise.all([
      api.call("POST", `/reminders/${id}/pause`),
      api.call("PATCH", `/reminders/${id}`, { subject: "new" }),
      api.call("DELETE", `/reminders/${id}`),
    ]);
  });
  for (const { status, headers, body } of answers) {
    expect(status).toBe(503);
    expect(headers.get("retry-after")).toBe("1");
    expect(body).toMatchObject({ detail: "somebody else is just changing this; try again" });
  }
  expect(await api.act(id, "pause")).toMatchObject({ status: "PAUSED", subject: null });
});
