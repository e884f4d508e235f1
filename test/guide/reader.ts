import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import pg from "pg";
import { EventOutcome } from "../../src/api/schemas/event.ts";
import { Explanation } from "../../src/api/schemas/explanation.ts";
import { Preview } from "../../src/api/schemas/preview.ts";
import { ProblemDetails } from "../../src/api/schemas/problem.ts";
import { newPrivateKey } from "../../src/channels/push/account.ts";
import { loadConfig } from "../../src/config.ts";
import { newMasterKey } from "../../src/secrets/master-key.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { newFolder, type Program, runProgram, startProgram } from "../support/program.ts";
import { createTenants } from "../support/tenants.ts";
import { until } from "../support/wait.ts";
import { type Block, blocksOf, readPage } from "./pages.ts";
import { commandsIn, requestOf, type ShellCommand } from "./shell.ts";
import { SECRETS, STANDS_FOR } from "./stand-ins.ts";

/** What a reminder needs besides, where the guide shows a part of one. */
const REST = {
  ...{ entity_type: "invoice", entity_id: "42", event_type: "payment", channel: "email" },
  ...{ schedule_type: "recurring", interval_minutes: 60 },
};
/** Programs that aren't ours. */
const OTHERS = new Set(["npm", "openssl", "psql", "pg_dump"]);
/** These run until they are stopped. */
const STAY = new Set(["start", "api", "worker"]);
const BASE = "http://127.0.0.1:8000";

/** Somebody who reads a page from top to bottom and does all that it says, with the program as users run it. */
export class Reader {
  readonly #blocks: Block[];
  readonly #database: TestDatabase;
  readonly #program: Program;
  readonly #env: Record<string, string>;
  readonly #folder: string;
  readonly #files: Record<string, string> = {};
  readonly #variables: Record<string, string> = {};
  /** Of what was answered last. */
  #etag = "";
  readonly #settings: Record<string, string> = { SMTP_HOST: "localhost", SMTP_FROM_EMAIL: "me@example.com" };

  private constructor(
    blocks: Block[],
    program: Program,
    database: TestDatabase,
    env: Record<string, string>,
    folder: string,
  ) {
    this.#blocks = blocks;
    this.#program = program;
    this.#database = database;
    this.#env = env;
    this.#folder = folder;
    const table = blocks.find(({ text }) => text.startsWith("entity_type,"));
    if (table) this.#files["people.csv"] = table.text;
  }

  /** `before`: how many reminders there are already. */
  static async of(path: string, { before = 0 }: { before?: number } = {}): Promise<Reader> {
    const blocks = blocksOf(readPage(path), path);
    const [database, folder] = [await freshDatabase(), newFolder()];
    await createTenants(database, "acme");
    writeFileSync(join(folder, "signing-secret"), "0".repeat(32));
    const env: Record<string, string> = {
      ...{ DATABASE_URL: database.url, SECRETS_KEY: newMasterKey(), BILLING_DATABASE_URL: database.url },
    };
    const isOfPush = blocks.some(({ text }) => text.includes("/push-link"));
    if (isOfPush) {
      const key = { VAPID_PRIVATE_KEY: newPrivateKey(), VAPID_SUBJECT: "mailto:ops@example.com" };
      Object.assign(env, key, { PUBLIC_URL: "https://reminders.example.com" });
    }
    const queries = blocks.find(({ text }) => text.includes('"databases":'));
    if (queries) {
      env.SQL_CHECKS_FILE = join(folder, "sql-checks.json");
      writeFileSync(env.SQL_CHECKS_FILE, queries.text);
    }
    const program = await startProgram(env, { folder });
    const reader = new Reader(blocks, program, database, env, folder);
    if (isOfPush) await reader.#ask("PUT", "/contacts/interviewer/INT_100", { name: "Interviewer 100" });
    for (let n = 1; n <= before; n += 1)
      await reader.#ask("POST", "/reminders/", { ...REST, entity_id: `before ${n}` });
    return reader;
  }

