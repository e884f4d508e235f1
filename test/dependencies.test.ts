import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildServer } from "../src/api/server.ts";
import { channelMap } from "../src/channels/registry.ts";

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
const { engines } = read("package.json") as { engines: { node: string } };
const { packages } = read("package-lock.json") as {
  packages: Record<string, { engines?: { node?: string }; resolved?: string }>;
};

type Version = readonly [number, number, number];

function versionOf(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map((part) => Number.parseInt(part, 10) || 0);
  return [major, minor, patch];
}

function isAtLeast(version: Version, least: Version): boolean {
  const at = version.findIndex((part, index) => part !== least[index]);
  return at === -1 || (version[at] as number) > (least[at] as number);
}

/** As much of npm's ranges as engines are written in: `>=18`, `^20.19.0 || >=22.12.0`, `18 || 20`, `6.*`, `*`. */
function admits(range: string, version: Version): boolean {
  return range.split("||").some((alternative) => {
    const parts = alternative
      .trim()
      .replaceAll(/([<>=^~]) +/g, "$1")
      .split(/\s+/);
    return parts.every((part) => {
      const [, sign = "", text = ""] = /^(>=|\^|)(\*|\d[\d.*x]*)$/.exec(part) ?? expect.fail(`unknown range ${range}`);
      if (text === "*") return true;
      const least = versionOf(text);
      return isAtLeast(version, least) && (sign === ">=" || version[0] === least[0]);
    });
  });
}

test("every package that is installed supports the oldest Node that we promise", () => {
  const oldest = versionOf(engines.node.replace(">=", ""));
  const unfit = Object.entries(packages).filter(([, { engines }]) => engines?.node && !admits(engines.node, oldest));
  expect(unfit.map(([path, { engines }]) => `${path} ${engines?.node}`)).toEqual([]);
});

test("the lock file names no registry", () => {
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

test("with the older versions that package.json insists on, files are served and cookies are injected", async () => {
  const api = await buildServer({ database: {} as never, channels: channelMap([]) });
  api.get("/cookie", { schema: { hide: true }, config: { access: "open" } }, async ({ headers }) => ({
    cookie: headers.cookie,
  }));
  const page = await api.inject("/docs/static/swagger-ui.css");
  expect(page).toMatchObject({ statusCode: 200, headers: { "content-type": "text/css; charset=utf-8" } });
  expect((await api.inject({ url: "/cookie", cookies: { a: "b c" } })).json()).toEqual({ cookie: "a=b%20c" });
  await api.close();
});
