import { expect, onTestFinished, test } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import { createEmailChannel } from "../../src/channels/email/email.ts";
import { createSlackChannel } from "../../src/channels/slack/slack.ts";
import { createWebhookChannel } from "../../src/channels/webhook/webhook.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { answer, startHttpReceiver } from "../support/http-receiver.ts";
import { once, PATIENT, type SeveralChannels, severalChannels } from "../support/several-channels.ts";
import { ANN, BOT_TOKEN, type SlackServer, startSlack } from "../support/slack.ts";
import { polite, type Script, startScript, startSmtp } from "../support/smtp.ts";
import { until } from "../support/wait.ts";

const MAIL = "ann@example.org";

function emailBy(port: number): Channel {
  const server = { host: "127.0.0.1", port, username: null, password: null, tls: "off" } as const;
  const from = { address: "noreply@company.example", name: "Reminders" };
  const email = createEmailChannel({ from, server, concurrency: 5, print: () => {} });
  onTestFinished(() => email.close());
  return email;
}

function slackBy({ apiUrl }: SlackServer): Channel {
  return createSlackChannel({
    ...{ account: { via: "bot", token: BOT_TOKEN }, apiUrl, concurrency: 5, http: loopbackHttp() },
  });
}

const rcpt =
  (reply: string): Script =>
  (line) =>
    line.startsWith("RCPT") ? reply : polite(line);

async function ann(there: SeveralChannels, channel: string): Promise<number> {
  await there.contact("ann", { slack: ANN }, { email: MAIL });
  return there.insert(once("ann", { channel }));
}

test("mail that a server refuses for good goes to the same person by Slack", async () => {
  const [there, smtp, slack] = [
    await severalChannels(),
    await startScript(rcpt("550 5.1.1 no such user")),
    await startSlack(),
  ];
  const id = await ann(there, "email");
  there.workWith("email:slack", {}, [emailBy(smtp.port), slackBy(slack)]);
  await there.goes(id, [`email ${MAIL} failed`, `slack ${ANN} sent`]);
  expect(slack.messages).toHaveLength(1);
  expect(smtp.lines).not.toContain("DATA");
});

test("mail that a server puts off for ever goes by Slack ten minutes after the first try", async () => {
  const [there, smtp, slack] = [
    await severalChannels(),
    await startScript(rcpt("450 4.2.0 try again later")),
    await startSlack(),
  ];
  const id = await ann(there, "email");
  there.workWith("email:slack:10m", {}, [emailBy(smtp.port), slackBy(slack)]);
  // As it is tried again by itself: after 15 seconds, a minute, four minutes and sixteen.
  for (const [attempt, seconds] of [20, 80, 300].entries()) {
    await until(
      async () =>
        (await there.deliveries(id)).some(({ attempts, status }) => attempts === attempt + 1 && status === "retrying"),
      `attempt ${attempt + 1} was put off`,
    );
    expect(slack.messages).toEqual([]);
    await there.advance({ seconds });
  }
  await until(
    async () => (await there.deliveries(id)).some(({ attempts, status }) => attempts === 4 && status === "retrying"),
    "the fourth was put off",
  );
  const [waits] = await there.deliveries(id);
  expect((waits?.next_attempt_at as number) - (waits?.first_failed_at as number)).toBe(600_000);
  await there.advance({ seconds: 280 });
  await there.goes(id, [`email ${MAIL} failed`, `slack ${ANN} sent`]);
  const [failed, over] = await there.deliveries(id);
  expect((over?.created_at as number) - (failed?.first_failed_at as number)).toBeGreaterThanOrEqual(600_000);
});

test("what Slack doesn't take is mailed, with the same words", async () => {
  const [there, smtp, slack] = [await severalChannels(), await startSmtp(), await startSlack()];
  slack.instead = (response) => {
    response.setHeader("content-type", "application/json").end('{"ok":false,"error":"account_inactive"}');
    return true;
  };
  const id = await ann(there, "slack");
  there.workWith("slack:email", {}, [emailBy(smtp.port), slackBy(slack)]);
  await there.goes(id, [`slack ${ANN} failed`, `email ${MAIL} sent`]);
  expect(smtp.received).toMatchObject([
    { envelope: { to: [MAIL] }, mail: { subject: expect.stringContaining("Payment") } },
  ]);
  // Its own delivery, so that what comes back or is answered is told apart.
  expect(smtp.received[0]?.mail.messageId).toMatch(/-1000@company\.example>$/);
});

test("whoever has no address for a channel is reached by the next", async () => {
  const [there, smtp, slack] = [await severalChannels(), await startSmtp(), await startSlack()];
  await there.contact("ann", { slack: ANN });
  const id = await there.insert(once("ann", { channel: "email" }));
  there.workWith("email:slack", {}, [emailBy(smtp.port), slackBy(slack)]);
  await there.goes(id, ["email null failed", `slack ${ANN} sent`]);
  expect(smtp.connections).toBe(0);
});

test("a channel that isn't set up is one that is down", async () => {
  const [there, smtp] = [await severalChannels(), await startSmtp()];
  const slack = createSlackChannel({
    account: null,
    apiUrl: "http://127.0.0.1/",
    concurrency: 1,
    http: loopbackHttp(),
  });
  const id = await ann(there, "slack");
  there.workWith("slack:email:10m", { retry: PATIENT }, [emailBy(smtp.port), slack]);
  await there.deliveryBecomes(id, "retrying");
  expect(smtp.received).toEqual([]);
  await there.advance({ minutes: 11 });
  await there.goes(id, [`slack ${ANN} failed`, `email ${MAIL} sent`]);
});

test("mail that the server may have is not sent by Slack as well", async () => {
  const [there, slack] = [await severalChannels(), await startSlack()];
  const smtp = await startScript((line, socket) => (line === "." ? void socket.destroy() : polite(line)));
  const id = await ann(there, "email");
  there.workWith("email:slack:1m", {}, [emailBy(smtp.port), slackBy(slack)]);
  await there.becomes(id, { status: "COMPLETED", completion_reason: "delivery_unknown" });
  expect(await there.ways(id)).toEqual([`email ${MAIL} unknown`]);
  expect(slack.messages).toEqual([]);
});

test.each([
  [503, true],
  [404, true],
  [500, false],
])("a webhook that is answered with %d goes over when it has certainly not been taken", async (status, goesOver) => {
  const [there, smtp, receiver] = [await severalChannels(), await startSmtp(), await startHttpReceiver()];
  receiver.behave = answer(status);
  const webhook = createWebhookChannel({
    signing: { secrets: [`whsec_${Buffer.alloc(32, 7).toString("base64")}`] },
    ...{ concurrency: 2, http: loopbackHttp(), log: { debug: () => {} } },
  });
  await there.contact("ann", { webhook: receiver.url }, { email: MAIL });
  const id = await there.insert(once("ann", { channel: "webhook" }));
  there.workWith("webhook:email:1m", {}, [emailBy(smtp.port), webhook]);
  await there.deliveryBecomes(id, "retrying");
  await there.advance({ minutes: 2 });
  if (goesOver) await there.goes(id, [`webhook ${receiver.url} failed`, `email ${MAIL} sent`]);
  else {
    await until(
      async () => (await there.deliveries(id)).some(({ attempts, status }) => attempts === 2 && status === "retrying"),
      "it was tried again, and goes on being tried",
    );
  }
  expect(smtp.received).toHaveLength(goesOver ? 1 : 0);
});
