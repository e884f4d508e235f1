import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HERE = relative(ROOT, dirname(fileURLToPath(import.meta.url)));
/** Ways to a database are all that the run itself takes of the program, to start one and to look at it from outside. */
const WAYS_TO_A_DATABASE = ["src/store/embedded.ts", "src/store/migrate.ts", "src/store/postgres.ts"];

/** What a file imports, types and packages included; of ours from the root of the project. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [...text.matchAll(/^(?:import|export)\b(?:[^"';]*?\bfrom)?\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm)]
    .map(([, stated, asked]) => (stated ?? asked) as string)
    .map((target) => (target.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(path), target)) : target));
}

test("the checker and all that it imports know the promises and nothing of the engine", () => {
  const known = new Set([join(HERE, "checker.ts")]);
  for (const path of known) {
    expect(path.startsWith(`${HERE}/`), `${path} is the checker's own`).toBe(true);
    // A loop over a set goes on to what is added on the way.
    for (const target of importsOf(path)) known.add(target);
  }
  expect(known.size).toBeGreaterThan(10);
});

test("the run uses the program from outside: of its code, only the ways to a database", () => {
  const files = readdirSync(join(ROOT, HERE), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const taken = files.flatMap((path) => importsOf(join(HERE, path))).filter((target) => target.startsWith("src/"));
  expect([...new Set(taken)].sort()).toEqual(WAYS_TO_A_DATABASE);
});
