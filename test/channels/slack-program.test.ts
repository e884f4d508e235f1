import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { heard } from "../support/canary.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, newFolder, runProgram, startProgram } from "../support/program.ts";
import { BOT_TOKEN, CHANNEL, startSlack } from "../support/slack.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

test("a tenant's own bot is set by its token, posts, and shows the token nowhere (P10)", async () => {
  const [database, slack, folder] = [await freshDatabase(), await startSlack(), newFolder()];
  const shared = `${slack.webhookUrl}-of-the-environment`;
  const env = {
    ...{ DATABASE_URL: database.url, SECRETS_KEY: newMasterKey(), LOG_LEVEL: "trace" },
    ...{ SLACK_WEBHOOK_URL: shared, SLACK_API_URL: slack.apiUrl.slice(0, -1) },
    ...{ OUTGOING_ALLOW: "127.0.0.1", OUTGOING_PORTS: "1024-65535" },
  };
  const secretFile = join(folder, "secret");
  const places: { name: string; text: string }[] = [];
  const finish = async (...args: string[]): Promise<string> => {
    const program = runProgram(args, env, { folder });
    await program.ended;
    places.push({ name: args.join(" "), text: program.output() });
    return program.output();
  };

  // given
  writeFileSync(secretFile, "xoxp-a-persons-token");
  expect(await finish("channels", "set", "slack", "--secret-file", secretFile)).toMatch(/^✖ it must be a bot token/m);
  writeFileSync(secretFile, `${BOT_TOKEN}\n`);
  expect(await finish("channels", "set", "slack", "--secret-file", secretFile)).toContain(
    "Tenant default writes to Slack by a bot of its own",
  );
  expect(await finish("channels", "list")).toBe("default  slack  by bot\n");
  expect(await finish("channels", "show", "slack")).toMatch(/^bot_token: +set$/m);

  // when
  const program = await startProgram(env, { folder });
  const remind = (recipient: string) =>
    fetch(`${program.told("API")}/reminders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ entity_type: "invoice", entity_id: recipient, event_type: "payment", channel: "slack", recipient },
        ...{ schedule_type: "one_time", run_at: new Date().toISOString() },
      }),
    });
  expect(await (await remind("#general")).text()).toContain("must be the id of a channel");
  expect((await remind(CHANNEL)).status).toBe(201);
  expect((await remind("C9999999999")).status).toBe(201);

  // then
  await until(async () => {
    const rows = await database.query("select from deliveries where status in ('sent', 'failed')");
    return rows.length === 2;
  }, "both have ended");
  expect(slack.messages).toMatchObject([{ channel: CHANNEL, text: expect.stringContaining("Reminder: Payment") }]);
  const [failed] = await database.query("select reason from deliveries where status = 'failed'");
  expect(failed?.reason).toMatch(
    /^Slack refused the message \(channel_not_found\): there is no such channel for the app/,
  );
  places.push({ name: "the log", text: program.output() });
  for (const table of ["deliveries", "reminder_events", "channel_settings", "audit_log"]) {
    places.push({ name: table, text: JSON.stringify(await database.query(`select * from ${table}`)) });
  }
  const birds = [BOT_TOKEN, shared].map((value) => ({ name: "a secret", value }));
  expect(heard(birds, places)).toEqual([]);
});

test("two ways to Slack at once, or a token that is none, end the start without showing either", async () => {
  const start = (env: Record<string, string>) =>
    runProgram(["worker"], { DATABASE_URL: "postgresql://x@127.0.0.1:1/x", ...env });
  const both = start({ SLACK_BOT_TOKEN: BOT_TOKEN, SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/T/B/x" });
  const wrong = start({ SLACK_BOT_TOKEN: "xoxp-a-persons-token" });
  const open = start({ SLACK_WEBHOOK_URL: "http://hooks.slack.com/services/T/B/x" });
  expect(await Promise.all([both.ended, wrong.ended, open.ended])).toEqual([1, 1, 1]);

  expect(both.output()).toContain("SLACK_BOT_TOKEN and SLACK_WEBHOOK_URL can't both be set");
  expect(wrong.output()).toContain("SLACK_BOT_TOKEN must be a bot token like xoxb-...");
  expect(open.output()).toContain("SLACK_WEBHOOK_URL must be the URL of an incoming webhook");
  expect(both.output() + wrong.output() + open.output()).not.toMatch(/xoxb-1|xoxp-a|services\/T/);
});
