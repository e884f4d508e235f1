import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/program.ts";

/** What stands between two lines of three backticks. */
export interface Block {
  /** `bash`, `json`, ... */
  language: string;
  text: string;
  /** Where it is, for people. */
  place: string;
}

/** All pages, by their paths in the repository. */
export const PAGES: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path))
    .sort(),
];

export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** They may be a part of a list, and are indented then. */
const BLOCK = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm;

export function blocksOf(page: string, path: string): Block[] {
  return [...page.matchAll(BLOCK)].map(({ 1: indent = "", 2: language = "", 3: text = "", index }) => ({
    language,
    text: text.replace(new RegExp(`^${indent}`, "gm"), ""),
    place: `${path}:${page.slice(0, index).split("\n").length}`,
  }));
}

/** What a page says besides. */
export function proseOf(page: string): string {
  return page.replace(BLOCK, "");
}

/** What may stand behind the # of a link to this page, as GitHub makes it of its headings. */
export function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page).matchAll(/^#{1,6} (.*)$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-");
    const taken = [...anchors].filter((other) => other.replace(/-\d+$/, "") === anchor).length;
    anchors.add(taken === 0 ? anchor : `${anchor}-${taken}`);
  }
  return anchors;
}

/** Where a page leads within the repository: to pages, their sections, files and pictures. */
export function linksOf(page: string): string[] {
  const all = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)|\bsrc="([^"]+)"/g)];
  return all.map(([, link, picture]) => link ?? picture ?? "").filter((link) => !/^[a-z]+:/.test(link));
}
