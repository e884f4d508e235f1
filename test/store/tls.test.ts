import { appendFile, chown, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { startEmbedded } from "../../src/store/embedded.ts";
import { isDatabaseAway, openDatabase } from "../../src/store/postgres.ts";
import { certificate, certificateKey } from "../support/smtp.ts";
import { until } from "../support/wait.ts";

/** A server of this test's own that speaks TLS, with a certificate for localhost. */
async function secureServer(): Promise<URL> {
  const dataDir = await mkdtemp(join(tmpdir(), "reminder-tls-"));
  const embedded = await startEmbedded({ dataDir, log: pino({ level: "silent" }) });
  onTestFinished(async () => {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const folder = join(dataDir, "postgres");
  const { uid, gid } = await stat(folder);
  for (const [name, text] of [
    ["tls.crt", certificate],
    ["tls.key", certificateKey],
  ] as const) {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    await chown(join(folder, name), uid, gid);
  }
  await appendFile(
    join(folder, "postgresql.auto.conf"),
    "ssl = on\nssl_cert_file = 'tls.crt'\nssl_key_file = 'tls.key'\n",
  );
  const [pid] = (await readFile(join(folder, "postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(pid), "SIGHUP");
  const url = new URL(embedded.url);
  url.hostname = "localhost";
  // It reads its settings when it comes to it.
  await until(() => isSecure(`${url.href}?sslmode=no-verify`).catch(() => false), "it speaks TLS");
  return url;
}

async function isSecure(url: string): Promise<boolean> {
  const database = openDatabase({ url, poolSize: 1 });
  try {
    const [row] = await database.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    return row?.ssl === true;
  } finally {
    await database.close();
  }
}

test("the database is reached by TLS where the URL asks for it, and only with a certificate that is trusted", async () => {
  const url = await secureServer();
  const trusted = fileURLToPath(new URL("../support/tls/certificate.pem", import.meta.url));
  url.searchParams.set("sslmode", "verify-full");
  const refused = await isSecure(url.href).catch((error: Error) => error);
  expect(refused).toBeInstanceOf(Error);
  expect((refused as Error).message).toMatch(/certificate/);
  // It may have run out while we were at work: what we have to store is kept until somebody has renewed it.
  expect(isDatabaseAway(refused)).toBe(true);

  url.searchParams.set("sslrootcert", trusted);
  expect(await isSecure(url.href)).toBe(true);
});
