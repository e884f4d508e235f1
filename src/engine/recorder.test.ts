import pg from "pg";
import { pino } from "pino";
import { expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { Retryable } from "../channels/channel.ts";
import { DEFAULT_RETRY } from "../core/retry.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import type { Held } from "./held.ts";
import { type Ended, failed, sent } from "./outcome.ts";
import { Recorder } from "./recorder.ts";

const KEY = { reminderId: 1, occurrenceAt: Date.UTC(2026, 0, 1), recipientNo: 0 };
const held = { ...KEY, token: "token", known: null, addressed: null, isLast: false, checked: null } as unknown as Held;

function failure(code: string): Error {
  return Object.assign(new pg.DatabaseError("no", 0, "error"), { code });
}

function databaseOf(query: (text: string, params: readonly unknown[]) => Promise<unknown>): WorkerDatabase {
  return { query, transaction: (work: (sql: object) => unknown) => work({ query }) } as unknown as WorkerDatabase;
}

/** Tries to store the result in a database that fails like this at first; returns the reasons that it was to store. */
async function stored(error: Error, failures: number): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const query = async (_text: string, params: readonly unknown[]) => {
    reasons.push((params[6 - 1] as unknown[])[0]);
    if (reasons.length <= failures) throw error;
    return [{ place: 1 }];
  };
  await new Promise<void>((onStored) => {
    const recorder = new Recorder({
      ...{ database: databaseOf(query), log: pino({ level: "silent" }), onStored: () => onStored() },
      ...{ hold: {} as never, fallbacks: new Map(), channels: new Map(), mostUnstored: 10 },
    });
    recorder.add({ held, outcome: sent({ providerId: null, demo: false }, "as it was") });
  });
  return reasons;
}

test.each([
  ["08006", "its connection was cut"],
  ["25006", "it is read-only for a while, as after a failover or with a disk that is nearly full"],
  ["42501", "somebody has taken rights from its role"],
  ["42P01", "a table isn't there, as in the middle of a restore"],
])("a result is kept until the database takes it as it is: %s, %s", async (code) => {
  expect(await stored(failure(code), 3)).toEqual(["as it was", "as it was", "as it was", "as it was"]);
});

test.each([
  ["certificate has expired", { code: "CERT_HAS_EXPIRED" }],
  ["self-signed certificate", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }],
  ["The server does not support SSL connections", {}],
  ["connect EMFILE 127.0.0.1:5432", { code: "EMFILE", syscall: "connect" }],
])("so is one while no connection can be made: %s", async (message, fields) => {
  expect(await stored(Object.assign(new Error(message), fields), 2)).toEqual(["as it was", "as it was", "as it was"]);
});

test("what can't be stored for what it says goes without its words", async () => {
  expect(await stored(failure("22P05"), 1)).toEqual(["as it was", null]);
});

/** A recorder of which each result that is let go of and each line of its log is kept. */
function recorderOn(database: WorkerDatabase): { recorder: Recorder; letGo: Ended[]; lines: string[] } {
  const [letGo, lines]: [Ended[], string[]] = [[], []];
  const recorder = new Recorder({
    ...{ database, log: pino({ level: "warn" }, { write: (line) => lines.push(line) }) },
    onStored: (batch) => letGo.push(...batch),
    ...{ hold: {} as never, fallbacks: new Map(), channels: new Map(), mostUnstored: 10 },
  });
  return { recorder, letGo, lines };
}

test("that it is full it tells once, and not with each result", async () => {
  const { recorder, letGo, lines } = recorderOn(databaseOf(async () => [{ place: 1 }]));
  const outcome = sent({ providerId: null, demo: false }, null);
  for (let n = 0; n < 9; n += 1) recorder.add({ held, outcome });
  expect([recorder.isFull, lines]).toEqual([false, []]);
  for (let n = 0; n < 3; n += 1) recorder.add({ held, outcome });
  expect([recorder.isFull, lines]).toEqual([true, [expect.stringContaining("taking no more messages")]]);
  await until(() => letGo.length === 12, "all are let go of");
  expect(recorder.isFull).toBe(false);
});

test("told to end, it looks for what is locked until its time is up, and only then gives it up", async () => {
  let looks = 0;
  const query = async (text: string) => {
    if (!text.includes("skip locked")) return text.includes("lease_token") ? [{ place: 1 }] : [];
    looks += 1;
    return [];
  };
  const { recorder, letGo } = recorderOn(databaseOf(query));
  recorder.endSoon();
  recorder.add({ held, outcome: sent({ providerId: null, demo: false }) });

  await expect.poll(() => looks, { timeout: 60_000 }).toBeGreaterThan(3);
  expect(letGo).toEqual([]);
  recorder.giveUp();

  await expect.poll(() => letGo, { timeout: 60_000 }).toMatchObject([{ held }]);
});

test("what ends when the database is closed already is given up without a word: nothing is wrong with it", async () => {
  const closed = async () => {
    throw new Error("Cannot use a pool after calling end on the pool");
  };
  const { recorder, letGo, lines } = recorderOn(databaseOf(closed));
  recorder.endSoon();
  recorder.giveUp();
  recorder.add({ held, outcome: sent({ providerId: null, demo: false }, "as it was") });

  await expect.poll(() => letGo, { timeout: 60_000 }).toMatchObject([{ held }]);
  expect(lines).toEqual([]);
});

test("a result whose claim was made anew while it was being stored is stored under the new one", async () => {
  const tokens: unknown[] = [];
  const claimed = { ...held };
  const query = async (_text: string, params: readonly unknown[]) => {
    tokens.push((params[4 - 1] as unknown[])[0]);
    // Its lease had run out, and this worker has claimed it again.
    claimed.token = "another";
    return tokens.length === 1 ? [] : [{ place: 1 }];
  };
  await new Promise<void>((onStored) => {
    const recorder = new Recorder({
      ...{
        database: databaseOf(query),
        log: pino({ level: "silent" }),
        onStored: (all) => all.length > 0 && onStored(),
      },
      ...{ hold: {} as never, fallbacks: new Map(), channels: new Map(), mostUnstored: 10 },
    });
    recorder.add({ held: claimed, outcome: sent({ providerId: null, demo: false }) });
  });
  expect(tokens).toEqual(["token", "another"]);
});

test("what may have arrived is noted and stored under one claim: made anew in between, both are done once more", async () => {
  const [noted, stored]: [unknown[], unknown[]] = [[], []];
  const claimed = { ...held, channel: "hook", tenantId: "default" };
  const query = async (text: string, params: readonly unknown[]) => {
    const tokens = params[4 - 1] as unknown[];
    if (text.includes("set first_failed_at")) {
      noted.push(...tokens);
      // While that waited for the row, this worker has claimed it again.
      claimed.token = "another";
    }
    if (!text.includes("set status = u.status")) return [];
    stored.push(...tokens);
    return [{ place: 1 }];
  };
  const { recorder, letGo } = recorderOn(databaseOf(query));
  const outcome = failed(new Retryable("broke off", 0, true), { attempts: 1 }, DEFAULT_RETRY, false);
  recorder.add({ held: claimed, outcome });

  await expect.poll(() => letGo, { timeout: 60_000 }).toHaveLength(1);
  expect({ noted, stored }).toEqual({ noted: ["token", "another"], stored: ["another"] });
});
