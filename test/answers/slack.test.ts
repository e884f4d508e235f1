import { describe, expect, test } from "vitest";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { writeChannelSettings } from "../../src/store/channel-settings.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { startApi } from "../support/api.ts";
import { asOwner } from "../support/keys.ts";
import {
  ANN,
  BOB,
  BOT_TOKEN,
  buttonsOf,
  CHANNEL,
  type PressWish,
  pressBody,
  SIGNING_SECRET,
  type SlackMessage,
  type SlackUser,
  signedBySlack,
  TEAM,
} from "../support/slack.ts";
import { APP, isMarked, type SlackWorld, slackWorld, toldOnly } from "../support/slack-buttons.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";

async function atWork(): Promise<SlackWorld> {
  const here = await slackWorld();
  here.workInSlack();
  return here;
}

const user = (id: string, fields: Partial<SlackUser> = {}): SlackUser => ({
  ...{ id, team_id: TEAM, deleted: false, is_bot: false, is_email_confirmed: true, profile: {} },
  ...fields,
});

const typesOf = async (here: SlackWorld, id: number): Promise<unknown[]> =>
  (await here.events(id)).map(({ type }) => type);

/** Nothing was answered. */
async function isUntouched(here: SlackWorld, id: number): Promise<void> {
  const { status, silent_until } = await here.reminder(id);
  expect({ status, silent_until }).toEqual({ status: "ACTIVE", silent_until: null });
  expect(await here.database.query("select from answers")).toEqual([]);
}

