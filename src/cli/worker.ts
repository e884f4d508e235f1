import { workerDatabase } from "../store/tenant-database.ts";
import { withoutPassword } from "../telemetry/url-password.ts";
import { banner } from "./banner.ts";
import { connect, neededUrl, requireTables } from "./connect.ts";
import { makeWorker, openChannels } from "./parts.ts";
import type { Service } from "./run.ts";
import { say } from "./say.ts";

/** A worker alone. */
export async function worker(service: Service): Promise<"stays"> {
  const { config, opened, stopping } = service;
  const url = neededUrl(service, "worker");
  const database = await connect(service, url, "worker");
  await requireTables(database, "worker");
  stopping.throwIfAborted();
  const running = makeWorker(service, workerDatabase(database), openChannels(service));
  opened.add("worker", () => running.stop());
  say(banner({ database: withoutPassword(url), email: config.email }));
  say("🟢 Scheduler started");
  return "stays";
}
