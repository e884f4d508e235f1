import { expect, test } from "vitest";
import { SETTINGS } from "../../src/config/settings.ts";
import { COMPLETION_REASONS } from "../../src/core/reminder.ts";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { readPage } from "./pages.ts";

/** The rows of a page's first table, by cells. */
function tableOf(path: string): string[][] {
  const lines = readPage(path).split("\n");
  const first = lines.findIndex((line) => line.startsWith("| -") || line.startsWith("|-"));
  const rows = lines.slice(first + 1);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end === -1 ? undefined : end).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codeIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

test("every setting is in the reference, with its default, and nothing else", () => {
  const rows = tableOf("docs/reference/settings.md");
  const told = new Map(rows.flatMap(([names = "", ...rest]) => codeIn(names).map((name) => [name, rest] as const)));
  expect([...told.keys()].sort()).toEqual(Object.keys(SETTINGS.shape).sort());
  for (const [name, value] of Object.entries(SETTINGS.parse({}))) {
    const [shown = "", what = ""] = told.get(name) ?? [];
    const isNamed = shown.endsWith("own") && codeIn(what).includes(String(value));
    if (!isNamed) expect(`${name}: ${shown.replaceAll("`", "")}`).toBe(`${name}: ${value}`);
  }
});

test("each reason for which a reminder may be COMPLETED is told", () => {
  const told = codeIn(readPage("docs/guide/reminders.md"));
  expect(COMPLETION_REASONS.filter((reason) => !told.includes(reason))).toEqual([]);
});

/** What a row's first cell names: `GET`, `PUT /a/{b}`; `POST /a/b`, `/c` for POST /a/c as well; `GET .../c` for whatever ends so. */
function operationsIn(cell: string, described: ReadonlySet<string>): string[] {
  const found: string[] = [];
  let methods: string[] = [];
  let last = { methods, path: "" };
  for (const code of codeIn(cell)) {
    const [, method, path] = /^([A-Z]+)?(?:^| )?(\S*)$/.exec(code) ?? [];
    if (method) methods.push(method);
    if (!path) continue;
    if (!method) {
      const sibling = last.path.replace(/\/[^/]*$/, path);
      const isWhole = last.methods.some((one) => described.has(`${one} ${path}`));
      last = { ...last, path: isWhole ? path : sibling };
    } else last = { methods, path };
    methods = [];
    const { path: whole } = last;
    const ends = [...described].filter((one) => whole.startsWith("...") && one.endsWith(whole.slice(3)));
    for (const one of last.methods) {
      if (whole.startsWith("...")) found.push(...ends.filter((name) => name.startsWith(`${one} `)));
      else found.push(`${one} ${whole}`);
    }
  }
  return found;
}

test("every operation is in the overview of the API, and nothing else but what it says is in no description", async () => {
  const api = await startApi(await freshDatabase());
  const { body } = await api.call("GET", "/openapi.json");
  const { paths } = body as { paths: Record<string, Record<string, unknown>> };
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => [method, path] as const),
  );
  const described = new Set(all.map(([method, path]) => `${method.toUpperCase()} ${path}`));
  const rows = tableOf("docs/reference/api.md").filter(([, what = ""]) => !what.includes("not in `/openapi.json`"));
  const told = new Set(rows.flatMap(([cell = ""]) => operationsIn(cell, described)));
  expect([...told].sort()).toEqual([...described].sort());
});
