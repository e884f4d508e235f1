import { createPrivateKey } from "node:crypto";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildServer } from "../../src/api/server.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startWorker } from "../../src/engine/worker.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import { apiDatabase, workerDatabase } from "../../src/store/tenant-database.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { freshDatabase } from "../support/database.ts";
import { emailChannel } from "../support/email.ts";
import { buildProgram } from "../support/program.ts";
import { certificate, certificateKey } from "../support/smtp.ts";
import { keyHolders, NO_RATE_LIMITS } from "./actors.ts";
import { ANYBODY, campaign } from "./campaign.ts";
import { OUTSIDE, Outsiders } from "./outsiders.ts";
import { report } from "./report.ts";
import { startService } from "./service.ts";

const REQUESTS = 20_000;
/** Another one each day, so that every day looks elsewhere; the report names it. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_124);

/**
 * What takes a signature, and a mail as it is, is asked under another name: told by those whose it is. Secrets in the very form of the provider
 * in the path, or of a device that is there, are made by luck alone; so is a body with exactly one of two fields for a reminder that may still
 * be put off.
 */
const SELDOM_GRANTED = ["putInboundSource", "subscribeDevice", "snoozeReminder", "acknowledgeReminder"];
const NEVER_GRANTED = new Set(["bytes", "receiveEvent", "receiveFeedback", "receiveMail", ...SELDOM_GRANTED]);

beforeAll(buildProgram);

test("20,000 valid, near-valid and hostile requests: no 5xx, no hang, no answer but as documented, a clean log", async () => {
  const database = await freshDatabase();
  const service = await startService(database.url, OUTSIDE);
  try {
    const outsiders = await Outsiders.setUp(service.url, [ANYBODY]);
    const tally = await campaign({ url: service.url, requests: REQUESTS, seed: SEED, outsiders });

    const text = report(tally, { seed: SEED, memoryMb: [], faults: service.faults });
    expect(tally.found, text).toEqual([]);
    expect(service.isUp(), text).toBe(true);
    expect(service.faults, text).toEqual([]);
    // What is never granted is never tried: each operation must have been.
    for (const [operation, statuses] of tally.statuses) {
      if (NEVER_GRANTED.has(operation)) continue;
      expect(
        [...statuses.keys()].some((status) => status >= 200 && status < 300),
        `${operation}\n${text}`,
      ).toBe(true);
    }
  } finally {
    expect(await service.stop()).toBe(0);
  }
}, 240_000);

test("of tenants who use each other's ids none sees or changes what isn't theirs", async () => {
  const database = await freshDatabase();
  const actors = await keyHolders(database, 2);
  const service = await startService(database.url, { ...NO_RATE_LIMITS, ...OUTSIDE });
  try {
    const outsiders = await Outsiders.setUp(service.url, actors);
    const tally = await campaign({ url: service.url, requests: 3_000, seed: SEED, actors, outsiders });

    const text = report(tally, { seed: SEED, memoryMb: [], faults: service.faults });
    expect(tally.found, text).toEqual([]);
    expect(service.faults, text).toEqual([]);
  } finally {
    expect(await service.stop()).toBe(0);
  }
}, 240_000);

/** In this process, since Amazon's certificate has to come from somewhere: what guards outgoing requests lets nobody else be Amazon. */
test("what Amazon, other providers, Slack, mail servers and senders have rightly signed may say anything", async () => {
  const database = await freshDatabase();
  const faults: string[] = [];
  const log = createLog({ level: "error", destination: { write: (line) => faults.push(line) } });
  const body = Buffer.from(certificate);
  const channels = channelMap([emailChannel(null)]);
  const { SLACK_BOT_TOKEN: token, SLACK_SIGNING_SECRET: signingSecret, SLACK_API_URL: apiUrl } = OUTSIDE;
  const worker = startWorker({ database: workerDatabase(database), channels, log });
  onTestFinished(() => worker.stop());
  const server = await buildServer({
    ...{ database: apiDatabase(database), channels },
    keyring: new Keyring(parseMasterKeys(newMasterKey())),
    http: { request: async () => ({ ok: true, status: 200, headers: {}, body, isWhole: true }) },
    slack: { account: { via: "bot", token, signingSecret }, apiUrl },
    ...{ log, bounceSecret: OUTSIDE.BOUNCE_SECRET, publicUrl: OUTSIDE.PUBLIC_URL },
  });
  onTestFinished(() => server.close());
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const actors = await keyHolders(database, 2);
  const outsiders = await Outsiders.setUp(url, actors, { snsKey: createPrivateKey(certificateKey) });
  const tally = await campaign({ url, requests: 5_000, seed: SEED, actors, outsiders });

  const text = report(tally, { seed: SEED, memoryMb: [], faults });
  expect(tally.found, text).toEqual([]);
  expect(faults, text).toEqual([]);
  for (const by of outsiders.tellers) {
    const statuses = [...(tally.statuses.get(`told by ${by}`) ?? new Map<number, number>()).keys()];
    expect(by === "slack" || statuses.some((status) => status >= 200 && status < 300), `${by}\n${text}`).toBe(true);
  }
}, 240_000);
