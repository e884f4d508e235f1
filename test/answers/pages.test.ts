import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Message } from "../../src/channels/channel.ts";
import { type OwnPurpose, PURPOSES } from "../../src/core/answer.ts";
import { signAnswer, verifyAnswer } from "../../src/secrets/answer-token.ts";
import { readAnswerKeys, rotateAnswerKey } from "../../src/store/answer-keys.ts";
import { renderMessage } from "../../src/templates/render.ts";
import { answering, open, PRESSES, press } from "../support/answers.ts";
import { startApi } from "../support/api.ts";
import { asOwner, giveKey } from "../support/keys.ts";
import { createTenants } from "../support/tenants.ts";
import { outlast, until } from "../support/wait.ts";
import { world } from "../support/world.ts";

const DAY_MS = 86_400_000;
const OWN = PURPOSES.filter((purpose): purpose is OwnPurpose => purpose !== "answer");
const ACTING = OWN.filter((purpose) => purpose !== "why");
const tokenOf = (url: string): string => url.split("/a/")[1] as string;

/** All that an answer could change. */
async function everything(database: Awaited<ReturnType<typeof answering>>["database"]): Promise<unknown> {
  const tables = ["reminder_jobs", "status_flags", "answers", "opt_outs", "reminder_events", "audit_log"];
  return Promise.all(tables.map((table) => database.query(`select * from ${table} order by 1, 2`)));
}

test("GET and HEAD change nothing, whichever link it is and whoever looks", async () => {
  const here = await answering();
  const { links } = await here.send();
  const before = await everything(here.database);
  for (const purpose of PURPOSES) {
    const page = await open(links[purpose], { headers: { "user-agent": "Some-Mail-Scanner/1.0" } });
    expect(page.status, purpose).toBe(200);
    expect(page.text).toContain("Payment");
    expect((await open(links[purpose], { method: "HEAD" })).status).toBe(200);
    expect((await open(`${links[purpose]}?choice=done&undo=yes`)).status).toBe(200);
  }
  expect(await everything(here.database)).toEqual(before);
});

test("a page needs no script, keeps to itself, and is in nobody's cache or index", async () => {
  const here = await answering();
  const { links } = await here.send();
  const { headers, text } = await open(links.snooze);
  expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(headers.get("content-security-policy")).toMatch(
    /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/,
  );
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("x-robots-tag")).toContain("noindex");
  expect(headers.get("referrer-policy")).toBe("same-origin");
  expect(text).not.toMatch(/<script|javascript:|(src|href)="(https?:)?\/\//i);
});

test("done completes a reminder without a flag, and sets the flag of one that has one", async () => {
  const here = await answering();
  const plain = await here.send();
  const flagged = await here.send({ stop_condition_type: "db_check", stop_condition_value: "paid:{entity_id}" });

  expect((await press(plain.links.done, PRESSES.done)).text).toContain("marked as done");
  await here.becomes(plain.id, { status: "COMPLETED", completion_reason: "done" });
  expect((await press(flagged.links.done, PRESSES.done)).status).toBe(200);
  await here.becomes(flagged.id, { status: "COMPLETED", completion_reason: "stop_condition" });

  const [event] = await here.events(plain.id);
  expect(event).toMatchObject({ type: "completed", because: "someone@example.org said that it is done" });
  expect(event?.details).toMatchObject({ by: expect.stringMatching(/^answer link of \d+-\d+-0$/) });
  const told = (await here.events(flagged.id)).map(({ type, because }) => [type, because]);
  expect(told[0]).toEqual(["done", expect.stringContaining('the flag "paid:INV_')]);
});

test("done completes where the reminder says so, whatever it waits for", async () => {
  const here = await answering();
  const condition = { stop_condition_type: "db_check", stop_condition_value: "paid", done_means: "complete" };
  const { id, links } = await here.send(condition);
  await press(links.done, PRESSES.done);
  await here.becomes(id, { status: "COMPLETED", completion_reason: "done" });
  expect(await here.database.query("select from status_flags")).toEqual([]);
});

