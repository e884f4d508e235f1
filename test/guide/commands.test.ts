import { beforeAll, test } from "vitest";
import { buildProgram } from "../support/program.ts";
import { blocksOf, PAGES, readPage } from "./pages.ts";
import { Reader } from "./reader.ts";

/** How many reminders a page takes to be there, as its addresses have it. */
const BEFORE: Readonly<Record<string, number>> = {
  "docs/guide/answers.md": 1,
  "docs/guide/getting-started.md": 1,
  "docs/guide/preview.md": 37,
  "docs/reference/api.md": 1,
};

const told = PAGES.filter((path) => /^(README|docs\/(guide|reference)\/)/.test(path));
const pages = told.filter((path) => blocksOf(readPage(path), path).length > 0);

beforeAll(buildProgram);

test.each(pages)(
  "%s: whoever does what it says is refused nothing, and shown what has the shape that it shows",
  async (path) => {
    const reader = await Reader.of(path, { before: BEFORE[path] ?? 0 });
    await reader.read();
  },
);
