import { withoutPassword } from "../telemetry/url-password.ts";
import { banner } from "./banner.ts";
import { connect, neededUrl } from "./connect.ts";
import { openKeyring } from "./keyring.ts";
import { closeApi, listen } from "./listen.ts";
import { databaseForApi, warnOfLogin } from "./part-database.ts";
import { makeApi, openChannels } from "./parts.ts";
import type { Service } from "./run.ts";
import { say } from "./say.ts";

/** The HTTP API alone. It knows the channels to check recipients by, and sends nothing. */
export async function api(service: Service): Promise<"stays"> {
  const { opened, stopping } = service;
  const url = neededUrl(service, "api");
  const database = await connect(service, url, "api");
  const keyring = await openKeyring(service);
  const server = await makeApi(service, {
    database: await databaseForApi(database),
    channels: openChannels(service),
    keyring,
    named: null,
  });
  stopping.throwIfAborted();
  const where = await listen(server, service);
  opened.add("API", () => closeApi(server));
  await warnOfLogin(service, database);
  say(banner({ api: where, database: withoutPassword(url) }));
  return "stays";
}
