import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

/** Which rooms, or single files, each room may import besides itself. What isn't listed is not allowed. */
const MAY_IMPORT: Record<string, string[]> = {
  core: [],
  telemetry: [],
  secrets: ["core"],
  holidays: [],
  store: ["core"],
  outgoing: ["core"],
  conditions: ["core", "outgoing"],
  templates: ["core"],
  channels: ["core", "templates", "outgoing"],
  engine: ["core", "store", "holidays", "secrets", "conditions", "channels", "templates", "telemetry", "outgoing"],
  api: ["core", "store", "holidays", "secrets", "conditions", "channels", "templates", "telemetry", "outgoing"],
  "config.ts": ["config"],
  config: [
    "core",
    "telemetry",
    "secrets/master-key.ts",
    "outgoing/settings.ts",
    "channels/email/return-path.ts",
    "channels/email/settings.ts",
    "channels/email/smtp-url.ts",
    "channels/names.ts",
    "channels/push/account.ts",
    "channels/services/access.ts",
    "channels/services/list.ts",
    "channels/services/settings.ts",
    "channels/slack/account.ts",
    "channels/sms/account.ts",
    "channels/webhook/signing.ts",
    "api/access/settings.ts",
  ],
};
/** Only the program itself knows everybody. */
const KNOWS_EVERYBODY = ["cli", "cli.ts"];

interface File {
  path: string;
  room: string;
  text: string;
  imports: string[];
}

const files: File[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .map((path) => {
    const text = readFileSync(join(SRC, path), "utf8");
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] as string);
    return { path, room: path.split("/")[0] as string, text, imports };
  });

const ours = (file: File): string[] =>
  file.imports
    .filter((target) => target.startsWith("."))
    .map((target) => relative(SRC, resolve(SRC, dirname(file.path), target)));

describe("the arrows point down", () => {
  test.each(files.filter((file) => !KNOWS_EVERYBODY.includes(file.room)))("$path", (file) => {
    const allowed = [file.room, ...(MAY_IMPORT[file.room] ?? [])];
    const isAllowed = (target: string) => allowed.includes(target.split("/")[0] as string) || allowed.includes(target);
    expect(ours(file).filter((target) => !isAllowed(target))).toEqual([]);
  });
});

test("nothing imports itself, by however many others", () => {
  // Types count as well: what two files know of each other is one idea in two rooms.
  const importsOf = new Map(files.map((file) => [file.path, ours(file)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) circles.push([...trail.slice(start), path].join(" -> "));
    if (start !== -1 || done.has(path)) return;
    for (const next of importsOf.get(path) ?? []) follow(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) follow(path, []);
  expect(circles).toEqual([]);
});

test("the core has no clock, no randomness and no I/O", () => {
  const impure = /\bDate\.now\b|new Date\(\)|Math\.random|performance\.|process\.|from "node:|setTimeout|fetch\(/;
  expect(files.filter((file) => file.room === "core" && impure.test(file.text)).map((file) => file.path)).toEqual([]);
});

test("SQL stands in the store and nowhere else", () => {
  const sql = /\b(select\s[\s\S]{1,80}?\sfrom\s|insert into\s|update \w+\s+set\s|delete from\s)/i;
  const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  expect(files.filter((file) => file.room !== "store" && sql.test(code(file.text))).map((file) => file.path)).toEqual(
    [],
  );
});

test("the environment is read at the edge only", () => {
  const readers = files.filter((file) => /process\.env/.test(file.text)).map((file) => file.path);
  expect(readers.filter((path) => !["config.ts", "cli.ts"].includes(path) && !path.startsWith("cli/"))).toEqual([]);
});

test("the sources of time are the database and a monotonic clock, never the worker's wall clock", () => {
  const wall = /\bDate\.now\b|new Date\(\)/;
  const rooms = ["store", "engine", "conditions", "channels", "api"];
  expect(files.filter((file) => rooms.includes(file.room) && wall.test(file.text)).map((file) => file.path)).toEqual(
    [],
  );
});
