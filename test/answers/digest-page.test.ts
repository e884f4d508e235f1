import { expect, test } from "vitest";
import { OWN_PURPOSES, type OwnPurpose } from "../../src/core/answer.ts";
import { readSentDigest } from "../../src/store/digest-items.ts";
import { type Answering, answering, open, PRESSES, press, waysOn } from "../support/answers.ts";
import { advance, setToTwentyPastTen } from "../support/clock.ts";
import { weighing } from "../support/effort.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

interface Gathering extends Answering {
  /** Is due now for the contact that wants all in one message, and has been fired. */
  due(event: string, columns?: Record<string, unknown>): Promise<number>;
  /** Waits until the message has left in which all of that contact came together, and gives its link. */
  leaves(): Promise<string>;
}

/** A channel whose messages lead to one page, and a contact who wants them together, at 10:20. */
async function gathering(days = 30, tenant = "default"): Promise<Gathering> {
  const here = await answering(days);
  const { database, sink } = here;
  sink.opensOnePage = true;
  if (tenant !== "default") await createTenants(database, tenant);
  await setToTwentyPastTen(database);
  await database.query(
    `insert into contacts (tenant_id, entity_type, entity_id, name, email, preferences)
     values ($1, 'person', 'ann', 'Ann', 'ann@example.org', '{"digest": {"window_minutes": 60}}')`,
    [tenant],
  );
  return {
    ...here,
    due: async (event, columns = {}) => {
      const id = await here.insert({
        ...{
          entity_type: "person",
          entity_id: "ann",
          event_type: event,
          recipient: null,
          tenant_id: tenant,
          ...columns,
        },
      });
      await here.database.query("update reminder_jobs set next_run_at = reminder_now() where id = $1", [id]);
      await here.deliveryBecomes(id, "pending");
      return id;
    },
    leaves: async () => {
      await advance(database, { minutes: 42 });
      const ofAnn = () => sink.received.find(({ isDigest, recipient }) => isDigest && recipient === "ann@example.org");
      const sent = await until(ofAnn, "the digest has left");
      return sent.written?.allAnswers?.url as string;
    },
  };
}