test("snoozed, it is silent until then, due exactly then, and regular again after that; undone, as if nothing had been", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const before = await here.reminder(id);

  const { text } = await press(links.snooze, { choice: "1d" });
  expect(text).toContain("You will be reminded again on");
  const end = (await here.reminder(id)).silent_until as number;
  expect(end - Date.now()).toBeGreaterThan(DAY_MS - 60_000);
  expect((await here.reminder(id)).next_run_at).toBe(end);

  const { text: undone } = await press(links.snooze, { undo: "yes" });
  expect(undone).toContain("taken back");
  expect(await here.reminder(id)).toMatchObject({ silent_until: null, next_run_at: before.next_run_at });

  await press(links.snooze, { choice: "1w" });
  await here.advance({ days: 6 });
  await here.advance({ days: 1, minutes: 1 });
  await here.linksOf(id, 2);
  const due = (await here.reminder(id)).silent_until;
  expect((await here.deliveries(id)).map(({ occurrence_at: at }) => at).at(-1)).toBe(due);
  expect((await here.events(id)).map(({ type }) => type)).toEqual(["snoozed", "woken", "snoozed", "snooze_ended"]);
  expect((await here.reminder(id)).next_run_at).toBeLessThanOrEqual((due as number) + 3_600_000);
});

test("the same button puts it off once more when the first time is over, and says that it is done once it is", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  await press(links.snooze, { choice: "1d" });
  const first = (await here.reminder(id)).silent_until as number;
  // Pressed twice, it is the same.
  expect((await press(links.snooze, { choice: "1d" })).text).toContain("You will be reminded again on");
  expect((await here.reminder(id)).silent_until).toBe(first);

  await here.advance({ days: 1, minutes: 1 });
  await here.linksOf(id, 2);
  expect((await open(links.snooze)).text).toContain('value="1d"');
  expect((await press(links.snooze, { choice: "1d" })).text).toContain("You will be reminded again on");
  const { silent_until: second, next_run_at: next } = await here.reminder(id);
  expect((second as number) - first).toBeGreaterThan(DAY_MS - 60_000);
  expect(next).toBe(second);

  await press(links.done, PRESSES.done);
  await here.becomes(id, { status: "COMPLETED" });
  for (const { status, text } of [await open(links.snooze), await press(links.snooze, { choice: "1d" })]) {
    expect(text).not.toContain("You will be reminded again");
    expect([200, 409]).toContain(status);
    expect(text).toContain("It is done already.");
  }
});

test("a promise re-arms and says so, also for what was to be sent once", async () => {
  const here = await answering();
  const { id, links } = await here.send({ schedule_type: "one_time", interval_minutes: null });
  await here.becomes(id, { status: "COMPLETED" });
  const today = new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);

  expect((await press(links.promise, { choice: "date", date: today })).text).toContain("Noted.");
  await here.becomes(id, { status: "ACTIVE", silent_by: "acknowledgement" });
  await here.advance({ days: 3 });

  await here.linksOf(id, 2);
  expect(here.sink.received.at(-1)?.endsSilence).toMatchObject({ by: "acknowledgement" });
  await here.becomes(id, { status: "COMPLETED", completion_reason: "one_time_sent" });
  expect((await here.events(id)).map(({ type }) => type)).toEqual([
    "completed",
    "acknowledged",
    "promise_ended",
    "completed",
  ]);
});

test("what waits for a retry doesn't leave once it was snoozed", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  let isDown = true;
  here.sink.behave = () => {
    if (isDown) throw new Error("not now");
    return { providerId: null, demo: false };
  };
  await here.advance({ minutes: 60 });
  await here.deliveryBecomes(id, "retrying");

  await press(links.snooze, { choice: "1w" });
  isDown = false;
  const sent = here.sink.received.length;
  await here.advance({ minutes: 30 });

  await here.deliveryBecomes(id, "suppressed");
  expect(here.sink.received).toHaveLength(sent);
  expect((await here.deliveries(id)).at(-1)?.reason).toContain("snoozed it until");
});

test("stop: the address gets no more of this reminder, others of its kind go on; and it can be taken back", async () => {
  const here = await answering();
  const [mine, other] = [await here.send(), await here.send()];
  expect((await press(mine.links.stop, { choice: "reminder" })).text).toContain("no more of this reminder");
  await outlast();
  await here.advance({ minutes: 60 });
  await here.linksOf(other.id, 2);
  const { reason } = await here.deliveryBecomes(mine.id, "suppressed");
  expect(reason).toContain("wants no more of this reminder");
  expect((await here.reminder(mine.id)).needs_attention).toContain("give it another recipient");

  expect((await press(mine.links.stop, { undo: "yes" })).text).toContain("taken back");
  expect((await here.reminder(mine.id)).needs_attention).toBe(null);
  await here.advance({ minutes: 60 });
  await here.linksOf(mine.id, 2);
});

