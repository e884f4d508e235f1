import { pino } from "pino";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { NotYet } from "../channels/channel.ts";
import type { Keyring } from "../secrets/keyring.ts";
import { type Database, openDatabase } from "../store/postgres.ts";
import { workerDatabase } from "../store/tenant-database.ts";
import { failed } from "./outcome.ts";
import { PushDevices } from "./push-devices.ts";
import { TenantSettings } from "./tenant-settings.ts";
import { Threads } from "./threads.ts";

let away: Database;

beforeAll(() => {
  away = openDatabase({ url: "postgresql://127.0.0.1:1/none" });
  return () => away.close();
});

const settings = () =>
  new TenantSettings({
    ...{ database: away, keyring: {} as Keyring, channel: "webhook", make: () => ({}) },
    cannotOpen: (sentence) => new Error(sentence),
  });
const ana = { entityType: "person", entityId: "ana" };

test.each([
  ["a tenant's own settings", () => settings().of("acme")],
  ["the message before", () => new Threads(away, "slack").lastSent(1, "#sales")],
  ["a person's devices", () => new PushDevices(workerDatabase(away), pino({ level: "silent" })).of("acme", ana)],
] as const)("a database that is away when a channel asks for %s is no failure of the channel", async (_what, ask) => {
  const error = await ask().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(NotYet);
  const schedule = { waitsSeconds: [0, 3_600, 36_000], capSeconds: 86_400 };
  expect(failed(error, { attempts: 2 }, schedule, false)).toMatchObject({
    ...{ status: "retrying", untried: true, retryInMs: 1_000, reason: "waits for the database" },
  });
});

test("what was known of a tenant's settings before is good enough", async () => {
  let isAway = false;
  const database = { query: async () => (isAway ? away.query("select 1") : []) } as unknown as Database;
  const own = new TenantSettings({
    ...{ database, keyring: {} as Keyring, channel: "webhook", make: () => ({}), freshMs: 0 },
    cannotOpen: (sentence) => new Error(sentence),
  });
  onTestFinished(() => {
    isAway = false;
  });
  expect(await own.of("acme")).toBeNull();
  isAway = true;
  expect(await own.of("acme")).toBeNull();
});