describe("whom the message is for presses", () => {
  test("Done: it is done as by its link, the message says so at once, and the timeline by whom", async () => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    expect(buttonsOf(message).map(({ label, action_id }) => [label, action_id])).toEqual([
      ["Done", "answer:done"],
      ["Snooze 1 day", "answer:1d"],
      ["Snooze 1 week", "answer:1w"],
      ["Not me", "answer:not_me"],
    ]);

    expect(await here.press({ message, action: "answer:done" })).toBe(200);

    await here.becomes(id, { status: "COMPLETED", completion_reason: "done" });
    await isMarked(message);
    expect((await here.events(id)).find(({ type }) => type === "completed")).toMatchObject({
      because: `${ANN} said that it is done`,
      details: { answer: "done", by: expect.stringMatching(/^Slack button of 1-/), slack_user: ANN },
    });
    const audit = await here.database.query("select actor, operation, target, status, details from audit_log");
    expect(audit).toMatchObject([
      {
        operation: "pressInSlack",
        target: "/inbound/slack",
        status: 200,
        details: { answer: "done", slack_user: ANN },
      },
    ]);
    expect(audit[0]?.actor).toMatch(/^Slack button of 1-/);
  });

  test("Snooze: silent for as long, and only who has pressed is told, in the contact's language and the thread", async () => {
    const here = await atWork();
    await here.api.putContact("invoice", "42", { name: "Ann", email: "ann@example.com", locale: "de" });
    here.slack.people.set("ann@example.com", ANN);
    const { id } = await here.send({ recipient: null, entity_id: "42" });
    await here.advance({ minutes: 60 });
    const second = await until(() => here.slack.messages[1], "the second is sent");
    await until(async () => (await here.deliveries(id)).every(({ status }) => status === "sent"), "it is recorded");
    expect(buttonsOf(second).map(({ label }) => label)).toEqual([
      "Erledigt",
      "1 Tag später",
      "1 Woche später",
      "Nicht meins",
    ]);

    expect(await here.press({ message: second, action: "answer:1w" })).toBe(200);

    expect(await toldOnly(here)).toMatch(/^Sie werden wieder erinnert: .*, falls es bis dahin nicht erledigt ist\.$/);
    expect(here.slack.ephemerals[0]).toMatchObject({ user: ANN, thread_ts: here.slack.messages[0]?.ts });
    const { silent_until, silent_by } = await here.reminder(id);
    expect(silent_by).toBe("snooze");
    const [now] = await here.database.query<{ now: number }>("select reminder_now() as now");
    expect((silent_until as number) - (now?.now as number)).toBeGreaterThan(6.9 * 86_400_000);
    expect(buttonsOf(second)).toHaveLength(4);
  });

  test("a manager is told in the language of their own buttons", async () => {
    const here = await atWork();
    await here.api.putContact("person", "boss", { locale: "de", addresses: { slack: ANN } });
    const manager = { entity_type: "person", entity_id: "boss" };
    await here.api.putContact("invoice", "43", { locale: "es", addresses: { slack: BOB }, manager });
    const steps = JSON.stringify([{ to: ["manager"], interval_minutes: 60 }]);
    await here.database.query("insert into policies (name, steps) values ('m', $1)", [steps]);
    const { message } = await here.send({ entity_type: "invoice", entity_id: "43", recipient: null, policy: "m" });
    expect(buttonsOf(message)[0]?.label).toBe("Erledigt");
    await here.press({ message, action: "answer:1d", user: ANN });
    expect(await toldOnly(here)).toMatch(/^Sie werden wieder erinnert/);
  });

  test("Not me: it is paused, and asks for a person", async () => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    await here.press({ message, action: "answer:not_me" });
    await here.becomes(id, { status: "PAUSED" });
    expect((await here.reminder(id)).needs_attention).toContain(`${ANN} said that it isn't theirs`);
    expect(await toldOnly(here)).toBe("Thank you. You will not be reminded of it any more.");
  });

  test("a flag that others wait for is set, and the message of a one-time reminder says that it is done", async () => {
    const here = await atWork();
    const once = { schedule_type: "one_time", interval_minutes: null };
    const { message } = await here.send({
      ...{ recipient: ANN, ...once },
      ...{ stop_condition_type: "db_check", stop_condition_value: "paid" },
    });
    await here.press({ message, action: "answer:done" });
    await isMarked(message);
    expect(await here.database.query("select value from status_flags where key = 'paid'")).toEqual([{ value: true }]);
  });

  test("twice, many times at once, played back, or after it was done: once is all that counts", async () => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    const day = pressBody(here.slack, { message, action: "answer:1d" });
    const signed = signedBySlack(day);
    const all = await Promise.all(Array.from({ length: 8 }, () => here.post(day, signed)));
    expect(all.map(({ status }) => status)).toEqual(Array(8).fill(200));
    await toldOnly(here);
    expect((await typesOf(here, id)).filter((type) => type === "snoozed")).toHaveLength(1);

    await here.press({ message, action: "answer:1w" });
    await toldOnly(here, 2);
    const { silent_until } = await here.reminder(id);
    expect((await here.post(day, signed)).status).toBe(200);
    await here.press({ message, action: "answer:1w" });
    await toldOnly(here, 3);
    expect((await here.reminder(id)).silent_until).toEqual(silent_until);
    expect((await typesOf(here, id)).filter((type) => type === "snoozed")).toHaveLength(2);

    const before = { ...message, blocks: [...message.blocks] };
    await here.press({ message, action: "answer:done" });
    await isMarked(message);
    await here.press({ message: before, action: "answer:1d" });
    expect(await toldOnly(here, 4)).toBe("It is done already.");
    await here.press({ message: before, action: "answer:done" });
    expect(await here.reminder(id)).toMatchObject({ status: "COMPLETED", completion_reason: "done" });
    expect((await typesOf(here, id)).filter((type) => type === "completed")).toHaveLength(1);
  });

  test("a Slack that takes no answer is answered in time, and what was pressed is done", async () => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    here.slack.instead = (_, method) => method === "secret";
    const startedAtMs = performance.now();
    expect(await here.press({ message, action: "answer:not_me" })).toBe(200);
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
    await here.becomes(id, { status: "PAUSED" });
  });
});

