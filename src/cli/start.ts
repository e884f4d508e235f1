import { type Embedded, startEmbedded } from "../store/embedded.ts";
import { migrate } from "../store/migrate.ts";
import { withoutPassword } from "../telemetry/url-password.ts";
import { banner } from "./banner.ts";
import { connect } from "./connect.ts";
import { openKeyring, reportMissingKeys } from "./keyring.ts";
import { closeApi, listen } from "./listen.ts";
import { openOutside } from "./outside.ts";
import { databaseForApi, databaseForWorker, warnOfLogin } from "./part-database.ts";
import { makeApi, makeWorker, openChannels } from "./parts.ts";
import type { Service } from "./run.ts";
import { say } from "./say.ts";
import { namedQueries } from "./sql-checks.ts";

/** What stopping the rest may still take once the embedded server is asked to stop, in milliseconds. */
const AFTER_EMBEDDED_MS = 600;

/** Everything in one process: the database unless DATABASE_URL names one, its tables, the API and a worker. */
export async function start(service: Service): Promise<"stays"> {
  const { config, log, opened, stopping } = service;
  const embedded = config.database.url ? null : await openEmbedded(service);
  const url = embedded?.url ?? (config.database.url as string);
  const database = await connect(service, url, "api");
  const applied = await migrate(database);
  if (applied.length > 0) log.info({ migrations: applied }, "tables created");

  // With connections of its own, the worker fires on time however many the API has waiting for the database.
  const ofWorker = await databaseForWorker(await connect(service, url, "worker"));
  const ofApi = await databaseForApi(database);

  const keyring = await openKeyring(service, embedded ? "data folder" : "configured");
  await reportMissingKeys(service, ofWorker, keyring);
  const channels = openChannels(service, { database: ofWorker, keyring });
  const named = await namedQueries(service);
  const server = await makeApi(service, { database: ofApi, channels, keyring, named });
  stopping.throwIfAborted();
  // The address first: a start that fails because it is taken must not have sent anything.
  const where = await listen(server, service);
  const worker = makeWorker(service, ofWorker, channels, openOutside(service, { database: ofWorker, keyring, named }));
  opened.add("API and worker", () => Promise.all([closeApi(server), worker.stop()]));
  embedded?.announce(where);
  await warnOfLogin(service, database);

  const data = embedded ? { database: url, dataDir: config.dataDir } : { database: withoutPassword(url) };
  say(banner({ api: where, ...data, email: config.email }));
  say("🟢 Scheduler started");
  return "stays";
}

async function openEmbedded({ config, log, opened, stopping }: Service): Promise<Embedded> {
  const embedded = await startEmbedded({ dataDir: config.dataDir, log, signal: stopping });
  opened.add("embedded PostgreSQL", (giveUpAt) =>
    embedded.stop(Math.max(0, giveUpAt - performance.now() - AFTER_EMBEDDED_MS)),
  );
  return embedded;
}
