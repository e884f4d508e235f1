import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { heard } from "../support/canary.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, newFolder, type Program, runProgram, startProgram } from "../support/program.ts";
import {
  ANN,
  BOT_TOKEN,
  buttonsOf,
  CHANNEL,
  pressBody,
  SIGNING_SECRET,
  type SlackServer,
  signedBySlack,
  startSlack,
} from "../support/slack.ts";
import { isMarked } from "../support/slack-buttons.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const envOf = (database: { url: string }, slack: SlackServer) => ({
  ...{ DATABASE_URL: database.url, SLACK_API_URL: slack.apiUrl, LOG_LEVEL: "trace" },
  ...{ OUTGOING_ALLOW: "127.0.0.1", OUTGOING_PORTS: "1024-65535" },
});
const ofInstallation = { SLACK_BOT_TOKEN: BOT_TOKEN, SLACK_SIGNING_SECRET: SIGNING_SECRET };

async function post(program: Program, path: string, body: object): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${program.told("API")}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  expect(response.status).toBeLessThan(300);
  return (await response.json()) as Record<string, unknown>;
}

const remind = (program: Program, recipient: string) =>
  post(program, "/reminders", {
    ...{ entity_type: "invoice", entity_id: recipient, event_type: "payment", channel: "slack", recipient },
    ...{ schedule_type: "recurring", interval_minutes: 60, run_at: new Date().toISOString() },
  });

const press = (program: Program, slack: SlackServer, path: string, secret: string) => {
  const [message] = slack.messages;
  if (!message) throw new Error("there is no message");
  const body = pressBody(slack, { message, action: "answer:done" });
  return fetch(`${program.told("API")}${path}`, { method: "POST", body, headers: signedBySlack(body, secret) });
};

test("killed between a reminder's end and its check mark, another worker makes it, be it the errand or the change that was cut off", async () => {
  const [database, slack] = [await freshDatabase(), await startSlack()];
  const env = { ...envOf(database, slack), ...ofInstallation };
  const sent = async (count: number) => {
    const rows = await database.query("select from deliveries where status = 'sent'");
    return rows.length === count;
  };

  // given
  const first = await startProgram(env);
  const { id } = await remind(first, CHANNEL);
  await until(() => sent(1), "it is sent");
  slack.instead = (_, method) => method === "chat.update";

  // when
  await post(first, `/reminders/${id}/complete`, {});
  await until(() => slack.calls.includes("chat.update"), "the change is on its way");
  first.kill("SIGKILL");
  expect(await first.ended).toBe("SIGKILL");
  slack.instead = null;
  expect(buttonsOf(slack.messages[0])).toHaveLength(4);

  // then
  const second = await startProgram(env);
  await isMarked(slack.messages[0]);

  // The errand itself, made while nobody is at work.
  const other = await remind(second, ANN);
  await until(() => sent(2), "the other is sent");
  second.kill("SIGKILL");
  await second.ended;
  await database.query(
    "update reminder_jobs set status = 'COMPLETED', completion_reason = 'manual', next_run_at = null where id = $1",
    [other.id],
  );
  expect(await database.query("select kind from errands")).toEqual([{ kind: "mark" }]);
  await startProgram(env);
  await isMarked(slack.messages[1]);
});

test("the secrets of buttons are set for the installation or a tenant, and shown nowhere, nor what buttons stand for (P10)", async () => {
  const [database, slack, folder] = [await freshDatabase(), await startSlack(), newFolder()];
  const env = { ...envOf(database, slack), SECRETS_KEY: newMasterKey() };
  const [tokenFile, secretFile] = [join(folder, "token"), join(folder, "signing")];
  const places: { name: string; text: string }[] = [];
  const finish = async (...args: string[]): Promise<string> => {
    const program = runProgram(args, env, { folder });
    await program.ended;
    places.push({ name: args.join(" "), text: program.output() });
    return program.output();
  };
  const set = () => finish("channels", "set", "slack", "--secret-file", tokenFile, "--signing-secret-file", secretFile);

  writeFileSync(tokenFile, "https://hooks.slack.com/services/T/B/x");
  writeFileSync(secretFile, SIGNING_SECRET);
  expect(await set()).toContain("only messages of a bot have buttons");
  writeFileSync(tokenFile, BOT_TOKEN);
  writeFileSync(secretFile, "too short");
  expect(await set()).toContain("the signing secret must be letters and digits");
  writeFileSync(secretFile, `${SIGNING_SECRET}\n`);
  expect(await set()).toContain("Tenant default writes to Slack by a bot of its own, with buttons");
  expect(await finish("channels", "show", "slack")).toMatch(/^signing_secret: +set$/m);

  const program = await startProgram(env, { folder });
  await remind(program, ANN);
  await until(() => slack.messages.length === 1, "it is sent");
  const token = buttonsOf(slack.messages[0])[0]?.value as string;
  expect((await press(program, slack, "/inbound/slack", SIGNING_SECRET)).status).toBe(401);
  const refused = await press(program, slack, "/inbound/default/slack", "another0another0another0");
  places.push({ name: "a refusal", text: await refused.text() });
  expect((await press(program, slack, "/inbound/default/slack", SIGNING_SECRET)).status).toBe(200);
  await isMarked(slack.messages[0]);

  places.push({ name: "the log", text: program.output() });
  for (const table of ["deliveries", "reminder_events", "channel_settings", "audit_log", "answers", "inbound_events"]) {
    places.push({ name: table, text: JSON.stringify(await database.query(`select * from ${table}`)) });
  }
  const birds = [BOT_TOKEN, SIGNING_SECRET, token].map((value) => ({ name: "a secret", value }));
  expect(heard(birds, places)).toEqual([]);
});

test("a signing secret that is none, or without a bot, ends the start without showing it", async () => {
  const start = (env: Record<string, string>) =>
    runProgram(["worker"], { DATABASE_URL: "postgresql://x@127.0.0.1:1/x", ...env });
  const short = start({ SLACK_BOT_TOKEN: BOT_TOKEN, SLACK_SIGNING_SECRET: "short-secret" });
  const alone = start({ SLACK_SIGNING_SECRET: SIGNING_SECRET });
  expect(await Promise.all([short.ended, alone.ended])).toEqual([1, 1]);
  expect(short.output()).toContain("SLACK_SIGNING_SECRET must be the signing secret of the app");
  expect(alone.output()).toContain("SLACK_BOT_TOKEN must be set when SLACK_SIGNING_SECRET is");
  expect(short.output() + alone.output()).not.toMatch(/short-secret|8f742231/);
});