describe("what isn't signed as Slack signs is refused, and does nothing", () => {
  const ahead = 6 * 60_000;
  test.each<[string, (body: string) => { body?: string; headers: Record<string, string> }]>([
    ["another secret", (body) => ({ headers: signedBySlack(body, "another0another0another0") })],
    ["an empty secret", (body) => ({ headers: signedBySlack(body, "") })],
    ["too old", (body) => ({ headers: signedBySlack(body, SIGNING_SECRET, Date.now() - ahead) })],
    ["of the future", (body) => ({ headers: signedBySlack(body, SIGNING_SECRET, Date.now() + ahead) })],
    ["another body", (body) => ({ body: `${body}&x=1`, headers: signedBySlack(body) })],
    [
      "another time",
      (body) => ({
        headers: { ...signedBySlack(body), "x-slack-request-timestamp": String(Math.floor(Date.now() / 1_000) + 1) },
      }),
    ],
    [
      "another version",
      (body) => ({
        headers: {
          ...signedBySlack(body),
          "x-slack-signature": signedBySlack(body)["x-slack-signature"]?.replace("v0", "v1") as string,
        },
      }),
    ],
    ["no signature", () => ({ headers: { "content-type": "application/x-www-form-urlencoded" } })],
    ["no time", (body) => ({ headers: { ...signedBySlack(body), "x-slack-request-timestamp": "now" } })],
  ])("%s", async (_, change) => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    const body = pressBody(here.slack, { message, action: "answer:done" });
    const changed = change(body);
    const response = await here.post(changed.body ?? body, changed.headers);
    expect(response.status).toBe(401);
    expect(await response.text()).not.toContain(SIGNING_SECRET);
    await isUntouched(here, id);
    expect((await here.post(body, signedBySlack(body))).status).toBe(200);
  });

  test("again and again it is held up, and Slack isn't, from whose addresses others send as well", async () => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    const forged = signedBySlack("payload={}", "another0another0another0");
    const all = await Promise.all(Array.from({ length: 80 }, () => here.post("payload={}", forged)));
    expect(all.filter(({ status }) => status === 429).length).toBeGreaterThan(5);
    expect(await here.press({ message, action: "answer:done" })).toBe(200);
    await here.becomes(id, { status: "COMPLETED" });
  });

  test("without a signing secret nothing is taken, not even what is signed with an empty one, and messages have no buttons", async () => {
    const { signingSecret: _, ...account } = APP;
    const here = await slackWorld({ account });
    for (const secret of ["", "undefined", "null", SIGNING_SECRET]) {
      const response = await here.post("payload={}", signedBySlack("payload={}", secret));
      expect(response.status).toBe(401);
    }
  });

  test("what is signed and no press of ours is answered, and does nothing", async () => {
    const here = await atWork();
    const bodies = ["", "ssl_check=1", "payload=", "payload={", "payload=[]", 'payload={"type":"view_submission"}'];
    for (const body of bodies) expect((await here.post(body, signedBySlack(body))).status, body).toBe(200);
    const { id, message } = await here.send({ recipient: ANN });
    await here.press({ message, action: "their_own_button", value: buttonsOf(message)[0]?.value as string });
    await isUntouched(here, id);
    const json = await here.post("{}", { ...signedBySlack("{}"), "content-type": "application/json" });
    expect(json.status).toBe(415);
  });
});

