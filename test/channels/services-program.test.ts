import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { SERVICES } from "../../src/channels/services/list.ts";
import { settingsOf } from "../../src/channels/services/settings.ts";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { heard } from "../support/canary.ts";
import { freshDatabase } from "../support/database.ts";
import { answer, startHttpReceiver } from "../support/http-receiver.ts";
import { buildProgram, newFolder, runProgram, startProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const TELEGRAM_TOKEN = "123456:AAcanary-of-telegram-0123456789";
const DISCORD_TOKEN = "canary-of-discord-0123456789";
const TAKEN = JSON.stringify({ ok: true, id: "1", result: { message_id: 77 } });

test("a tenant's own access is set by the command, the installation's by the environment, and neither is shown (P10)", async () => {
  const [database, http, folder] = [await freshDatabase(), await startHttpReceiver(), newFolder()];
  http.behave = answer(200, { "content-type": "application/json" }, TAKEN);
  const env = {
    ...{ DATABASE_URL: database.url, SECRETS_KEY: newMasterKey(), LOG_LEVEL: "trace" },
    ...{ DISCORD_WEBHOOK_URL: `${http.url}/api/webhooks/1234567890/${DISCORD_TOKEN}`, NTFY_API_URL: `${http.url}/` },
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
  const setTelegram = (...more: string[]) =>
    finish("channels", "set", "telegram", "--secret-file", secretFile, "--api-url", http.url, ...more);

  // given
  writeFileSync(secretFile, "no token");
  expect(await setTelegram()).toMatch(/^✖ the secret must be the token of a bot/m);
  writeFileSync(secretFile, `${TELEGRAM_TOKEN}\n`);
  expect(await setTelegram("--tenant", "nobody")).toMatch(/there is no tenant nobody/);
  expect(await setTelegram()).toContain("Tenant default writes to Telegram by an access of its own");
  expect(await finish("channels", "list")).toBe(`default  telegram  by a token at ${http.url}\n`);
  expect(await finish("channels", "show", "telegram")).toMatch(/^access: +set$/m);

  // when
  const program = await startProgram(env, { folder });
  const remind = async (channel: string, recipient: string | null): Promise<number> => {
    const { status } = await fetch(`${program.told("API")}/reminders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ entity_type: "invoice", entity_id: "42", event_type: channel, channel, recipient },
        ...{ schedule_type: "one_time", run_at: new Date().toISOString() },
      }),
    });
    return status;
  };
  expect(await remind("telegram", "ann")).toBe(422);
  expect(await remind("telegram", "12345678")).toBe(201);
  expect(await remind("discord", null)).toBe(201);
  expect(await remind("ntfy", "invoices")).toBe(201);

  // then
  await until(async () => (await database.query("select from deliveries where status = 'sent'")).length === 3, "sent");
  expect(http.received.map(({ path }) => path).sort()).toEqual([
    "/",
    `/api/webhooks/1234567890/${DISCORD_TOKEN}?wait=true`,
    `/bot${TELEGRAM_TOKEN}/sendMessage`,
  ]);
  expect(http.received.find(({ path }) => path === "/")?.headers).not.toHaveProperty("authorization");
  places.push({ name: "the log", text: program.output() });
  for (const table of ["deliveries", "reminder_events", "channel_settings", "audit_log"]) {
    places.push({ name: table, text: JSON.stringify(await database.query(`select * from ${table}`)) });
  }
  const birds = [TELEGRAM_TOKEN, DISCORD_TOKEN].map((value) => ({ name: "a secret", value }));
  expect(heard(birds, places)).toEqual([]);
});

test("settings that are wrong, or lack their other half, end the start without showing a secret", async () => {
  const start = (env: Record<string, string>) =>
    runProgram(["worker"], { DATABASE_URL: "postgresql://x@127.0.0.1:1/x", ...env });
  const wrong = start({ TELEGRAM_TOKEN: "canary" });
  const open = start({ DISCORD_WEBHOOK_URL: `http://discord.com/api/webhooks/1234567890/${DISCORD_TOKEN}` });
  const half = start({ MATRIX_TOKEN: "canary-of-matrix" });
  expect(await Promise.all([wrong.ended, open.ended, half.ended])).toEqual([1, 1, 1]);

  expect(wrong.output()).toContain("TELEGRAM_TOKEN must be the token of a bot");
  expect(open.output()).toContain("DISCORD_WEBHOOK_URL must be the URL of a Discord webhook");
  expect(half.output()).toContain("MATRIX_API_URL must be set when MATRIX_TOKEN is: where Matrix runs");
  expect(wrong.output() + open.output() + half.output()).not.toContain("canary");
});

test("the guide has a section for each service, with its settings", () => {
  const guide = readFileSync(new URL("../../docs/guide/channel-services.md", import.meta.url), "utf8");
  for (const service of SERVICES) {
    const section = guide.split(/^## /m).find((text) => text.startsWith(`${service.title}\n`)) ?? "";
    expect(section).toContain(settingsOf(service)[0]?.name);
    expect(section).toContain(`channels set ${service.name}\``);
    for (const { toDo } of service.refusals) expect(section).toContain(toDo);
  }
});
