import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/program.ts";
import { anchorsOf, linksOf, PAGES, proseOf, readPage } from "./pages.ts";

test.each(PAGES)("%s leads nowhere that isn't there", (path) => {
  for (const link of linksOf(readPage(path))) {
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? path : normalize(join(dirname(path), file));
    expect(existsSync(join(ROOT, target)), `${link}: there is no ${target}`).toBe(true);
    if (anchor !== undefined) expect([...anchorsOf(readPage(target))], link).toContain(anchor);
  }
});

test.each(PAGES)("%s names no file of the repository that isn't there", (path) => {
  for (const [, file = ""] of proseOf(readPage(path)).matchAll(/`((?:src|test|bench|scripts|docs)\/[\w./-]+)`/g)) {
    expect(existsSync(join(ROOT, file)), file).toBe(true);
  }
});

test("each page of the guide is one that the README leads to", () => {
  const led = linksOf(readPage("README.md")).map((link) => link.split("#")[0]);
  const guide = PAGES.filter((path) => /^docs\/(guide|reference)\//.test(path));
  expect(guide.filter((path) => !led.includes(path))).toEqual([]);
});