  /** Throws where something isn't as the page has it. */
  async read(): Promise<void> {
    for (const block of this.#blocks) {
      try {
        await this.#do(block);
      } catch (error) {
        throw new Error(`${block.place}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  async #do({ language, text: written }: Block): Promise<void> {
    const text = Object.entries(STANDS_FOR).reduce((all, [shown, meant]) => all.replaceAll(shown, meant), written);
    switch (language) {
      case "bash":
      case "sh":
        for (const command of commandsIn(text, this.#variables)) await this.#run(command);
        return this.#mayStart();
      case "env":
        this.#set(text);
        return this.#mayStart();
      case "json":
        return this.#takeJson(text);
      case "sql":
        return this.#query(text);
      case "cel":
        for (const line of text.trim().split("\n"))
          await this.#preview({ stop_condition_type: "expression", stop_condition_value: line });
        return;
      case "text":
        if (text.startsWith("┌──")) await this.#see(text);
        return;
      case "http":
      case "ts":
        return;
      default:
        throw new Error(`nobody knows what to do with a block of ${language || "no language"}`);
    }
  }

  async #run(command: ShellCommand): Promise<void> {
    const { words } = command;
    const of = words.indexOf("reminder-engine");
    if (of > 0) return this.#runOurs(words.slice(of + 1).filter((_, n, all) => !all.slice(0, n + 1).some(isOperator)));
    const [first = "", ...more] = words.filter((word) => word !== "export");
    const isSetting = /^[A-Z_]+=/.test(first);
    if (isSetting && more.length === 0) return this.#set(first.replace("=", '="').concat('"'));
    const program = isSetting ? (more[0] ?? "") : first;
    if (program === "curl") {
      const { method, url, headers, body } = requestOf(command, this.#files);
      if (!url.startsWith(BASE)) throw new Error(`${url} is no address of ours`);
      // The tag of the guide is another's, and shortened.
      if (headers["If-Match"]?.includes("…")) headers["If-Match"] = this.#etag;
      return this.#ask(method, url.slice(BASE.length), body, headers);
    }
    if (!OTHERS.has(program)) throw new Error(`nobody knows what to do with ${program}`);
  }

  async #runOurs(args: readonly string[]): Promise<void> {
    const [command = "", , channel = ""] = args;
    const all = STAY.has(command) ? [command, "--help"] : [...args];
    const secret = SECRETS[channel] ?? (channel === "push" ? this.#variables.KEY : undefined) ?? "s3cret";
    const program = runProgram(all, this.#env, { folder: this.#folder, input: secret });
    const code = await program.ended;
    if (code !== 0) throw new Error(`${all.join(" ")} ended with ${code}: ${program.output()}`);
    if (/^(keys create|channels new-push-key)/.test(all.join(" "))) this.#variables.KEY = program.stdout().trim();
  }

  #set(text: string): void {
    Object.assign(this.#settings, parseEnv(text));
  }

  /** Throws where the program wouldn't start with what was set so far. */
  #mayStart(): void {
    loadConfig(this.#settings);
  }

  async #takeJson(text: string): Promise<void> {
    const [, method, path, rest] = /^(PUT|POST) (\/\S+)\n([\s\S]*)$/.exec(text) ?? [];
    const json = JSON.parse(rest ?? text) as Record<string, unknown>;
    if (method !== undefined && path !== undefined) return this.#ask(method, path, json);
    // What is shortened can't be whole.
    if (text.includes('"...": "..."') || json.databases !== undefined) return;
    if (json.occurrences !== undefined || json.stopped_by !== undefined) Preview.parse(json);
    else if (json.history !== undefined) Explanation.parse(json);
    else if (json.done !== undefined) EventOutcome.parse(json);
    else if (String(json.type).startsWith("urn:")) ProblemDetails.parse(json);
    else if (json.type !== "reminder.due") await this.#preview(json);
  }

  /** What the page shows of a reminder, as a part of a whole one. */
  #preview(fields: Record<string, unknown>): Promise<void> {
    const isScheduled = fields.schedule_type !== undefined;
    const { schedule_type, interval_minutes, ...others } = REST;
    return this.#ask("POST", "/reminders/preview", { ...(isScheduled ? others : REST), ...fields });
  }

  async #ask(method: string, path: string, body: unknown = null, headers: Record<string, string> = {}): Promise<void> {
    const sent = body === null || typeof body === "string" ? body : JSON.stringify(body);
    const isJson = typeof body === "object" && body !== null;
    const response = await fetch(`${this.#program.told("API")}${path}`, {
      ...{ method, body: sent },
      headers: { ...(isJson ? { "content-type": "application/json" } : {}), ...headers },
    });
    const answer = await response.text();
    this.#etag = response.headers.get("etag") ?? this.#etag;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}: ${answer}`);
    if (path.startsWith("/contacts/import") && !answer.includes('"bad":0')) throw new Error(answer);
  }

  async #query(text: string): Promise<void> {
    // Roles belong to the whole cluster: what is said of them is run by the tests of tenants.
    if (/\b(ROLE|GRANT)\b/.test(text)) return;
    const client = new pg.Client({ connectionString: this.#database.url });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  }

  /** What is printed for the page's reminder, but for what is another each time. */
  async #see(text: string): Promise<void> {
    await this.#ask("POST", "/reminders/1/trigger");
    const said = () => vaguely(this.#program.stdout());
    try {
      await until(() => said().includes(vaguely(text).trim()), `this is printed:\n${text}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\ninstead of\n${said()}`);
    }
  }
}

function isOperator(word: string): boolean {
  return ["|", "&&", ">"].includes(word);
}

function vaguely(text: string): string {
  return text.replace(/(Next one|Message-ID): .*/g, "$1").replace(/\d+ bytes/g, "some bytes");
}
