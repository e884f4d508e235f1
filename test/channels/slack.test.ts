import { describe, expect, test } from "vitest";
import { type Channel, InvalidRecipient, type NotYet } from "../../src/channels/channel.ts";
import { createSlackChannel, type SlackSettings } from "../../src/channels/slack/slack.ts";
import { toBeMarked } from "../../src/channels/slack/thread.ts";
import { PURPOSES, type Purpose } from "../../src/core/answer.ts";
import { countThatFits, writeDigest } from "../../src/templates/digest.ts";
import { renderMessage } from "../../src/templates/render.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { failure, unhurried } from "../support/email.ts";
import { exampleMessage, type MessageChanges } from "../support/message.ts";
import {
  ANN,
  BOT_TOKEN,
  buttonsOf,
  CHANNEL,
  PRIVATE_CHANNEL,
  SIGNING_SECRET,
  type SlackServer,
  startSlack,
} from "../support/slack.ts";

function slackChannel(slack: SlackServer, settings: Partial<SlackSettings> = {}): Channel {
  const account = { via: "bot", token: BOT_TOKEN } as const;
  return createSlackChannel({ account, apiUrl: slack.apiUrl, concurrency: 5, http: loopbackHttp(), ...settings });
}

const byWebhook = ({ webhookUrl: url }: SlackServer) => ({ account: { via: "webhook", url } as const });
const to = (recipient: string | null, changes: MessageChanges = {}) => exampleMessage({ recipient, ...changes });

describe("a bot", () => {
  test("posts to a channel, and keeps where the message is", async () => {
    const slack = await startSlack();
    const reminder = { subject: "Rent", message: "Please pay.\n\nhttps://pay.example.com/42?a=1&b=2." };

    const receipt = await slackChannel(slack).send(to(CHANNEL, { reminder }), unhurried);

    const [message] = slack.messages;
    expect(receipt).toEqual({ providerId: `${CHANNEL}/${message?.ts}`, demo: false });
    expect(message).toMatchObject({ channel: CHANNEL, unfurl_links: false, unfurl_media: false });
    expect(message?.blocks).toEqual([
      { type: "header", text: { type: "plain_text", text: "Rent", emoji: false } },
      {
        type: "section",
        text: { type: "mrkdwn", text: "Please pay.\n\n<https://pay.example.com/42?a=1&amp;b=2>.", verbatim: true },
      },
      {
        type: "context",
        elements: [
          {
            type: "mrkdwn",
            text: "interviewer INT_100  ·  Reminder: come up 3 times since January 15, 2025  ·  Next one: <!date^1736951400^{date_short_pretty}, {time}|2025-01-15 14:30 UTC>",
            verbatim: true,
          },
        ],
      },
    ]);
    expect(message).not.toHaveProperty("thread_ts");
  });

  test("says all that is its own in the reader's language", async () => {
    const slack = await startSlack();
    const contact = { name: "Ann", email: "ann@example.com", timeZone: null, locale: "de" };
    await slackChannel(slack).send(to(CHANNEL, { contact }), unhurried);
    const words = JSON.stringify(slack.messages[0]?.blocks);
    expect(words).toContain("Erinnerung: 3-mal fällig seit dem 15. Januar 2025  ·  Die nächste: <!date^");
    expect(words).not.toMatch(/\b(reminder|next|number|since|at)\b/);
  });

  test("writes to a person by id, and by an e-mail address that Slack is asked about once", async () => {
    const slack = await startSlack();
    slack.people.set("ann+slack@example.com", ANN);
    const channel = slackChannel(slack);

    await channel.send(to(ANN), unhurried);
    const other = slackChannel(slack);
    await other.send(to("ann+slack@example.com"), unhurried);
    await failure(other.send(to("ann+slack@example.com"), unhurried)); // not within the same second

    expect(slack.messages.map(({ channel }) => channel)).toEqual(["D0123456789", "D0123456789"]);
    expect(slack.calls).toEqual(["chat.postMessage", "users.lookupByEmail", "chat.postMessage"]);
  });

  test("answers in the thread of the message before, and begins another where that is lost", async () => {
    const slack = await startSlack();
    let last: string | null = null;
    const sends = async () => {
      const channel = slackChannel(slack, { lastSent: async () => last });
      last = (await channel.send(to(CHANNEL), unhurried)).providerId;
    };

    for (let n = 0; n < 3; n += 1) await sends();
    const [root, second, third] = slack.messages;
    expect([second?.thread_ts, third?.thread_ts]).toEqual([root?.ts, root?.ts]);

    slack.messages.splice(0, 1);
    for (let n = 0; n < 2; n += 1) await sends();
    const [fourth, fifth] = slack.messages.slice(-2);
    expect(fourth?.thread_ts).toBeUndefined();
    expect(fifth?.thread_ts).toBe(fourth?.ts);
  });

  test("finds a person anew whose thread is in the channel of another workspace", async () => {
    const slack = await startSlack();
    slack.people.set("ann@example.com", ANN);
    const channel = slackChannel(slack, { lastSent: async () => "D9999999999/1600000000.000100" });

    const { providerId } = await channel.send(to("ann@example.com"), unhurried);

    expect(providerId).toMatch(/^D0123456789\/[\d.]+$/);
    expect(slack.calls).toEqual(["chat.postMessage", "users.lookupByEmail", "chat.postMessage"]);
  });

  test("mentions nobody and breaks no limit, whatever is in the data", async () => {
    const slack = await startSlack();
    const hostile = `<!channel> <@${ANN}> <#${CHANNEL}> </script> & ${"<".repeat(9_000)}\nhttps://x.example/<!here>|a ${"🙂".repeat(5_000)}`;
    const reminder = { subject: "{{ data.text }}", message: "{{ data.text }}", data: { text: hostile } };

    await slackChannel(slack).send(to(CHANNEL, { reminder: { ...reminder, entityId: "<!everyone>" } }), unhurried);

    const [message] = slack.messages;
    const [, ...blocks] = message?.blocks ?? []; // the first is plain text, in which nothing has a meaning
    const inBlocks = blocks.flatMap(({ text, elements = [] }) => [...(text ? [text] : []), ...elements]);
    const texts = [message?.text as string, ...inBlocks.map(({ text }) => text)];
    expect(texts.length).toBeGreaterThan(3);
    for (const text of texts) {
      expect(text.replaceAll(/<https?:[^<>]*>|<!date\^\d+\^[^<>]*>/g, "")).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
      expect(text.isWellFormed()).toBe(true);
    }
  });
});