test.each([
  ["application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"],
  [
    "multipart/form-data; boundary=abc",
    '--abc\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--abc--\r\n',
  ],
])("RFC 8058: a mail program unsubscribes with one click, without a page, as %s", async (type, body) => {
  const here = await answering();
  const [mine, other] = [await here.send(), await here.send({ event_type: "approval" })];
  const oneClick = (url: string) => open(url, { method: "POST", headers: { "content-type": type }, body });

  expect((await oneClick(mine.links.stop)).status).toBe(200);
  expect((await oneClick(mine.links.stop)).status).toBe(200);

  expect(await here.database.query("select address, kind, about from opt_outs")).toEqual([
    { address: "someone@example.org", kind: "event_type", about: "payment" },
  ]);
  await outlast();
  await here.advance({ minutes: 60 });
  await here.deliveryBecomes(mine.id, "suppressed");
  await here.linksOf(other.id, 2);
});

test("what was stopped by the page and by the mail program is taken back together", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  await press(links.stop, { choice: "reminder" });
  await press(links.stop, { "List-Unsubscribe": "One-Click" });
  expect(await here.database.query("select kind from opt_outs order by kind")).toHaveLength(2);

  expect((await press(links.stop, { undo: "yes" })).text).toContain("taken back");
  expect(await here.database.query("select kind from opt_outs")).toEqual([]);
  // Nobody has to look at it any more because of either.
  expect(await here.reminder(id)).toMatchObject({ needs_attention: null });
});

test("a link of another purpose does nothing else than what it is for", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const before = await here.reminder(id);
  for (const purpose of OWN.filter((purpose) => purpose !== "stop")) {
    expect((await press(links[purpose], { "List-Unsubscribe": "One-Click" })).status, purpose).toBe(400);
  }
  expect((await press(links.why, PRESSES.done)).status).toBe(400);
  for (const purpose of ["done", "snooze", "promise", "not_me", "stop"] as const) {
    expect((await press(links[purpose])).status, `${purpose}, without its button`).toBe(422);
    expect((await press(links[purpose], { choice: "maybe" })).status, purpose).toBe(422);
  }
  expect((await press(links.not_me, { choice: "to" })).status).toBe(422);
  expect((await press(links.snooze, PRESSES.done)).status).toBe(422);
  expect((await press(links.stop, PRESSES.snooze)).status).toBe(422);
  expect((await press(links.promise, { undo: "yes" })).status).toBe(400);
  expect(await here.reminder(id)).toEqual(before);
  expect(await here.database.query("select from opt_outs")).toEqual([]);
});

test("replayed, a link does nothing more, and the page says what was answered", async () => {
  const here = await answering();
  for (const purpose of ACTING) {
    const { id, links } = await here.send();
    const fields = PRESSES[purpose];
    const first = await press(links[purpose], fields);
    const before = [await here.reminder(id), (await here.events(id)).length];
    const second = await press(links[purpose], fields);
    expect([second.status, second.text], purpose).toEqual([200, first.text]);
    expect([await here.reminder(id), (await here.events(id)).length], purpose).toEqual(before);
    expect((await open(links[purpose])).text, purpose).toContain("answered this before");
  }
});

