import { withoutPassword } from "../telemetry/url-password.ts";
import { banner } from "./banner.ts";
import { connect, neededUrl } from "./connect.ts";
import { openKeyring, reportMissingKeys } from "./keyring.ts";
import { openOutside } from "./outside.ts";
import { databaseForWorker, warnOfLogin } from "./part-database.ts";
import { makeWorker, openChannels } from "./parts.ts";
import type { Service } from "./run.ts";
import { say } from "./say.ts";
import { namedQueries } from "./sql-checks.ts";

/** A worker alone. */
export async function worker(service: Service): Promise<"stays"> {
  const { config, opened, stopping } = service;
  const url = neededUrl(service, "worker");
  const database = await connect(service, url, "worker");
  const ofWorker = await databaseForWorker(database);
  await warnOfLogin(service, database);
  const keyring = await openKeyring(service);
  await reportMissingKeys(service, ofWorker, keyring);
  stopping.throwIfAborted();
  const channels = openChannels(service, { database: ofWorker, keyring });
  const named = await namedQueries(service);
  const outside = openOutside(service, { database: ofWorker, keyring, named });
  const running = makeWorker(service, ofWorker, channels, outside);
  opened.add("worker", () => running.stop());
  say(banner({ database: withoutPassword(url), email: config.email }));
  say("🟢 Scheduler started");
  return "stays";
}
