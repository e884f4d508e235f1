import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { OWN_PURPOSES } from "../../src/core/answer.ts";
import { signAnswer, verifyAnswer } from "../../src/secrets/answer-token.ts";
import { readAnswerKeys, rotateAnswerKey } from "../../src/store/answer-keys.ts";
import { type Answering, answering, open, PRESSES, press, waysOn } from "../support/answers.ts";
import { startApi } from "../support/api.ts";
import { asOwner, giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

/** What its form sends beside the button that is pressed. */
function hiddenIn(page: string): Record<string, string> {
  const found = page.matchAll(/<input type="hidden" name="(\w+)" value="(\w+)">/g);
  return Object.fromEntries([...found].map(([, name = "", value = ""]) => [name, value]));
}

async function everything({ database }: Answering): Promise<unknown> {
  const tables = ["reminder_jobs", "status_flags", "answers", "opt_outs", "reminder_events"];
  return Promise.all(tables.map((table) => database.query(`select * from ${table} order by 1, 2`)));
}

test("one link leads to all answers: the very links of its message, the foremost of them as a button", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const before = await everything(here);

  const { status, text, headers } = await open(links.answer, { headers: { "user-agent": "Some-Scanner/1.0" } });

  expect(status).toBe(200);
  expect(text).toMatch(/Payment.*INV_\d+.*Is it done\?/s);
  expect(waysOn(text, links.answer)).toEqual(OWN_PURPOSES.map((purpose) => links[purpose]));
  expect(text.match(/<form /g)).toHaveLength(1);
  expect(text).not.toMatch(/<script|javascript:|(src|href|action)="(https?:)?\/\//i);
  expect(headers.get("content-security-policy")).toContain("form-action 'self'");
  expect(headers.get("referrer-policy")).toBe("same-origin");
  expect((await open(links.answer, { method: "HEAD" })).status).toBe(200);
  expect((await open(`${links.answer}?choice=done`)).status).toBe(200);
  expect(await everything(here)).toEqual(before);

  // Where the form goes is the page of Done, which takes its button.
  const [action = ""] = waysOn(text, links.answer);
  expect(text).toContain('name="choice" value="done"');
  expect((await press(action, { choice: "done" })).text).toContain("Thank you. It is marked as done.");
  await here.becomes(id, { status: "COMPLETED", completion_reason: "done" });
});

test("behind a proxy that has a path for us, the ways stay within it", async () => {
  const here = await answering();
  const { links } = await here.send();
  const { text } = await open(links.answer);
  const token = links.answer.split("/a/")[1];
  const seen = waysOn(text, `https://example.com/reminders/a/${token}`);
  expect(seen).toEqual(
    OWN_PURPOSES.map((purpose) => `https://example.com/reminders/a/${links[purpose].split("/a/")[1]}`),
  );
});

test("the link itself takes nothing, whatever is sent to it, and the audit says so without telling it", async () => {
  const here = await answering();
  const { text: key } = await giveKey(here.database);
  const { id, links } = await here.send();
  const before = await everything(here);
  const forms = [...Object.values(PRESSES), { undo: "yes" }, { "List-Unsubscribe": "One-Click" }, {}];
  for (const form of forms) {
    const { status, headers, text } = await press(links.answer, form);
    expect([status, headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(headers.get("content-type")).toContain("text/html");
    expect(text).toContain("This link is not for that.");
  }
  expect(await everything(here)).toEqual(before);
  const audit = (await (await startApi(here.database, { key })).call("GET", "/audit")).body as object[];
  expect(audit).toHaveLength(forms.length);
  expect(audit[0]).toMatchObject({
    ...{ operation: "answerMessage", status: 405, actor: expect.stringMatching(/^answer link of \d+-\d+-0$/) },
    details: { answer: "answer", refused: "purpose", reminder: id },
  });
  expect(JSON.stringify(audit)).not.toContain(links.answer.split("/a/")[1]);
});

test("forged it opens nothing, expired and without its reminder it says so, and leads nowhere", async () => {
  const here = await answering(1);
  const { id, links } = await here.send();
  const forged = `${links.answer.slice(0, -1)}${links.answer.endsWith("A") ? "B" : "A"}`;
  for (const url of [forged, `${here.api.url}/a/${randomBytes(40).toString("base64url")}`]) {
    const page = await open(url);
    expect([page.status, waysOn(page.text, url)]).toEqual([404, []]);
    expect((await press(url, PRESSES.done)).status).toBe(404);
  }
  await here.database.query("update reminder_jobs set deleted_at = now() where id = $1", [id]);
  expect((await open(links.answer)).status).toBe(410);
  await here.database.query("update reminder_jobs set deleted_at = null where id = $1", [id]);
  await here.advance({ days: 1, minutes: 61 });
  const { status, text } = await open(links.answer);
  expect([status, text.includes("expired"), waysOn(text, links.answer)]).toEqual([410, true, []]);
});

test("a link of a former key leads on to links of that key alone: nothing outlives its end", async () => {
  const here = await answering();
  const { links } = await here.send();
  const rotate = (days: number) =>
    asOwner(here.database).transaction((sql) => rotateAnswerKey(sql, randomBytes(32), days));
  await rotate(30);
  await here.advance({ minutes: 60 });
  expect(waysOn((await open(links.answer)).text, links.answer)).toEqual(OWN_PURPOSES.map((purpose) => links[purpose]));
  await rotate(0);
  await until(async () => (await open(links.answer)).status === 404, "the former key's signatures are good no more");
  for (const purpose of OWN_PURPOSES) expect((await open(links[purpose])).status).toBe(404);
});

test("P9: it leads on within its own tenant, and signed for another it opens nothing", async () => {
  const here = await answering();
  await createTenants(here.database, "acme");
  const { id, links } = await here.send({ tenant_id: "acme" });
  const [key] = await readAnswerKeys(here.database);
  const link = key && verifyAnswer(links.answer.split("/a/")[1] as string, () => key);
  if (!key || !link) throw new Error("not verified");
  expect((await open(`${here.api.url}/a/${signAnswer({ ...link, tenant: "default" }, key)}`)).status).toBe(410);
  const [done = ""] = waysOn((await open(links.answer)).text, links.answer);
  expect((await press(done, PRESSES.done)).status).toBe(200);
  await here.becomes(id, { status: "COMPLETED" });
});

test("as a button in Slack it is none", async () => {
  const here = await answering();
  const { links } = await here.send();
  const [key] = await readAnswerKeys(here.database);
  expect(verifyAnswer(links.answer.split("/a/")[1] as string, () => key ?? null, "button")).toBeNull();
});

describe("as it stands by now", () => {
  test("put off: until when, and it may be put off otherwise; paused: that it is, and nothing to put off", async () => {
    const here = await answering();
    const { id, links } = await here.send();
    await press(links.snooze, { choice: "1d" });
    const silent = (await open(links.answer)).text;
    expect(silent).toContain("It is silent until");
    expect(waysOn(silent, links.answer)).toContain(links.promise);
    await press(links.not_me, PRESSES.not_me);
    await here.becomes(id, { status: "PAUSED" });
    const paused = (await open(links.answer)).text;
    expect(paused).toContain("It is paused at the moment.");
    expect(waysOn(paused, links.answer)).toEqual([links.done, links.not_me, links.stop, links.why]);
  });

  test("stopped, or not theirs: that they have said so, as long as it holds", async () => {
    const here = await answering();
    const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
    const id = await here.insert({ run_at: new Date(Date.now() - 1_000), recipient: null, recipients });
    await here.linksOf(id, 2);
    const links = here.sink.received.find(({ recipient }) => recipient === "ann@example.org")?.links;
    if (!links) throw new Error("no links");
    const tells = async () => {
      const { text } = await open(links.answer);
      return ["You will get nothing more about “Payment”.", "You will not be reminded of it any more."].map(
        (sentence) => text.includes(sentence),
      );
    };
    expect(await tells()).toEqual([false, false]);
    await press(links.stop, { choice: "event_type" });
    expect(await tells()).toEqual([true, false]);
    await press(links.not_me, PRESSES.not_me);
    expect(await tells()).toEqual([true, true]);
    await press(links.stop, { undo: "yes" });
    expect(await tells()).toEqual([false, true]);
    await here.database.query("delete from opt_outs");
    expect(await tells()).toEqual([false, false]);
  });

  test("done, by this message or otherwise: that it is, and what there still is to be said", async () => {
    const here = await answering();
    const { id, links } = await here.send();
    await press(links.done, PRESSES.done);
    await here.becomes(id, { status: "COMPLETED" });
    const { text } = await open(links.answer);
    expect(text).toContain("Thank you. It is marked as done.");
    expect(text).toContain("You have answered this before.");
    expect(waysOn(text, links.answer)).toEqual([links.stop, links.why]);

    const other = await here.send({ stop_condition_type: "db_check", stop_condition_value: "paid" });
    await here.setFlag("paid", true);
    await here.becomes(other.id, { status: "COMPLETED" });
    const past = (await open(other.links.answer)).text;
    expect(past).toContain("It is done already.");
    expect(waysOn(past, other.links.answer)).toEqual([other.links.stop, other.links.why]);
  });

  test("reopened: the page says so, and its one button takes one press", async () => {
    const here = await answering();
    const flag = { stop_condition_type: "db_check", stop_condition_value: "paid", reopens: true };
    const { id, links } = await here.send(flag);
    await press(links.done, PRESSES.done);
    await here.becomes(id, { status: "COMPLETED" });
    await here.setFlag("paid", false);
    await here.becomes(id, { status: "ACTIVE" });
    const { text } = await open(links.answer);
    expect(text).toContain("It was marked as done before, but it is open again.");
    expect(waysOn(text, links.answer)).toEqual(OWN_PURPOSES.map((purpose) => links[purpose]));
    const [action = ""] = waysOn(text, links.answer);
    expect((await press(action, { ...PRESSES.done, ...hiddenIn(text) })).status).toBe(200);
    await here.becomes(id, { status: "COMPLETED" });
  });

  test("of several each has their own: who has done theirs is told so, the other is asked", async () => {
    const here = await answering();
    const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
    const id = await here.insert({
      ...{ run_at: new Date(Date.now() - 1_000), recipient: null, recipients, completes_when: '"all"' },
    });
    await here.linksOf(id, 2);
    const linksTo = (who: string) => {
      const links = here.sink.received.find(({ recipient }) => recipient === who)?.links;
      if (!links) throw new Error(`no links to ${who}`);
      return links;
    };
    const [ann, bob] = [linksTo("ann@example.org"), linksTo("bob@example.org")];
    const [action = ""] = waysOn((await open(ann.answer)).text, ann.answer);
    await press(action, PRESSES.done);
    expect((await open(ann.answer)).text).toContain("Thank you. It is marked as done.");
    const theirs = (await open(bob.answer)).text;
    expect(theirs).toContain("Is it done?");
    expect(waysOn(theirs, bob.answer)).toEqual(OWN_PURPOSES.map((purpose) => bob[purpose]));
    expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE" });
    await press(waysOn(theirs, bob.answer)[0] as string, PRESSES.done);
    await here.becomes(id, { status: "COMPLETED" });
  });

  test("who had it before it was handed on reads the same pages as by their own links", async () => {
    const here = await answering();
    const { id, links } = await here.send();
    await here.database.query("update reminder_jobs set recipient = 'other@example.org' where id = $1", [id]);
    const ways = waysOn((await open(links.answer)).text, links.answer);
    const notMe = ways[3] as string;
    expect(notMe).toBe(links.not_me);
    expect((await press(notMe, PRESSES.not_me)).status).toBe(409);
    expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE" });
  });
});

test("with a slash behind its address, as some programs write it, it leads on as well", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const { status, headers } = await open(`${links.answer}/?from=sms`, { redirect: "manual" });
  expect([status, headers.get("location"), headers.get("cache-control")]).toEqual([
    ...[308, `../${links.answer.split("/a/")[1]}`, "no-store"],
  ]);
  const followed = await fetch(`${links.answer}/`);
  expect(followed.url).toBe(links.answer);
  const [done = ""] = waysOn(await followed.text(), followed.url);
  expect((await press(done, PRESSES.done)).status).toBe(200);
  await here.becomes(id, { status: "COMPLETED" });
  const forged = await open(`${links.answer.slice(0, -4)}AAAA/`, { redirect: "manual" });
  expect([forged.status, forged.headers.get("location")]).toEqual([404, null]);
});

test("what went where others read it too leads to no Stop, and that page says why nobody can be left out", async () => {
  const here = await answering();
  const { id, links } = await here.send({ recipient: null });
  expect((await here.deliveries(id))[0]?.recipient).toBeNull();
  const ways = waysOn((await open(links.answer)).text, links.answer);
  expect(ways).toEqual([links.done, links.snooze, links.promise, links.not_me, links.why]);
  const { status, text } = await open(links.stop);
  expect([status, text.includes("It goes where others read it too"), text.includes("<form")]).toEqual([
    ...[200, true, false],
  ]);
  const pressed = await press(links.stop, PRESSES.stop);
  expect([pressed.status, pressed.text.includes("It goes where others read it too")]).toEqual([422, true]);
  expect(await here.database.query("select from opt_outs")).toEqual([]);
});

test("it speaks its reader's language, and leads on in it", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const { entity_type, entity_id } = await here.reminder(id);
  const said = { de: "Sonst", fr: "Sinon", es: "Si no", en: "Otherwise" };
  for (const [locale, otherwise] of Object.entries(said)) {
    await here.api.putContact(String(entity_type), String(entity_id), { locale, email: null });
    const { text } = await open(links.answer);
    expect(text).toContain(`<html lang="${locale}">`);
    expect(text).toContain(`<p class="otherwise">${otherwise}</p>`);
  }
});
