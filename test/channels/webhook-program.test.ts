import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { beforeAll, expect, test } from "vitest";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { heard } from "../support/canary.ts";
import { advance } from "../support/clock.ts";
import { freshDatabase } from "../support/database.ts";
import { startHttpReceiver } from "../support/http-receiver.ts";
import { buildProgram, newFolder, type Program, runProgram, startProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;

test("killed in the middle of a webhook, it sends it again with the same id, and shows its secrets nowhere (P10)", async () => {
  const [database, receiver, folder] = [await freshDatabase(), await startHttpReceiver(), newFolder()];
  const [own, older] = [newSecret(), newSecret()];
  const env = {
    ...{ DATABASE_URL: database.url, SECRETS_KEY: newMasterKey(), WEBHOOK_SECRET: newSecret(), LOG_LEVEL: "trace" },
    ...{ OUTGOING_ALLOW: "127.0.0.1", OUTGOING_PORTS: "1024-65535" },
  };
  const places: { name: string; text: string }[] = [];
  const finish = async (...args: string[]): Promise<string> => {
    const program = runProgram(args, env, { folder });
    await program.ended;
    places.push({ name: args.join(" "), text: program.output() });
    return program.output();
  };
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, `${own} ${older}\n`);

  // given: secrets of the tenant's own, and a receiver that gets the message and doesn't answer
  expect(await finish("channels", "set", "webhook", "--secret-file", secretFile)).toContain(
    "Webhooks of tenant default are signed with 2 secrets of its own",
  );
  expect(await finish("channels", "list")).toMatch(
    /^default {2}webhook {2}signed with [0-9a-f]{12} and [0-9a-f]{12}$/m,
  );
  expect(await finish("channels", "show", "webhook")).toMatch(/^signing_secrets: +set$/m);
  receiver.behave = () => undefined;
  const first = await startProgram(env, { folder });
  const reminder = {
    ...{ entity_type: "invoice", entity_id: "1", event_type: "payment", channel: "webhook" },
    ...{ recipient: `${receiver.url}/hooks`, schedule_type: "one_time", run_at: new Date().toISOString() },
  };
  const created = await fetch(`${first.told("API")}/reminders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(reminder),
  });
  expect({ status: created.status, said: await created.clone().text() }).toMatchObject({ status: 201 });
  await until(() => receiver.received.length === 1, "the message is there");

  // when
  first.kill("SIGKILL");
  await first.ended;
  receiver.behave = (response) => void response.end(`you sent ${own}`);
  const second: Program = await startProgram(env, { folder });
  await advance(database, { seconds: 15 });

  // then
  await until(
    async () => (await database.query("select from deliveries where status = 'sent'")).length === 1,
    "it is sent",
  );
  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  expect(ids).toHaveLength(2);
  expect(ids[1]).toBe(ids[0]);
  for (const { body, headers } of receiver.received) {
    for (const secret of [own, older]) new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(() => new Webhook(env.WEBHOOK_SECRET).verify(body, headers as Record<string, string>)).toThrow();
  }
  places.push({ name: "the log", text: first.output() + second.output() });
  places.push({ name: "the database", text: JSON.stringify(await database.query("select * from channel_settings")) });
  const birds = [own, older, env.WEBHOOK_SECRET].map((value) => ({ name: "a secret", value: value.slice(6) }));
  expect(heard(birds, places)).toEqual([]);
});

test("what is no signing secret is refused, without being shown", async () => {
  const database = await freshDatabase();
  const [folder, secret] = [newFolder(), "whsec_c2hvcnQ="];
  const path = join(folder, "secret");
  writeFileSync(path, secret);
  const env = { DATABASE_URL: database.url, SECRETS_KEY: newMasterKey() };

  const set = runProgram(["channels", "set", "webhook", "--secret-file", path], env);
  expect(await set.ended).toBe(1);
  const start = runProgram(["worker"], { ...env, WEBHOOK_SECRET: secret });
  expect(await start.ended).toBe(1);

  expect(set.output()).toMatch(/^✖ the signing secret must be whsec_ and the base64 of 24 to 64 random bytes$/m);
  expect(start.output()).toMatch(/^✖ WEBHOOK_SECRET must be whsec_ and the base64 of 24 to 64 random bytes$/m);
  expect(set.output() + start.output()).not.toContain(secret);
  expect(await database.query("select from channel_settings")).toEqual([]);
});
