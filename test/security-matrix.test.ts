import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const rows = readFileSync(join(ROOT, "docs/security.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| (API\d|V\d)/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, item = "", done = "", tests = ""]) => ({
    item,
    done,
    tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path),
  }));

/** Rows without a test, which have to say why. */
const WITHOUT = [/^V6, V7 /, /^V5 /];

test("every item of the API Top 10 has its row, and every row its test, or a reason for having none", () => {
  const top10 = rows.map(({ item }) => /^API(\d+) /.exec(item)?.[1]).filter(Boolean);
  expect(top10).toEqual(Array.from({ length: 10 }, (_, n) => String(n + 1)));
  for (const { item, done, tests } of rows) {
    expect(done.length, item).toBeGreaterThan(20);
    if (!WITHOUT.some((exempt) => exempt.test(item))) expect(tests.length, item).toBeGreaterThan(0);
  }
});

test("the tests that it names are there", () => {
  const missing = rows.flatMap(({ tests }) => tests).filter((path) => !existsSync(join(ROOT, path)));
  expect(missing).toEqual([]);
});