describe("what is escaped counts as it is written", () => {
  const links = Object.fromEntries(
    PURPOSES.map((purpose) => [purpose, `https://r.example.com/a/${purpose}`]),
  ) as Record<Purpose, string>;

  test("of one message, which is cut where Slack takes no more", async () => {
    const slack = await startSlack();
    await slackChannel(slack).send(to(CHANNEL, { links, reminder: { message: "R&D <b>. ".repeat(1_300) } }), unhurried);
    const said = JSON.stringify(slack.messages[0]?.blocks);
    expect(said).toContain("…");
    expect(said).toContain(links.done);
    expect(said.length).toBeGreaterThan(12_000);
  });

  test("so does what stands around it: long links and a long subject leave it less room", async () => {
    const slack = await startSlack();
    const long = Object.fromEntries(
      PURPOSES.map((purpose) => [purpose, `https://r.example.com/a/${purpose}${"x".repeat(170)}`]),
    ) as Record<Purpose, string>;
    const reminder = { subject: "S".repeat(200), message: "word ".repeat(3_000) };
    await slackChannel(slack).send(to(CHANNEL, { links: long, reminder }), unhurried);
    const said = JSON.stringify(slack.messages[0]?.blocks);
    expect(said).toContain(`<${long.why}|`);
    expect(said.length).toBeGreaterThan(12_500);
  });

  test("and of several that go as one: no more than Slack takes, each with its link", async () => {
    const slack = await startSlack();
    const channel = slackChannel(slack);
    const items = Array.from({ length: 50 }, (_, n) => {
      const own = { ...links, answer: `${links.answer}/${n}z` };
      const message = to(CHANNEL, { links: own, reminder: { id: n + 1, message: "R&D <b>. ".repeat(40) } });
      return { message, rendered: renderMessage(message) };
    });
    const fit = items.slice(0, countThatFits(items, channel));
    const written = writeDigest(fit, null, channel);
    await channel.send({ ...to(CHANNEL), isDigest: true, written }, unhurried);
    const said = JSON.stringify(slack.messages[0]?.blocks);
    for (const { message } of fit) expect(said).toContain(`<${message.links?.answer}>`);
    expect(fit.length).toBeGreaterThan(10);
  });

  test("of an address, too: one that is too long for a block is text", async () => {
    const slack = await startSlack();
    const address = `https://pay.example.com/?${"a=b&".repeat(490)}z`;
    await slackChannel(slack).send(to(CHANNEL, { reminder: { message: `Please: ${address} today` } }), unhurried);
    expect(JSON.stringify(slack.messages[0]?.blocks)).toContain(" today");
  });
});

