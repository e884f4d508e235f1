import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { TestProject } from "vitest/node";
import { startEmbedded } from "../../src/store/embedded.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openDatabase } from "../../src/store/postgres.ts";
import { installTestClock } from "./clock.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A server whose template database is migrated and has the test clock. */
    serverUrl: string;
    templateName: string;
  }
}

/** Starts one PostgreSQL for the whole run and makes the template that every test's database is cloned from. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url: serverUrl, stop } = await testServer();
  const templateName = `template_${process.pid}_${Date.now()}`;

  const server = openDatabase({ url: serverUrl, poolSize: 1 });
  await server.runAlone(`create database ${templateName}`);
  const template = openDatabase({ url: databaseUrl(serverUrl, templateName), poolSize: 1 });
  await migrate(template);
  await installTestClock(template);
  await template.close();

  project.provide("serverUrl", serverUrl);
  project.provide("templateName", templateName);
  return async () => {
    await server.runAlone(`drop database if exists ${templateName} with (force)`);
    await server.close();
    await stop();
  };
}

/** The server named by TEST_DATABASE_URL, or an embedded one for this run. Nothing on it need survive a power cut. */
async function testServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env.TEST_DATABASE_URL;
  if (url) return { url, stop: async () => {} };

  const dataDir = await mkdtemp(join(tmpdir(), "reminder-test-"));
  const embedded = await startEmbedded({
    dataDir,
    log: pino({ level: "warn" }, process.stderr),
    settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "400" },
  });
  return {
    url: embedded.superuserUrl,
    stop: async () => {
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
