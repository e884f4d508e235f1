import { beforeAll, expect, test } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { buildProgram } from "../support/program.ts";
import { keyHolders, NO_RATE_LIMITS } from "./actors.ts";
import { campaign } from "./campaign.ts";
import { report } from "./report.ts";
import { startService } from "./service.ts";

const REQUESTS = 20_000;
/** Another one each day, so that every day looks elsewhere; the report names it. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_124);

/**
 * What takes a signature, and a mail as it is, which no request here carries; and secrets in the very form of the provider in the path,
 * or of a device that is there, which are made by luck alone.
 */
const SELDOM_GRANTED = ["putInboundSource", "subscribeDevice"];
const NEVER_GRANTED = new Set(["bytes", "receiveEvent", "receiveFeedback", "receiveMail", ...SELDOM_GRANTED]);

beforeAll(buildProgram);

test("20,000 valid, near-valid and hostile requests: no 5xx, no hang, no answer but as documented, a clean log", async () => {
  const database = await freshDatabase();
  const service = await startService(database.url);
  try {
    const tally = await campaign({ url: service.url, requests: REQUESTS, seed: SEED });

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
  const service = await startService(database.url, NO_RATE_LIMITS);
  try {
    const tally = await campaign({ url: service.url, requests: 3_000, seed: SEED, actors });

    const text = report(tally, { seed: SEED, memoryMb: [], faults: service.faults });
    expect(tally.found, text).toEqual([]);
    expect(service.faults, text).toEqual([]);
  } finally {
    expect(await service.stop()).toBe(0);
  }
}, 240_000);