test("pressed many times at once, it is done once", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const pages = await Promise.all(Array.from({ length: 10 }, () => press(links.snooze, { choice: "1w" })));
  expect(new Set(pages.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect((await here.events(id)).map(({ type }) => type)).toEqual(["snoozed"]);
  const done = await Promise.all(Array.from({ length: 10 }, () => press(links.done, PRESSES.done)));
  expect(done.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect((await here.events(id)).map(({ type }) => type)).toEqual(["snoozed", "completed"]);
});

test("a forged link tells nothing, an expired one that it is, and one without a reminder that there is none", async () => {
  const here = await answering(1);
  const { id, links } = await here.send();
  const token = tokenOf(links.done);
  const forged = [
    `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`,
    randomBytes(40).toString("base64url"),
    "x".repeat(5_000),
    "..%2f..",
  ];
  for (const text of forged) {
    const page = await press(`${here.api.url}/a/${text}`, PRESSES.done);
    expect(page.status).toBe(404);
    expect(page.text).not.toContain("Payment");
  }
  await here.database.query("update reminder_jobs set deleted_at = now() where id = $1", [id]);
  expect((await press(links.done, PRESSES.done)).status).toBe(410);
  await here.database.query("update reminder_jobs set deleted_at = null where id = $1", [id]);
  await here.advance({ days: 1, minutes: 61 });
  const { status, text } = await press(links.done, PRESSES.done);
  expect([status, text.includes("expired"), text.includes("Payment")]).toEqual([410, true, false]);
  expect((await here.reminder(id)).status).toBe("ACTIVE");
});

test("what came late may be answered for as long as what came in time", async () => {
  const here = await answering();
  const { id, links } = await here.send({ run_at: new Date(Date.now() - 40 * 86_400_000) });
  await here.advance({ days: 29 });
  expect((await press(links.snooze, PRESSES.snooze)).status).toBe(200);
  expect((await open(links.snooze)).text).toContain("You have answered this before.");
  await here.advance({ days: 2 });
  expect((await press(links.done, PRESSES.done)).status).toBe(410);
  expect(await here.reminder(id)).toMatchObject({ status: "ACTIVE" });
});

test("P9: a link acts for its own tenant, and what is signed for another opens nothing", async () => {
  const here = await answering();
  await createTenants(here.database, "acme");
  const theirs = await here.send({ tenant_id: "acme" });
  const [key] = await readAnswerKeys(here.database);
  if (!key) throw new Error("no key");
  const link = verifyAnswer(tokenOf(theirs.links.done), () => key);
  if (!link) throw new Error("not verified");
  expect(link.tenant).toBe("acme");
  for (const tenant of ["default", "nobody"]) {
    const page = await press(`${here.api.url}/a/${signAnswer({ ...link, tenant }, key)}`, PRESSES.done);
    expect(page.status).toBe(410);
  }
  expect((await here.reminder(theirs.id)).status).toBe("ACTIVE");
  expect((await press(theirs.links.done, PRESSES.done)).status).toBe(200);
  await here.becomes(theirs.id, { status: "COMPLETED" });
});

test("it works without a key where all else takes one, and the audit says by whose link", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const { text: key } = await giveKey(here.database);
  expect((await here.api.call("POST", `/reminders/${id}/complete`)).status).toBe(401);
  expect((await press(links.snooze, { choice: "1w" })).status).toBe(200);
  expect((await press(links.snooze, { choice: "nonsense" })).status).toBe(422);

  const audit = (await (await startApi(here.database, { key })).call("GET", "/audit")).body as Record<
    string,
    unknown
  >[];
  expect(audit).toMatchObject([
    { operation: "answerMessage", status: 422, details: { refused: "choice" } },
    { operation: "answerMessage", status: 200, details: { answer: "snooze", choice: "1w", reminder: id } },
  ]);
  for (const { actor, target } of audit) {
    expect(actor).toMatch(/^answer link of \d+-\d+-0$/);
    expect(target).not.toContain(tokenOf(links.snooze));
  }
});

test("whatever page or proxy a press comes from, the link counts", async () => {
  const here = await answering();
  const { links } = await here.send();
  const headers = { origin: "https://mail.example.com", "sec-fetch-site": "cross-site", "idempotency-key": "one" };
  const body = new URLSearchParams({ choice: "1d" });
  expect((await open(links.snooze, { method: "POST", headers, body })).status).toBe(200);
});

test("what is no form, or too long, is refused in words", async () => {
  const here = await answering();
  const { links } = await here.send();
  const post = (body: string, type: string) =>
    open(links.done, { method: "POST", body, headers: { "content-type": type } });
  expect((await post("{}", "application/json")).status).toBe(415);
  expect((await post("x", "multipart/form-data")).status).toBe(400);
  expect((await post("x".repeat(10_000), "application/x-www-form-urlencoded")).status).toBe(413);
  const deep = `${"--a\r\nContent-Disposition: form-data; name=x\r\n\r\n".repeat(60)}`;
  expect((await post(deep, "multipart/form-data; boundary=a")).status).toBe(400);
  // Sent again, it would be refused again: what to do instead is said, in each language.
  const toDo = {
    en: "from the message itself",
    de: "aus der Nachricht selbst",
    es: "desde el mensaje",
    fr: "depuis le",
  };
  for (const [language, told] of Object.entries(toDo))
    for (const [body, type] of [
      ["{}", "application/json"],
      ["x".repeat(10_000), "application/x-www-form-urlencoded"],
      [deep, "multipart/form-data; boundary=a"],
    ] as const) {
      const headers = { "content-type": type, "accept-language": language };
      const page = await open(links.done, { method: "POST", body, headers });
      expect(page.headers.get("content-type")).toContain("text/html");
      expect(page.text).toContain(told);
    }
});

test("who opens what nobody has signed, again and again, is held up", async () => {
  const here = await answering();
  const { links } = await here.send();
  const pages = await Promise.all(Array.from({ length: 80 }, () => open(`${links.done}x`)));
  const refused = pages.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(5);
  expect(refused[0]?.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(refused[0]?.headers.get("content-type")).toContain("text/html");
});

test("a new key signs at once, while what the former has signed still opens; ended at once, it doesn't", async () => {
  const here = await answering();
  const { id, links } = await here.send();
  const rotate = (days: number) =>
    asOwner(here.database).transaction((sql) => rotateAnswerKey(sql, randomBytes(32), days));
  await rotate(30);
  await here.advance({ minutes: 60 });
  const next = await here.linksOf(id, 2);
  expect((await open(links.done)).status).toBe(200);
  expect((await open(next.done)).status).toBe(200);

  await rotate(0);
  await until(async () => (await open(links.done)).status === 404, "the former key's signatures are good no more");
  expect((await open(next.done)).status).toBe(404);
});

test("keys end at once even where all numbers of keys are taken, which else nothing is made of", async () => {
  const here = await answering();
  await here.database.query(
    `insert into answer_keys (id, secret, ends_at)
     select n, sha256(n::text::bytea), case when n > 0 then timestamptz 'infinity' end from generate_series(0, 255) as n`,
  );
  const rotate = (days: number) =>
    asOwner(here.database).transaction((sql) => rotateAnswerKey(sql, randomBytes(32), days));
  expect(await rotate(30)).toBeNull();
  expect(await readAnswerKeys(here.database)).toHaveLength(256);
  const added = await rotate(0);
  expect(await readAnswerKeys(here.database)).toEqual([added]);
});

test("pages speak the contact's language, or else the browser's", async () => {
  const here = await answering();
  const { links, id } = await here.send();
  const french = await open(links.done, { headers: { "accept-language": "da, fr-CH;q=0.8, en;q=0.5" } });
  expect(french.text).toContain('<html lang="fr">');
  const { entity_type, entity_id } = await here.reminder(id);
  await here.api.putContact(String(entity_type), String(entity_id), { locale: "de-AT", email: null });
  const german = await open(links.snooze, { headers: { "accept-language": "fr" } });
  expect(german.text).toContain("Später erinnern?");
  expect((await press(links.snooze, { choice: "1d" })).text).toContain("Sie werden wieder erinnert");
});

test("without PUBLIC_URL, messages have no links", async () => {
  const here = await answering();
  expect((await here.send()).links).toBeDefined();
  const without = await world();
  without.work();
  const id = await without.insert({ run_at: new Date(Date.now() - 1_000) });
  await without.deliveryBecomes(id, "sent");
  expect(without.sink.received[0]?.links).toBeUndefined();
});

test("a manager is written to and asked in their own language, by their own clocks", async () => {
  const here = await answering();
  const { database } = here;
  await database.query(
    `insert into contacts (entity_type, entity_id, email, locale, time_zone, manager_type, manager_id)
     values ('invoice', 'M1', 'clerk@example.org', 'es', 'America/Lima', 'person', 'a/boss'),
            ('person', 'a/boss', 'boss@example.org', 'de', 'Pacific/Kiritimati', null, null)`,
  );
  const steps = [{ to: ["recipient", "manager"], interval_minutes: 60 }];
  await database.query("insert into policies (name, steps) values ('m', $1)", [JSON.stringify(steps)]);
  const said = { entity_type: "invoice", entity_id: "M1", event_type: "payment", recipient: null, policy: "m" };
  const id = await here.insert({ ...said, run_at: new Date(Date.now() - 1_000) });
  await here.linksOf(id, 2);

  const to = (address: string) => here.sink.received.find(({ recipient }) => recipient === address) as Message;
  const clerk = to("clerk@example.org");
  const boss = to("boss@example.org");
  expect(renderMessage(clerk).text).toContain("Recibe este mensaje");
  expect(renderMessage(boss).text).toContain("auch an Sie geht");
  const pageOf = async (message: Message) => (await open(message.links?.snooze as string)).text;
  expect(await pageOf(clerk)).toContain('<html lang="es">');
  const page = await pageOf(boss);
  expect(page).toContain('<html lang="de">');
  // Kiritimati is 14 hours ahead: its tomorrow has begun where Lima's today goes on.
  const [now] = await database.query<{ day: string }>(
    "select ((reminder_now() at time zone 'Pacific/Kiritimati')::date + 1)::text as day",
  );
  expect(page).toContain(`min="${now?.day}"`);
});

test("a page writes dates as its reader does, and proposes the Friday that isn't today or tomorrow", async () => {
  const here = await answering();
  const { id, links } = await here.send({ recipient: null, entity_id: "GB" });
  await here.database.query(
    `insert into contacts (entity_type, entity_id, email, time_zone, locale)
     select entity_type, entity_id, 'someone@example.org', 'UTC', 'en-GB' from reminder_jobs where id = $1`,
    [id],
  );
  const [now] = await here.database.query<{ at: number }>("select reminder_now() as at");
  const { text } = await open(links.promise);
  const proposed = /name="date"[^>]* value="([^"]+)"/.exec(text)?.[1] ?? "";
  const days = (Date.parse(proposed) - Math.floor((now?.at ?? 0) / DAY_MS) * DAY_MS) / DAY_MS;
  expect(new Date(proposed).getUTCDay()).toBe(5);
  expect(days).toBeGreaterThanOrEqual(2);
  expect(days).toBeLessThanOrEqual(8);
  expect((await press(links.promise, { choice: "date", date: proposed })).text).toMatch(
    /Saturday,? \d+ \w+ \d{4} at 09:00 UTC/,
  );
});