describe("buttons", () => {
  const tokens = Object.fromEntries(PURPOSES.map((purpose) => [purpose, `token-of-${purpose}`])) as Record<
    Purpose,
    string
  >;
  const links = Object.fromEntries(
    PURPOSES.map((purpose) => [purpose, `https://r.example.com/a/${purpose}`]),
  ) as typeof tokens;
  const answerable = (changes: MessageChanges = {}) => to(CHANNEL, { buttons: tokens, links, ...changes });
  const linkedIn = (slack: SlackServer) =>
    [...JSON.stringify(slack.messages[0]?.blocks).matchAll(/a\/([a-z_]+)\|/g)].map(([, purpose]) => purpose);

  test("with a signing secret stand for what they do, and only the other answers are links", async () => {
    const slack = await startSlack();
    const account = { via: "bot", token: BOT_TOKEN, signingSecret: SIGNING_SECRET } as const;
    await slackChannel(slack, { account }).send(answerable(), unhurried);
    expect(buttonsOf(slack.messages[0])).toEqual([
      { label: "Done", action_id: "answer:done", value: "token-of-done" },
      { label: "Snooze 1 day", action_id: "answer:1d", value: "token-of-snooze" },
      { label: "Snooze 1 week", action_id: "answer:1w", value: "token-of-snooze" },
      { label: "Not me", action_id: "answer:not_me", value: "token-of-not_me" },
    ]);
    expect(linkedIn(slack)).toEqual(["promise", "stop", "why"]);
  });

  test.each<[string, Partial<SlackSettings>]>([
    ["without a signing secret", {}],
    ["by an incoming webhook", { account: null }],
  ])("%s there are none, and all answers are links", async (_, settings) => {
    const slack = await startSlack();
    const isWebhook = settings.account === null;
    const message = answerable(isWebhook ? { recipient: null } : {});
    await slackChannel(slack, isWebhook ? byWebhook(slack) : {}).send(message, unhurried);
    expect(buttonsOf(slack.messages[0])).toEqual([]);
    expect(linkedIn(slack)).toEqual(PURPOSES.filter((purpose) => purpose !== "answer"));
  });

  test("what only tells that it is done has none", async () => {
    const slack = await startSlack();
    const account = { via: "bot", token: BOT_TOKEN, signingSecret: SIGNING_SECRET } as const;
    const addressed = { person: null, step: 1, template: null, as: "manager", tells: true };
    await slackChannel(slack, { account }).send(answerable({ addressed }), unhurried);
    expect(buttonsOf(slack.messages[0])).toEqual([]);
  });
});

test("the beginnings of threads are changed first, then the newest, each once and no more than asked for", () => {
  const sent = ["C1/5.1/1.1", "C1/4.1/1.1", "C2/3.1", "not one of Slack's", "C1/1.1"];
  expect(toBeMarked(sent, 9)).toEqual(["C1/1.1", "C2/3.1", "C1/5.1", "C1/4.1"]);
  expect(toBeMarked(sent, 3)).toEqual(["C1/1.1", "C2/3.1", "C1/5.1"]);
});