describe("somebody else presses", () => {
  test("a message for one person is theirs alone, whoever is in the conversation", async () => {
    const here = await atWork();
    here.slack.people.set("ann@example.com", ANN);
    here.slack.users.set(BOB, user(BOB, { profile: { email: "bob@example.com" } }));
    await here.api.putContact("person", "bob", { email: "bob@example.com" });
    for (const [n, recipient] of [ANN, "ann@example.com"].entries()) {
      const { id, message } = await here.send({ recipient });
      await here.press({ message: { ...message, channel: CHANNEL }, action: "answer:done", user: BOB });
      expect(await toldOnly(here, n + 1)).toBe("This message is for somebody else, so nothing was changed.");
      await isUntouched(here, id);
    }
  });

  test("in a channel, a contact by the address that Slack knows them by may answer, and is asked for once", async () => {
    const here = await atWork();
    here.slack.users.set(BOB, user(BOB, { profile: { email: "Bob@Example.com" } }));
    await here.api.putContact("person", "bob", { name: "Bob", email: "bob@example.com" });
    const { id, message } = await here.send();

    await here.press({ message, action: "answer:1d", user: BOB });
    await toldOnly(here);
    await here.press({ message, action: "answer:done", user: BOB });
    await isMarked(message);

    expect(here.slack.calls.filter((method) => method === "users.info")).toHaveLength(1);
    expect((await here.events(id)).find(({ type }) => type === "completed")).toMatchObject({
      because: "bob@example.com said that it is done",
      details: { slack_user: BOB },
    });
  });

  test("in a channel, a contact may answer whose address in Slack is the e-mail address that Slack knows them by", async () => {
    const here = await atWork();
    here.slack.users.set(BOB, user(BOB, { profile: { email: "bob@example.com" } }));
    await here.api.putContact("person", "bob", { name: "Bob", addresses: { slack: "Bob@example.com" } });
    const { id, message } = await here.send();
    await here.press({ message, action: "answer:done", user: BOB });
    await isMarked(message);
    expect((await here.events(id)).find(({ type }) => type === "completed")?.because).toBe("Bob said that it is done");
  });

  test("in a channel, a contact whose address in Slack is theirs may answer without Slack being asked", async () => {
    const here = await atWork();
    await here.api.putContact("person", "bob", { name: "Bob", addresses: { slack: BOB } });
    const { message } = await here.send();
    await here.press({ message, action: "answer:done", user: BOB });
    await isMarked(message);
    expect(here.slack.calls).not.toContain("users.info");
  });

  test.each<[string, SlackUser | null, Partial<PressWish>]>([
    ["has the address of no contact", user(BOB, { profile: { email: "eve@example.com" } }), {}],
    [
      "has an address that nobody has confirmed",
      user(BOB, { profile: { email: "ann@example.com" }, is_email_confirmed: false }),
      {},
    ],
    ["is gone", user(BOB, { profile: { email: "ann@example.com" }, deleted: true }), {}],
    ["is a bot", user(BOB, { profile: { email: "ann@example.com" }, is_bot: true }), {}],
    ["has no address", user(BOB), {}],
    [
      "is of another workspace, as Slack says",
      user(BOB, { profile: { email: "ann@example.com" }, team_id: "T9999999999" }),
      {},
    ],
    ["presses in another workspace", user(BOB, { profile: { email: "ann@example.com" } }), { userTeam: "T9999999999" }],
    ["isn't who Slack tells of", user(ANN, { profile: { email: "ann@example.com" } }), {}],
  ])("a stranger is told what to do, and changes nothing: one who %s", async (_, known, wish) => {
    const here = await atWork();
    await here.api.putContact("person", "ann", { email: "ann@example.com", addresses: { slack: ANN } });
    if (known) here.slack.users.set(BOB, known);
    const { id, message } = await here.send();

    await here.press({ message, action: "answer:done", user: BOB, ...wish });

    expect(await toldOnly(here)).toContain(`I can’t tell who you are.`);
    expect(here.slack.ephemerals[0]).toMatchObject({ user: BOB, text: expect.stringContaining(BOB) });
    await isUntouched(here, id);
    expect(buttonsOf(message)).toHaveLength(4);
  });

  test("an id that a contact has in our workspace is nobody's in another one", async () => {
    const here = await atWork();
    await here.api.putContact("person", "bob", { addresses: { slack: BOB } });
    const { id, message } = await here.send();
    await here.press({ message, action: "answer:done", user: BOB, userTeam: "T9999999999" });
    expect(await toldOnly(here)).toContain("I can’t tell who you are.");
    await isUntouched(here, id);
  });

  test("while Slack can't say who it is, nothing is changed; nor is it once it is believed no longer", async () => {
    const here = await atWork();
    here.slack.users.set(BOB, user(BOB, { profile: { email: "bob@example.com" } }));
    await here.api.putContact("person", "bob", { email: "bob@example.com" });
    const { id, message } = await here.send();
    here.slack.instead = (response, method) => method === "users.info" && Boolean(response.writeHead(503).end());
    await here.press({ message, action: "answer:done", user: BOB });
    expect(await toldOnly(here)).toContain("Slack can’t say who you are at the moment");
    await isUntouched(here, id);

    await here.database.query(
      "insert into slack_people (tenant_id, team_id, user_id, email, known_at) values ('default', $1, $2, 'bob@example.com', reminder_now() - interval '8 days')",
      [TEAM, BOB],
    );
    await here.press({ message, action: "answer:done", user: BOB });
    await toldOnly(here, 2);
    await isUntouched(here, id);
  });

  test("a contact of one tenant is a stranger to another, with one Slack for both", async () => {
    const here = await atWork();
    await createTenants(here.database, "acme");
    here.slack.users.set(BOB, user(BOB, { profile: { email: "bob@example.com" } }));
    await here.api.putContact("person", "bob", { email: "bob@example.com", addresses: { slack: BOB } });
    const { id, message } = await here.send({ tenant_id: "acme" });
    await here.press({ message, action: "answer:done", user: BOB });
    expect(await toldOnly(here)).toContain("I can’t tell who you are.");
    await isUntouched(here, id);
  });
});

