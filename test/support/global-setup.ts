import type { TestProject } from "vitest/node";
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
  const serverUrl = process.env.TEST_DATABASE_URL ?? "";
  const templateName = `template_${process.pid}_${Date.now()}`;

  const server = openDatabase({ url: serverUrl, poolSize: 1 });
  await server.query(`create database ${templateName}`);
  const template = openDatabase({ url: databaseUrl(serverUrl, templateName), poolSize: 1 });
  await migrate(template);
  await installTestClock(template);
  await template.close();

  project.provide("serverUrl", serverUrl);
  project.provide("templateName", templateName);
  return async () => {
    await server.query(`drop database if exists ${templateName} with (force)`);
    await server.close();
  };
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