test("a message of several leads to a page of them, and each from there to its answers", async () => {
  const here = await gathering();
  const ids = [await here.due("payment"), await here.due("feedback"), await here.due("approval")];
  const before = await here.database.query("select * from answers");
  const url = await here.leaves();
  expect(here.sink.received.at(-1)?.written?.body).not.toContain("http");

  const { status, text, headers } = await open(url);
  expect(status).toBe(200);
  expect(text).toContain("3 reminders for you");
  expect([...text.matchAll(/<strong dir="auto">([^<]+)/g)].map(([, title]) => title)).toEqual([
    ...["Payment", "Feedback", "Approval"],
  ]);
  expect(text).not.toMatch(/<form|<script/);
  expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(headers.get("cache-control")).toBe("no-store");

  const ways = waysOn(text, url);
  expect(ways).toHaveLength(3);
  const feedback = await open(ways[1] as string);
  expect(feedback.text).toContain("Is it done?");
  expect(feedback.text).toContain("Feedback");
  expect(await here.database.query("select * from answers")).toEqual(before);
  const [done = ""] = waysOn(feedback.text, ways[1] as string);
  expect((await press(done, PRESSES.done)).text).toContain("marked as done");
  await here.becomes(ids[1] as number, { status: "COMPLETED", completion_reason: "done" });
  expect(await here.reminder(ids[0] as number)).toMatchObject({ status: "ACTIVE" });

  const after = (await open(url)).text;
  expect(after.match(/It is done\./g)).toHaveLength(1);
  expect(waysOn(after, url)).toEqual(ways);
  for (const form of [PRESSES.done, { "List-Unsubscribe": "One-Click" }]) {
    const { status, headers } = await press(url, form);
    expect([status, headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  }
});

test("it shows what its message said: nothing that was left out, came later, or is somebody else's", async () => {
  const here = await gathering();
  const stopped = { stop_condition_type: "db_check", stop_condition_value: "handed_in" };
  const ids = [await here.due("payment"), await here.due("feedback", stopped), await here.due("approval")];
  await here.database.query(
    `insert into contacts (entity_type, entity_id, name, email, preferences)
     values ('person', 'bob', 'Bob', 'bob@example.org', '{"digest": {"window_minutes": 60}}')`,
  );
  await here.due("payment", { entity_id: "bob" });
  await here.due("feedback", { entity_id: "bob" });
  await here.setFlag("handed_in", true);
  const link = await here.leaves();
  const { text } = await open(link);
  expect(text).toContain("2 reminders for you");
  expect(text).not.toContain("Feedback");
  expect(text).not.toContain("person bob");

  // What is gone by now has nothing to be answered.
  await here.database.query("update reminder_jobs set deleted_at = now() where id = $1", [ids[0]]);
  expect((await open(link)).text).not.toContain("Payment");
  await here.database.query("update reminder_jobs set deleted_at = now() where id = $1", [ids[2]]);
  expect((await open(link)).status).toBe(410);
});

test.each([
  ["the other is deleted since", true],
  ["the other was done before it left", false],
])("of what only one is left, it is the page of that one's answers: %s", async (_why, hasLeft) => {
  const here = await gathering();
  const stopped = { stop_condition_type: "db_check", stop_condition_value: "handed_in" };
  const [gone, left] = [await here.due("payment", stopped), await here.due("feedback")];
  if (!hasLeft) await here.setFlag("handed_in", true);
  const url = await here.leaves();
  await here.deliveryBecomes(left, "sent");
  if (hasLeft) await here.database.query("update reminder_jobs set deleted_at = now() where id = $1", [gone]);

  const { status, text } = await open(url);
  expect([status, text.includes("Is it done?"), text.includes("Feedback")]).toEqual([200, true, true]);
  const [done = "", ...others] = waysOn(text, url);
  expect(others).toHaveLength(OWN_PURPOSES.length - 1);
  expect((await press(done, PRESSES.done)).text).toContain("marked as done");
  await here.becomes(left, { status: "COMPLETED", completion_reason: "done" });
  expect((await open(url)).text).toContain("It is marked as done.");
});

test("it expires with its message, leads nowhere when forged, and stays within its tenant", async () => {
  const here = await gathering(1, "acme");
  await here.due("payment");
  await here.due("feedback");
  const url = await here.leaves();
  const { text } = await open(url);
  expect(text).toContain("2 reminders for you");
  const [done = ""] = waysOn((await open(waysOn(text, url)[0] as string)).text, url);
  expect((await press(done, PRESSES.done)).status).toBe(200);
  const forged = await open(`${url.slice(0, -1)}${url.endsWith("A") ? "B" : "A"}`);
  expect([forged.status, waysOn(forged.text, url)]).toEqual([404, []]);
  await here.advance({ days: 1, minutes: 61 });
  const late = await open(url);
  expect([late.status, waysOn(late.text, url)]).toEqual([410, []]);
});

test("it is good for as long after its message as others, however long that was held back; so is what it leads to", async () => {
  const here = await gathering(1);
  const id = await here.due("payment");
  await here.due("feedback");
  const url = await here.leaves();
  await here.deliveryBecomes(id, "sent");
  // Due at 10:20, sent at 11:02: what counts from when it was due ends at 10:20.
  await here.advance({ minutes: 23 * 60 + 30 });
  const { status, text } = await open(url);
  expect(status).toBe(200);
  const [payment = ""] = waysOn(text, url);
  const page = await open(payment);
  expect(page.status).toBe(200);
  expect((await press(waysOn(page.text, payment)[0] as string, PRESSES.done)).status).toBe(200);
  await here.becomes(id, { status: "COMPLETED" });
  await here.advance({ minutes: 60 });
  expect([(await open(url)).status, (await open(payment)).status]).toEqual([410, 410]);
});

test("it tells what was put off or paused since: whoever goes through all of them sees what is left", async () => {
  const here = await gathering();
  for (const event of ["payment", "feedback", "approval"]) await here.due(event);
  const url = await here.leaves();
  const [payment = "", feedback = ""] = waysOn((await open(url)).text, url);
  const to = async (way: string, purpose: OwnPurpose) =>
    waysOn((await open(way)).text, way)[OWN_PURPOSES.indexOf(purpose)] as string;
  expect((await press(await to(payment, "snooze"), PRESSES.snooze)).status).toBe(200);
  expect((await press(await to(feedback, "not_me"), PRESSES.not_me)).status).toBe(200);
  const { text } = await open(url);
  expect([...text.matchAll(/class="said">([^<]+)/g)].map(([, said]) => said)).toEqual([
    expect.stringMatching(/^It is silent until \w+day, .* UTC\.$/),
    "It is paused at the moment.",
  ]);
});

test("so it does of what its reader has done, or wants no more of, and goes on for others", async () => {
  const here = await gathering();
  await here.database.query(
    `insert into contacts (entity_type, entity_id, name, email, preferences)
     values ('person', 'bob', 'Bob', 'bob@example.org', '{"digest": {"window_minutes": 60}}')`,
  );
  const recipients = JSON.stringify(
    ["ann", "bob"].map((entity_id) => ({ contact: { entity_type: "person", entity_id } })),
  );
  for (const event of ["payment", "feedback", "approval"]) await here.due(event, { recipients });
  const url = await here.leaves();
  const items = waysOn((await open(url)).text, url);
  const answerTo = async (item: string, purpose: "done" | "stop", form = PRESSES[purpose]) =>
    press(waysOn((await open(item)).text, item)[OWN_PURPOSES.indexOf(purpose)] as string, form);
  const told = async () => [...(await open(url)).text.matchAll(/class="said">([^<]+)/g)].map(([, said]) => said);
  expect(await told()).toEqual([]);
  expect((await answerTo(items[0] as string, "done")).status).toBe(200);
  expect((await answerTo(items[1] as string, "stop")).status).toBe(200);
  expect(await told()).toEqual(["Thank you. It is marked as done.", "You will get no more of this reminder."]);
  expect(await here.database.query("select from reminder_jobs where status = 'ACTIVE'")).toHaveLength(3);

  expect((await answerTo(items[1] as string, "stop", { undo: "yes" })).status).toBe(200);
  expect(await told()).toEqual(["Thank you. It is marked as done."]);
});

test("however many there are, one message that takes one place leads to all, without what was done before it left", async () => {
  const here = await gathering();
  await here.database.query("update contacts set preferences = preferences || '{\"max_per_day\": 1}'");
  here.sink.maxDigestChars = 300;
  const connecting: (() => void)[] = [];
  here.sink.connect = () => new Promise((resolve) => connecting.push(resolve));
  const stopped = { stop_condition_type: "db_check", stop_condition_value: "handed_in" };
  const ids = [await here.due("event_0", stopped)];
  for (let n = 1; n < 12; n += 1) ids.push(await here.due(`event_${n}`));
  const leaving = here.leaves();
  await until(() => connecting.length === 1, "it is being sent");
  await here.setFlag("handed_in", true);
  // What was read before is used for a moment yet, as with every stop.
  await new Promise((resolve) => setTimeout(resolve, 300));
  connecting.shift()?.();
  await until(() => connecting.length === 1, "it is sent anew without what was done");
  connecting.shift()?.();

  const url = await leaving;
  for (const id of ids.slice(1)) await here.deliveryBecomes(id, "sent");
  expect(here.sink.received.map(({ written }) => written?.subject)).toEqual(["11 reminders for you"]);
  expect(waysOn((await open(url)).text, url)).toHaveLength(11);
});

test("a first item that is too long for its channel is cut, and keeps its link", async () => {
  const here = await gathering();
  here.sink.opensOnePage = false;
  here.sink.maxDigestChars = 300;
  await here.due("payment", { message: "Please pay. ".repeat(80) });
  await here.due("feedback");
  await here.leaves();
  const body = here.sink.received.find(({ isDigest }) => isDigest)?.written?.body ?? "";
  expect(body.length).toBeLessThanOrEqual(300);
  const [, link = ""] = /\nAnswer: (\S+)$/.exec(body) ?? [];
  expect((await open(link)).text).toContain("Is it done?");
});

test("what has left its message by now and comes by itself is answered by itself", async () => {
  const here = await gathering();
  const id = await here.due("payment");
  await here.due("feedback");
  const url = await here.leaves();
  await here.database.query("update deliveries set digest_id = null where reminder_id = $1", [id]);
  const { status, text } = await open(url);
  expect(status).toBe(200);
  expect(text).toContain("Is it done?");
  expect(text).toContain("Payment");
  expect(text).not.toContain("Feedback");
});

test("a page reads no more the more digests there are", async () => {
  const here = await gathering();
  const id = await here.due("payment");
  await here.due("feedback");
  await here.leaves();
  await here.database.query(`
    insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, digest_at, digest_id, finished_at)
    select 'default', 0, 1000000 + n, date_trunc('day', reminder_now()), 'sink', 'x@example.org', 'sent', now(), 'of-others-' || n / 10, now()
      from generate_series(1, 20000) n`);
  await here.database.query("analyze deliveries");
  const [first] = await here.deliveries(id);
  const pages: number[] = [];
  const { query } = weighing(here.database, "named.digest_id", (count) => pages.push(count));
  const named = { reminderId: id, occurrenceAt: first?.occurrence_at as number, recipientNo: 0 };
  const found = await readSentDigest({ tenant: "default", query }, named);
  expect(found?.items.map(({ reminder }) => reminder.eventType)).toEqual(["payment", "feedback"]);
  expect(pages).toHaveLength(1);
  expect(pages[0]).toBeLessThan(200);
});