describe("what a button stands for", () => {
  test("can't be made up, changed, used as a link, or be replaced by a link's", async () => {
    const here = await slackWorld();
    here.workInSlack({ links: { publicUrl: here.api.url, days: 30 } });
    const { id, message } = await here.send({ recipient: ANN });
    const token = buttonsOf(message)[0]?.value as string;
    expect((await fetch(`${here.api.url}/a/${token}`, { method: "POST" })).status).toBe(404);
    const linked = /\/a\/([\w-]+)\|/.exec(JSON.stringify(message.blocks))?.[1] as string;
    const wrong = [linked, `${token}A`, token.slice(0, -1), "x", `${token.slice(0, 9)}A${token.slice(10)}`];
    for (const [n, value] of wrong.entries()) {
      await here.press({ message, action: "answer:done", value });
      expect(await toldOnly(here, n + 1)).toBe("This button doesn’t work any more.");
    }
    await isUntouched(here, id);
  });

  test("one purpose each: what is for a snooze marks nothing as done", async () => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    await here.press({ message, action: "answer:done", value: buttonsOf(message)[1]?.value as string });
    expect(await toldOnly(here)).toBe("Please choose one of these.");
    await isUntouched(here, id);
  });

  test("ends when links end", async () => {
    const here = await slackWorld();
    here.workInSlack({ answerDays: 1 });
    const { message } = await here.send({ recipient: ANN, schedule_type: "one_time", interval_minutes: null });
    await here.advance({ days: 2 });
    await here.press({ message, action: "answer:done" });
    expect(await toldOnly(here)).toMatch(/^This button has expired/);
    expect(await here.database.query("select from answers")).toEqual([]);
  });

  test("and says so in the reader's language, as it does that the reminder is gone", async () => {
    const here = await slackWorld();
    await here.api.putContact("invoice", "42", { locale: "de" });
    here.workInSlack({ answerDays: 1 });
    const once = { recipient: ANN, entity_id: "42", schedule_type: "one_time", interval_minutes: null };
    const { id, message } = await here.send(once);
    await here.advance({ days: 2 });
    await here.press({ message, action: "answer:done" });
    expect(await toldOnly(here)).toMatch(/^Dieser Knopf ist abgelaufen/);
    await here.database.query("update reminder_jobs set deleted_at = now() where id = $1", [id]);
    await here.press({ message, action: "answer:done" });
    expect(await toldOnly(here, 2)).toMatch(/^Diese Erinnerung gibt es nicht mehr/);
  });

  test("is good under no other tenant's app, nor under the installation's where the tenant has its own", async () => {
    const here = await atWork();
    await createTenants(here.database, "acme", "other");
    const keyring = new Keyring(parseMasterKeys(newMasterKey()));
    const theirs = { acme: "acmeacmeacmeacme", other: "otherotherother1" };
    const setOwn = (tenantId: keyof typeof theirs) =>
      asOwner(here.database).transaction((sql) =>
        writeChannelSettings(sql, {
          ...{ tenantId, channel: "slack", settings: { via: "bot" } },
          secrets: new Map(
            Object.entries({ bot_token: BOT_TOKEN, signing_secret: theirs[tenantId] }).map(([name, value]) => [
              name,
              keyring.seal({ tenantId, kind: "channel:slack", name }, value),
            ]),
          ),
        }),
      );
    const http = loopbackHttp();
    const api = await startApi(here.database, {
      ...{ keyring, http, slack: { account: APP, apiUrl: here.slack.apiUrl } },
    });
    const post = async (message: SlackMessage, path: string, secret: string) => {
      const body = pressBody(here.slack, { message, action: "answer:1d" });
      return (await fetch(`${api.url}${path}`, { method: "POST", body, headers: signedBySlack(body, secret) })).status;
    };
    const { id, message } = await here.send({ tenant_id: "acme", recipient: ANN });
    await setOwn("acme");
    await setOwn("other");

    // Signed as it must be, but it isn't theirs.
    expect(await post(message, "/inbound/other/slack", theirs.other)).toBe(200);
    expect(await post(message, "/inbound/slack", SIGNING_SECRET)).toBe(200);
    // Not signed by whom the path names.
    expect(await post(message, "/inbound/acme/slack", theirs.other)).toBe(401);
    expect(await post(message, "/inbound/acme/slack", SIGNING_SECRET)).toBe(401);
    expect(await post(message, "/inbound/slack", theirs.acme)).toBe(401);
    expect(await post(message, "/inbound/nobody/slack", theirs.acme)).toBe(401);
    await toldOnly(here, 2);
    expect(here.slack.ephemerals.map(({ text }) => text)).toEqual(Array(2).fill("This button doesn’t work any more."));
    await isUntouched(here, id);

    expect(await post(message, "/inbound/acme/slack", theirs.acme)).toBe(200);
    await until(async () => (await here.reminder(id)).silent_until, "it is silent");
  });

  test("its answer is told to Slack, and to no other place that a payload names", async () => {
    const here = await atWork();
    const { id, message } = await here.send({ recipient: ANN });
    const elsewhere = here.slack.http.url.replace("127.0.0.1", "127.0.0.2");
    await here.press({ message, action: "answer:not_me", responseUrl: `${elsewhere}/actions/x` });
    await here.becomes(id, { status: "PAUSED" });
    await here.press({ message, action: "answer:1d" });
    await toldOnly(here);
    expect(here.slack.http.received.some(({ path }) => path === "/actions/x")).toBe(false);
  });
});
