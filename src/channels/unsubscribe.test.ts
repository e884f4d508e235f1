import { expect, test } from "vitest";
import { PURPOSES, type Purpose } from "../core/answer.ts";
import { unsubscribeUrl } from "./unsubscribe.ts";

test("only an address by HTTPS is one that mail programs may post to", () => {
  const links = (scheme: string) =>
    Object.fromEntries(PURPOSES.map((purpose) => [purpose, `${scheme}://r.example.com/a/${purpose}`])) as Record<
      Purpose,
      string
    >;
  expect(unsubscribeUrl({ links: links("https") })).toBe("https://r.example.com/a/stop");
  expect(unsubscribeUrl({ links: links("http") })).toBeNull();
  expect(unsubscribeUrl({})).toBeNull();
});
