import { pino } from "pino";
import { beforeAll, expect, test } from "vitest";
import { NO_FLAGS, type StopSubject } from "../../core/stop-subject.ts";
import type { Keyring } from "../../secrets/keyring.ts";
import { type Database, openDatabase } from "../../store/postgres.ts";
import { NotNow } from "./not-now.ts";
import { OriginSecrets } from "./origin-secrets.ts";
import { Questions } from "./questions.ts";

let away: Database;

beforeAll(() => {
  away = openDatabase({ url: "postgresql://127.0.0.1:1/none" });
  return () => away.close();
});

const condition = {
  type: "http_check",
  value: "https://billing.example.com/invoices/42",
  settings: { headers: { authorization: { secret: "billing", prefix: "Bearer " } } },
};
const invoice = { id: 1, tenantId: "acme", entityType: "invoice", entityId: "42", eventType: "payment", data: {} };
const subject: StopSubject = {
  reminder: invoice as StopSubject["reminder"],
  ...{ contact: null, counts: { occurrences: 0, sent: 0 }, flags: NO_FLAGS, now: 0 },
};

test("a secret that can't be read, as the database is away, is no answer of whoever was to be asked: it is asked again soon", async () => {
  let requests = 0;
  const http = {
    request: async () => {
      requests += 1;
      return { ok: true, status: 200, headers: {}, body: Buffer.alloc(0) };
    },
  };
  let secrets: { of(tenant: string, name: string, origin: string): Promise<string> };
  const questions = new Questions({
    outside: { http: http as never, queries: {} as never, secret: (...asked) => secrets.of(...asked) },
    ...{ limits: { total: 10, perTenant: 10, perService: 10 }, timeoutMs: 20_000, log: pino({ level: "silent" }) },
  });

  secrets = new OriginSecrets(away, {} as Keyring);
  for (let n = 0; n < 20; n += 1) {
    const error = await questions.resolve(condition, subject, new Map()).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NotNow);
    expect(error).toMatchObject({ retryInMs: 1_000, message: "the secret billing can't be read at the moment" });
  }
  expect(requests).toBe(0);

  // Nothing is held against the service: as soon as the secret is there, it is asked.
  secrets = { of: async () => "hush" };
  expect(await questions.resolve(condition, subject, new Map())).toMatchObject({ state: "met" });
});