describe("an incoming webhook", () => {
  test("posts to its channel what has no recipient, or a person's address", async () => {
    const slack = await startSlack();
    expect(await slackChannel(slack, byWebhook(slack)).send(to(null), unhurried)).toEqual({
      providerId: null,
      demo: false,
    });
    await slackChannel(slack, byWebhook(slack)).send(to("ann@example.com"), unhurried);
    expect(slack.messages).toHaveLength(2);
  });

  test("has one place: whoever is addressed isn't to blame for what is wrong there", async () => {
    const slack = await startSlack();
    slack.instead = (response) => Boolean(response.writeHead(403).end("user_disabled"));
    const error = await failure(slackChannel(slack, byWebhook(slack)).send(to("ann@example.com"), unhurried));
    expect(error.constructor.name).toBe("Permanent");
  });

  test("doesn't post what is for another channel into its own", async () => {
    const slack = await startSlack();
    const error = await failure(slackChannel(slack, byWebhook(slack)).send(to("C0000000002"), unhurried));
    expect(error).toMatchObject({ name: "Permanent", message: expect.stringContaining("its own channel only") });
    expect(slack.messages).toEqual([]);
  });

  test.each([
    [400, "invalid_payload", "Permanent"],
    [403, "action_prohibited", "Permanent"],
    [404, "no_service", "Permanent"],
    [404, "<html>", "Permanent"],
    [410, "channel_is_archived", "Permanent"],
    [500, "rollup_error", "OutcomeUnknown"],
    [500, "error", "OutcomeUnknown"],
    [502, "", "OutcomeUnknown"],
    [503, "", "Retryable"],
    [503, "busy", "Retryable"],
    [201, "created", "OutcomeUnknown"],
    [204, "", "OutcomeUnknown"],
    [302, "", "Retryable"],
  ])("%d %s: %s, and its address is not told", async (status, body, name) => {
    const slack = await startSlack();
    slack.instead = (response) => Boolean(response.writeHead(status, { location: "/" }).end(body));
    const error = await failure(slackChannel(slack, byWebhook(slack)).send(to(null), unhurried));
    expect(error.name).toBe(name);
    expect(error.message).not.toMatch(/services|token|html/);
  });
});

