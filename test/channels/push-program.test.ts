import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { newPrivateKey, publicKeyOf } from "../../src/channels/push/account.ts";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { client } from "../support/api.ts";
import { heard } from "../support/canary.ts";
import { freshDatabase } from "../support/database.ts";
import { buildProgram, newFolder, runProgram, startProgram } from "../support/program.ts";
import { startPushService } from "../support/push-service.ts";
import { until } from "../support/wait.ts";

beforeAll(buildProgram);

test("a tenant's own key sends, devices subscribe by a link, and neither keys nor devices nor links are shown anywhere (P10)", async () => {
  const [database, service, folder] = [await freshDatabase(), await startPushService(), newFolder()];
  const [own, shared] = [newPrivateKey(), newPrivateKey()];
  const env = {
    ...{
      DATABASE_URL: database.url,
      SECRETS_KEY: newMasterKey(),
      LOG_LEVEL: "trace",
      PUBLIC_URL: "https://r.example.com",
    },
    ...{ VAPID_PRIVATE_KEY: shared, VAPID_SUBJECT: "mailto:ops@example.com" },
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
  writeFileSync(secretFile, `${own}\n`);

  // given: a key of the tenant's own, and devices of which one has subscribed by the link
  const set = ["channels", "set", "push", "--subject", "mailto:ops@acme.example", "--secret-file", secretFile];
  expect(await finish(...set)).toContain(`sends push messages by the public key ${publicKeyOf(own)}`);
  expect(await finish("channels", "list")).toContain(`push  by the key ${publicKeyOf(own)}`);
  expect(await finish("channels", "show", "push")).toMatch(/^private_key: +set$/m);
  const program = await startProgram(env, { folder });
  const api = client(program.told("API"));
  await api.putContact("invoice", "INV_7", { name: "Ann" });
  const [phone, strict] = [service.device(), service.device()];
  const { url } = (await api.call("POST", "/contacts/invoice/INV_7/push-link", {})).body as { url: string };
  const page = url.replace("https://r.example.com", api.url);
  expect(await (await fetch(page)).text()).toContain(`data-key="${publicKeyOf(own)}"`);
  const posted = await fetch(page, {
    ...{ method: "POST", headers: { "content-type": "application/json" } },
    body: JSON.stringify({ subscription: phone.json }),
  });
  expect(posted.status).toBe(204);
  await api.call("POST", "/contacts/invoice/INV_7/push-subscriptions", strict.json);
  service.behave = (response, { endpoint }) =>
    void response.writeHead(endpoint === phone.endpoint ? 410 : 403).end(`nothing for ${endpoint}`);

  // when
  const { id } = await api.create({
    ...{ entity_type: "invoice", entity_id: "INV_7", channel: "push", run_at: new Date().toISOString() },
  });
  await until(async () => (await api.deliveries(id))[0]?.status === "failed", "the message has failed");

  // then
  expect(service.wrong).toEqual([]);
  expect(service.pushed.map(({ publicKey }) => publicKey)).toEqual([publicKeyOf(own), publicKeyOf(own)]);
  const told = async (path: string) => JSON.stringify((await api.call("GET", path)).body);
  for (const path of [`/reminders/${id}/timeline`, `/reminders/${id}/deliveries`, `/reminders/${id}/explain`, "/audit"])
    places.push({ name: path, text: await told(path) });
  places.push({ name: "devices", text: await told("/contacts/invoice/INV_7/push-subscriptions") });
  places.push({ name: "audit", text: JSON.stringify(await database.query("select * from audit_log")) });
  places.push({ name: "settings", text: JSON.stringify(await database.query("select * from channel_settings")) });
  program.kill("SIGTERM");
  await program.ended;
  places.push({ name: "the log", text: program.output() });
  expect(program.output()).toContain("a device is gone");
  const birds = [own, shared, url.split("/p/")[1] as string];
  for (const { endpoint, json } of [phone, strict]) birds.push(new URL(endpoint).pathname.slice(6), json.keys.auth);
  expect(
    heard(
      birds.map((value) => ({ name: "a secret", value })),
      places,
    ),
  ).toEqual([]);
});

test("a new key is printed, and what is none is refused without being shown", async () => {
  const database = await freshDatabase();
  const printed = runProgram(["channels", "new-push-key"], { DATABASE_URL: database.url });
  expect(await printed.ended).toBe(0);
  expect(publicKeyOf(printed.output().trim())).toHaveLength(87);

  const wrong = `${newPrivateKey()}AAAA`;
  const env = { DATABASE_URL: database.url, VAPID_PRIVATE_KEY: wrong, VAPID_SUBJECT: "ops@example.com" };
  const start = runProgram(["worker"], env);
  expect(await start.ended).toBe(1);
  expect(start.output()).toMatch(/^✖ VAPID_PRIVATE_KEY must be the base64url of 32 bytes/m);
  expect(start.output()).toMatch(/^✖ VAPID_SUBJECT must be an address like mailto:/m);
  expect(start.output()).not.toContain(wrong);
});