test("who opens a link of what is done is told so, and asked nothing", async () => {
  const here = await answering();
  const { id, links } = await here.send({ stop_condition_type: "db_check", stop_condition_value: "paid" });
  await here.setFlag("paid", true);
  await here.becomes(id, { status: "COMPLETED" });
  for (const purpose of ["done", "snooze", "promise", "not_me"] as const) {
    const { status, text } = await open(links[purpose]);
    expect([status, text.includes("It is done already."), text.includes("<form")]).toEqual([200, true, false]);
  }
});

test("one of several is told that all of them are put off, and why each of them gets it", async () => {
  const here = await answering();
  await here.database.query(
    `insert into policies (name, steps) values ('p', '[{"to": ["recipient", {"address": "boss@example.org"}]}]')`,
  );
  const recipients = JSON.stringify(["ann@example.org", "bob@example.org"].map((address) => ({ address })));
  const id = await here.insert({ run_at: new Date(Date.now() - 1_000), recipient: null, recipients, policy: "p" });
  await here.linksOf(id, 3);
  const linksTo = (who: string) => here.sink.received.find(({ recipient }) => recipient === who)?.links;
  expect((await open(linksTo("ann@example.org")?.snooze ?? "")).text).toContain(
    "That holds for everybody who gets it.",
  );
  expect((await open(linksTo("ann@example.org")?.why ?? "")).text).toContain("You are one of those to remind about");
  expect((await open(linksTo("boss@example.org")?.why ?? "")).text).toContain("goes to you as well");
  const fired = (await here.api.timeline(id)).filter(({ type }) => type === "fired").map(({ because }) => because);
  expect(fired.map((because) => because.split("Z, ")[1])).toEqual([
    ...["for ann@example.org", "for bob@example.org", "for boss@example.org (escalation)"],
  ]);
  const alone = await here.send();
  expect((await open(alone.links.snooze)).text).not.toContain("everybody");
});