describe("what Slack answers decides", () => {
  test.each([
    ["U9999999999", "channel_not_found", "check the reminder's recipient"],
    [PRIVATE_CHANNEL, "not_in_channel", "invite the app"],
    ["nobody@example.com", "users_not_found", "nobody in the workspace has that e-mail address"],
  ])("to %s: %s is final, and says what to do", async (recipient, code, sentence) => {
    const slack = await startSlack();
    const error = await failure(slackChannel(slack).send(to(recipient), unhurried));
    expect(error.name).toBe("Permanent");
    expect(error.message).toContain(code);
    expect(error.message).toContain(sentence);
  });

  test("a token that isn't one is final, and not told", async () => {
    const slack = await startSlack();
    const account = { via: "bot", token: "xoxb-9999999999-wrong" } as const;
    const error = await failure(slackChannel(slack, { account }).send(to(CHANNEL), unhurried));
    expect(error).toMatchObject({ name: "Permanent", message: expect.stringContaining("check the bot token") });
    expect(error.message).not.toContain("xoxb-9");
  });

  test.each([
    ["a 429", 429, { ok: false, error: "ratelimited" }],
    ["a 429 with no body", 429, ""],
    ["rate_limited", 200, { ok: false, error: "rate_limited" }],
  ])(
    "%s: it waits as long as Slack says, without that counting as an attempt, and so do the next",
    async (_, status, body) => {
      const slack = await startSlack();
      slack.instead = (response) => {
        response.writeHead(status, { "retry-after": "30" }).end(JSON.stringify(body));
        return true;
      };
      const channel = slackChannel(slack);
      expect(await failure(channel.send(to(CHANNEL), unhurried))).toMatchObject({ name: "NotYet", waitMs: 30_000 });

      const next = (await failure(channel.send(to(CHANNEL), unhurried))) as NotYet;
      expect(next.name).toBe("NotYet");
      expect(next.waitMs).toBeGreaterThan(25_000);
      expect(slack.calls).toHaveLength(1);
    },
  );

  test.each([
    ["internal_error", 200, { ok: false, error: "internal_error" }, "OutcomeUnknown"],
    ["fatal_error", 500, { ok: false, error: "fatal_error" }, "OutcomeUnknown"],
    ["a bad gateway", 502, "<html>", "OutcomeUnknown"],
    ["no JSON", 200, "<html>", "OutcomeUnknown"],
    ["accepted", 202, "", "OutcomeUnknown"],
    ["a yes without a message", 200, { ok: true }, "OutcomeUnknown"],
    ["service_unavailable", 503, { ok: false, error: "service_unavailable" }, "Retryable"],
    ["an error that isn't known yet", 200, { ok: false, error: "new_kind" }, "Retryable"],
    ["a code that is none", 200, { ok: false, error: "<secret>" }, "OutcomeUnknown"],
    ["msg_too_long", 200, { ok: false, error: "msg_too_long" }, "Permanent"],
    ["an account that is closed", 200, { ok: false, error: "user_disabled" }, "BadAddress"],
  ])("%s: %i %j is %s", async (_, status, body, name) => {
    const slack = await startSlack();
    slack.instead = (response) =>
      Boolean(response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body)));
    const error = await failure(slackChannel(slack).send(to(CHANNEL), unhurried));
    expect(error.constructor.name).toBe(name);
    expect(error.message).not.toMatch(/secret|html/);
  });

  test.each([
    ["a bot", {}, { ok: false, error: "service_unavailable" }],
    ["a bot", {}, "<html>"],
    ["an incoming webhook", { via: "webhook" }, "busy"],
  ])("503 to %s that says when to come back: not before (%j)", async (_, by, body) => {
    const slack = await startSlack();
    slack.instead = (response) =>
      Boolean(
        response.writeHead(503, { "retry-after": "90" }).end(typeof body === "string" ? body : JSON.stringify(body)),
      );
    const channel = "via" in by ? slackChannel(slack, byWebhook(slack)) : slackChannel(slack);
    const error = await failure(channel.send(to("via" in by ? null : CHANNEL), unhurried));
    expect(error).toMatchObject({ name: "Retryable", retryAfterMs: 90_000 });
  });

  test("503 that says when to come back, with a yes or a no, is that yes or that no", async () => {
    const slack = await startSlack();
    const answers = (said: object) => {
      slack.instead = (response) => Boolean(response.writeHead(503, { "retry-after": "90" }).end(JSON.stringify(said)));
      return slackChannel(slack).send(to(CHANNEL), unhurried);
    };
    const name = async (code: string) => (await failure(answers({ ok: false, error: code }))).name;
    expect(await name("channel_not_found")).toBe("Permanent");
    expect(await answers({ ok: true, channel: CHANNEL, ts: "1.2" })).toMatchObject({ demo: false });
  });

  test("503 that says when to come back, with a code by which it may be posted, is not sent again", async () => {
    const slack = await startSlack();
    slack.instead = (response) =>
      Boolean(
        response.writeHead(503, { "retry-after": "90" }).end(JSON.stringify({ ok: false, error: "fatal_error" })),
      );
    expect((await failure(slackChannel(slack).send(to(CHANNEL), unhurried))).name).toBe("OutcomeUnknown");
  });

  test.each([
    ["the token as its channel", { channel: BOT_TOKEN, ts: "1700000000.000100" }],
    ["the token as its ts", { channel: CHANNEL, ts: BOT_TOKEN }],
    ["the token in the form of a channel", { channel: "XOXB1234", ts: "1700000000.000100" }],
    ["what can't be stored", { channel: "C\0", ts: "1" }],
    ["more than is stored", { channel: "C".repeat(1_000), ts: "1700000000.000100" }],
  ])("a message that was taken with %s is sent, and has no id", async (_, posted) => {
    const slack = await startSlack();
    slack.instead = (response) => Boolean(response.end(JSON.stringify({ ok: true, ...posted })));
    const account = { via: "bot", token: posted.channel === "XOXB1234" ? "xoxb1234" : BOT_TOKEN } as const;
    const receipt = await slackChannel(slack, { account }).send(to(CHANNEL), unhurried);
    expect(receipt).toEqual({ providerId: null, demo: false });
  });

  test("a code that is the token, or of a webhook its address, isn't told", async () => {
    const slack = await startSlack();
    const account = { via: "bot", token: "xoxb-1111111111-2222" } as const;
    const code = `e${Buffer.from(account.token).toString("hex")}`;
    slack.instead = (response) => Boolean(response.end(JSON.stringify({ ok: false, error: code })));
    const error = await failure(slackChannel(slack, { account }).send(to(CHANNEL), unhurried));
    expect(error.name).toBe("OutcomeUnknown");
    expect(error.message).not.toContain(code);

    const url = `${slack.webhookUrl}abcdefghijklmnop`;
    slack.instead = (response) => Boolean(response.writeHead(400).end("tokenabcdefghijklmnop"));
    const other = await failure(slackChannel(slack, { account: { via: "webhook", url } }).send(to(null), unhurried));
    expect(other.message).not.toContain("abcdefghijklmnop");
  });

  test("silence after it had the message leaves it unknown; about a person it is asked again", async () => {
    const slack = await startSlack();
    slack.instead = () => true;
    const hasty = { timeoutMs: 300 };
    expect((await failure(slackChannel(slack, hasty).send(to(CHANNEL), unhurried))).name).toBe("OutcomeUnknown");
    expect((await failure(slackChannel(slack, hasty).send(to("ann@example.com"), unhurried))).name).toBe("Retryable");
  });

  test("nobody there is tried again", async () => {
    const slack = await startSlack();
    const away = slackChannel(slack, { apiUrl: "http://127.0.0.1:1/api/" });
    expect((await failure(away.send(to(CHANNEL), unhurried))).name).toBe("Retryable");
  });
});

