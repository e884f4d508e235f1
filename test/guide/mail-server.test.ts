import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newFolder } from "../support/program.ts";
import { blocksOf, readPage } from "./pages.ts";

const PAGE = "docs/guide/channel-email.md";

/** What a mail server runs for each mail, as the guide has it for its aliases. */
function pipe(): string {
  const text = blocksOf(readPage(PAGE), PAGE).map(({ text }) => text);
  const [, command] = /^bounces: "\|(.*)"$/m.exec(text.join("\n")) ?? [];
  if (command === undefined) throw new Error(`${PAGE} has no alias that hands mail in`);
  return command;
}

/** How it ends where `curl` is answered so: it may not be on this machine. Only with `--fail`, a refusal is its failure. */
function endsWith(status: number | "away"): number | null {
  const folder = newFolder();
  const refused = status === "away" ? "exit 7" : `case "$*" in *--fail*) exit ${status < 400 ? 0 : 22};; esac`;
  writeFileSync(join(folder, "curl"), `#!/bin/sh\ncat > mail\n${refused}\n`, { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env.PATH}` };
  return spawnSync("sh", ["-c", pipe()], { cwd: folder, env, input: "From: x\r\n\r\nback\r\n" }).status;
}

test("mail that isn't taken at the moment is kept by the mail server, and not lost: it is told EX_TEMPFAIL", () => {
  expect(endsWith(200)).toBe(0);
  expect(endsWith(429)).toBe(75);
  expect(endsWith(503)).toBe(75);
  expect(endsWith("away")).toBe(75);
});
