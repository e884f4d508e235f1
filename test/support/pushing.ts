import { pino } from "pino";
import { onTestFinished } from "vitest";
import { newPrivateKey, publicKeyOf } from "../../src/channels/push/account.ts";
import { createPushChannel, type PushSettings } from "../../src/channels/push/push.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { PushDevices } from "../../src/engine/push-devices.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { workerDatabase } from "../../src/store/tenant-database.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { startApi, type TestApi } from "./api.ts";
import { emailChannel } from "./email.ts";
import { type PushService, startPushService } from "./push-service.ts";
import { type World, world } from "./world.ts";

export interface Pushing extends World {
  api: TestApi;
  service: PushService;
  publicKey: string;
}

/** A world whose contacts are reached by a push service on loopback, or else by e-mail in demo mode. */
export async function pushing(settings: Partial<PushSettings> = {}): Promise<Pushing> {
  const here = await world();
  const service = await startPushService();
  const privateKey = newPrivateKey();
  const account = { privateKey, publicKey: publicKeyOf(privateKey) as string, subject: "mailto:ops@example.com" };
  const database = workerDatabase(here.database);
  const log = pino({ level: "silent" });
  const push = createPushChannel({
    ...{ account, http: loopbackHttp(), devices: new PushDevices(database, log) },
    ...settings,
  });
  const channels = channelMap([push, emailChannel(null), here.sink]);
  const pushKey = account.publicKey;
  const api = await startApi(here.database, { channels, pushKey, publicUrl: "https://r.example.com" });
  const worker = startWorker({ database, channels, log, settings: { links: { publicUrl: api.url, days: 30 } } });
  onTestFinished(() => worker.stop());
  return { ...here, api, service, publicKey: account.publicKey };
}
