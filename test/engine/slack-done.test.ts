import { expect, test } from "vitest";
import { BOB, buttonsOf, CHANNEL, type SlackMessage } from "../support/slack.ts";
import { isMarked, type SlackWorld, slackWorld } from "../support/slack-buttons.ts";
import { until } from "../support/wait.ts";

const marksLeft = async ({ database }: SlackWorld) =>
  (await database.query("select from done_marks union all select from errands")).length;
const allIsSaid = (here: SlackWorld) =>
  until(async () => (await marksLeft(here)) === 0, "nothing is left to be changed");

/** A reminder with two messages in one thread. */
async function sentTwice(here: SlackWorld, columns: Record<string, unknown> = {}): Promise<[number, SlackMessage[]]> {
  const { id } = await here.send(columns);
  await here.advance({ minutes: 60 });
  await until(async () => {
    const rows = await here.deliveries(id);
    return rows.length === 2 && rows.every(({ status }) => status === "sent");
  }, "the second is sent");
  return [id, here.slack.messages];
}

test.each<[string, (here: SlackWorld, id: number) => Promise<unknown>, string]>([
  ["a flag", (here) => here.setFlag("paid", true), "What it waited for has happened."],
  [
    "plain SQL",
    ({ database }, id) =>
      database.query("update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual' where id = $1", [id]),
    "It was marked as done by hand.",
  ],
  ["the API", ({ api }, id) => api.act(id, "complete"), "It was marked as done by hand."],
  [
    "somebody who says so",
    ({ api }, id) => api.call("POST", `/reminders/${id}/done`, {}),
    "Somebody whom it had reminded said that it is done.",
  ],
])(
  "what is done by %s turns into a check mark: the beginning of the thread, and its messages",
  async (_, end, because) => {
    const here = await slackWorld();
    here.workInSlack();
    const isByFlag = because.startsWith("What");
    const stop = isByFlag ? { stop_condition_type: "db_check", stop_condition_value: "paid" } : {};
    const [id, messages] = await sentTwice(here, { event_type: "payment", entity_id: "42", ...stop });
    expect(messages.map((message) => buttonsOf(message).length)).toEqual([4, 4]);

    await end(here, id);

    for (const message of messages) await isMarked(message);
    const [root] = messages;
    expect(root?.blocks).toEqual([
      { type: "header", text: { type: "plain_text", text: "✅ Done: Payment (invoice 42)", emoji: false } },
      {
        type: "context",
        elements: [{ type: "mrkdwn", text: expect.stringContaining(because), verbatim: true }],
      },
    ]);
    await allIsSaid(here);
  },
);

test("what has only ended keeps its buttons, and turns into a check mark once it is done", async () => {
  const here = await slackWorld();
  here.workInSlack();
  const { id, message } = await here.send({ schedule_type: "one_time", interval_minutes: null });
  await here.becomes(id, { completion_reason: "one_time_sent" });
  expect(await here.database.query("select from errands")).toEqual([]);
  expect(buttonsOf(message)).toHaveLength(4);

  expect(await here.press({ message, action: "answer:done", user: BOB })).toBe(200);
  await until(() => here.slack.ephemerals.length === 1, "a stranger is told");
  expect(buttonsOf(message)).toHaveLength(4);

  await here.api.call("POST", `/reminders/${id}/done`, {});
  await isMarked(message);
});

test("a message that is just leaving when it is done says so as well", async () => {
  const here = await slackWorld();
  let go = (): void => undefined;
  here.slack.instead = (response, method) => {
    if (method !== "chat.postMessage") return false;
    here.slack.instead = null;
    const message = { channel: CHANNEL, ts: "1800000000.000100", text: "", blocks: [], atMs: 0 };
    here.slack.messages.push(message);
    go = () => void response.end(JSON.stringify({ ok: true, channel: CHANNEL, ts: message.ts }));
    return true;
  };
  here.workInSlack();
  const id = await here.insert({ channel: "slack", recipient: CHANNEL, run_at: new Date() });
  await until(() => here.slack.messages.length === 1, "it is on its way");

  await here.database.query(
    "update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual' where id = $1",
    [id],
  );
  await until(async () => (await here.database.query("select from errands")).length === 1, "there is an errand");
  go();

  await isMarked(here.slack.messages[0]);
  await allIsSaid(here);
});

