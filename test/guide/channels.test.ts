import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pictures } from "../../scripts/pictures/messages.ts";
import { CHANNEL_NAMES } from "../../src/channels/names.ts";
import { SERVICES } from "../../src/channels/services/list.ts";
import { ROOT } from "../support/program.ts";

const GUIDE = join(ROOT, "docs/guide");
const pages = readdirSync(GUIDE).filter((name) => name.startsWith("channel-"));
const read = (name: string): string => readFileSync(join(GUIDE, name), "utf8");

test("each channel has a page, services share one", () => {
  const services = new Set(SERVICES.map(({ name }) => name));
  const own = CHANNEL_NAMES.filter((name) => !services.has(name)).map((name) => `channel-${name}.md`);
  expect(pages.toSorted()).toEqual([...own, "channel-services.md"].toSorted());
});

test.each(pages)("%s: five steps, the message, and what can go wrong", (name) => {
  const page = read(name);
  const sections = name === "channel-services.md" ? page.split(/^## /m).filter((text) => /^1\. /m.test(text)) : [page];
  expect(sections.length).toBeGreaterThan(0);
  for (const section of sections) {
    const steps = [...section.matchAll(/^(\d)\. /gm)].map(([, number]) => Number(number));
    expect(steps.slice(0, 5), section.split("\n", 1)[0]).toEqual([1, 2, 3, 4, 5]);
    expect(steps[5] ?? 1, section.split("\n", 1)[0]).toBe(1);
  }
  const [, shown = ""] = /^## What (?:comes|a reader gets)\n([\s\S]*?)(?=^## )/m.exec(page) ?? [];
  expect(shown).toMatch(/<img src="\.\.\/images\/\w+\.png"|^```(text|json)$/m);
  expect(page).toMatch(/^## What (happens when it fails|can go wrong)$/m);
});

test("each picture of a message is made of what is sent, is there, and is looked at somewhere", async () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const all = [...readdirSync(GUIDE).map(read), readme].join("\n");
  for (const { name, html } of await pictures()) {
    expect(existsSync(join(ROOT, `docs/images/${name}.png`)), name).toBe(true);
    expect(all.includes(`images/${name}.png`), name).toBe(true);
    expect(html).toContain("invoice 2026-0042");
    expect(html).toContain("31 January 2026");
  }
  for (const [, name = ""] of all.matchAll(/images\/([\w.-]+)/g))
    expect(existsSync(join(ROOT, "docs/images", name)), name).toBe(true);
});