describe("nothing leaves", () => {
  test("to an address of the inside", async () => {
    const slack = await startSlack();
    const error = await failure(slackChannel(slack, { http: loopbackHttp({}, []) }).send(to(CHANNEL), unhurried));
    expect(error).toMatchObject({ name: "Permanent", message: expect.stringContaining("its host is loopback") });
    expect(slack.calls).toEqual([]);
  });

  test("without an account or a recipient, and the reason says what to do", async () => {
    const slack = await startSlack();
    const nowhere = await failure(slackChannel(slack, { account: null }).send(to(CHANNEL), unhurried));
    expect(nowhere).toMatchObject({ name: "Retryable", message: expect.stringContaining("set SLACK_BOT_TOKEN") });
    const nobody = await failure(slackChannel(slack).send(to(null), unhurried));
    expect(nobody).toMatchObject({ name: "Permanent", message: expect.stringContaining("nobody is addressed") });
    expect(slack.calls).toEqual([]);
  });

  test("once it is no longer wanted", async () => {
    const slack = await startSlack();
    const done = new Error("it is done");
    const beforeSend = () => Promise.reject(done);
    expect(await failure(slackChannel(slack).send(to(CHANNEL), { ...unhurried, beforeSend }))).toBe(done);
    expect(slack.calls).toEqual([]);
  });
});

test.each([
  [` ${CHANNEL} `, CHANNEL],
  [ANN, ANN],
  ["Ann@EXAMPLE.com", "Ann@example.com"],
])("the recipient %j is %s", async (given, expected) => {
  expect(slackChannel(await startSlack()).parseRecipient(given)).toBe(expected);
});

test.each(["", "#general", "@ann", "general", "C123", "c0123456789", "a@b, c@d", "https://slack.com/x"])(
  "%j is no recipient",
  async (given) => {
    const channel = slackChannel(await startSlack());
    expect(() => channel.parseRecipient(given)).toThrow(InvalidRecipient);
  },
);