test("one that begins anew goes on in its thread, and what still waited to be changed stays as it is", async () => {
  const here = await slackWorld();
  here.workInSlack();
  const columns = { reopens: true, stop_condition_type: "db_check", stop_condition_value: "paid" };
  const { id, message: root } = await here.send(columns);
  await here.setFlag("paid", true);
  await isMarked(root);
  await allIsSaid(here);

  await here.setFlag("paid", false);
  await here.becomes(id, { status: "ACTIVE" });
  await here.database.query(
    "insert into done_marks (tenant_id, reminder_id, channel, provider_id) values ('default', $1, 'slack', $2)",
    [id, `${CHANNEL}/${root.ts}`],
  );
  await here.database.query("update reminder_jobs set next_run_at = reminder_now() where id = $1", [id]);
  await until(() => here.slack.messages.length === 2, "it is sent again");
  await allIsSaid(here);

  expect(here.slack.messages[1]).toMatchObject({ thread_ts: root.ts });
  expect(here.slack.calls.filter((method) => method === "chat.update")).toHaveLength(1);
});

test("where Slack asks to wait, the change waits as long and messages don't", async () => {
  const here = await slackWorld();
  let refused = 0;
  here.slack.instead = (response, method) => {
    if (method !== "chat.update" || refused > 0) return false;
    refused += 1;
    response.writeHead(429, { "retry-after": "600" }).end(JSON.stringify({ ok: false, error: "ratelimited" }));
    return true;
  };
  here.workInSlack();
  const { id, message } = await here.send();
  await here.api.act(id, "complete");
  await until(() => refused === 1, "it was refused");

  await here.send();
  const waits = () =>
    here.database.query<{ attempts: number; seconds: number }>(
      "select attempts, extract(epoch from next_attempt_at - reminder_now())::int as seconds from done_marks",
    );
  const [mark] = await until(async () => {
    const rows = await waits();
    return rows[0] && rows[0].seconds > 100 ? rows : null;
  }, "it waits as long as Slack says");
  expect(mark?.attempts).toBe(0);
  expect(mark?.seconds).toBeGreaterThan(500);
  expect(buttonsOf(message)).toHaveLength(4);
  expect(here.slack.calls.filter((method) => method === "chat.update")).toHaveLength(1);
});

test("what fails for now is tried again", async () => {
  const here = await slackWorld();
  let failures = 0;
  here.slack.instead = (response, method) => {
    if (method !== "chat.update" || failures > 1) return false;
    failures += 1;
    return Boolean(response.writeHead(502).end());
  };
  here.workInSlack();
  const { id, message } = await here.send();
  await here.api.act(id, "complete");
  await until(() => failures === 1, "it failed");
  for (let minutes = 0; minutes < 3; minutes += 1) {
    await until(async () => {
      const [mark] = await here.database.query<{ waits: boolean }>(
        "select next_attempt_at > reminder_now() as waits from done_marks",
      );
      return mark === undefined || mark.waits;
    }, "it waits");
    await here.advance({ minutes: 1 });
  }
  await isMarked(message);
  await allIsSaid(here);
});

test.each(["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"])(
  "a message that is gone or can't be changed (%s) is given up without a word",
  async (error) => {
    const here = await slackWorld();
    here.slack.instead = (response, method) =>
      method === "chat.update" && Boolean(response.end(JSON.stringify({ ok: false, error })));
    here.workInSlack();
    const { id } = await here.send();
    await here.api.act(id, "complete");
    await until(() => here.slack.calls.includes("chat.update"), "it was tried");
    await allIsSaid(here);
    expect(here.slack.calls.filter((method) => method === "chat.update")).toHaveLength(1);
  },
);

test("of a long thread its beginning and the newest ones are changed, one in a second and messages first", async () => {
  const here = await slackWorld();
  const { id, bucket } = (await here.reminder(await here.insert({ channel: "slack", recipient: CHANNEL }))) as {
    id: number;
    bucket: number;
  };
  await here.database.query(
    `insert into deliveries (tenant_id, bucket, reminder_id, occurrence_at, channel, recipient, status, provider_id, finished_at)
     select 'default', $2, $1, reminder_now() - n * interval '1 hour', 'slack', $3, 'sent',
            $3 || '/' || (1700000000 - n) || '.000100/1600000000.000100', reminder_now()
       from generate_series(1, 300) n`,
    [id, bucket, CHANNEL],
  );
  await here.api.act(id, "complete");
  here.workInSlack();
  await until(async () => (await here.database.query("select from errands")).length === 0, "they were found");
  const changed = () => here.slack.http.received.filter(({ path }) => path.endsWith("chat.update"));
  await until(() => changed().length > 0, "one was tried");
  const left = await here.database.query<{ provider_id: string }>("select provider_id from done_marks");
  expect(left.length + changed().length).toBeGreaterThanOrEqual(20);
  expect(left.length).toBeLessThanOrEqual(20);
  const before = changed().length;
  await here.send();
  expect(changed().length - before).toBeLessThan(15);
});
