import { expect, test } from "vitest";
import { PURPOSES, type Purpose } from "../core/answer.ts";
import type { Addressed } from "../core/people.ts";
import { unsubscribeUrl } from "./unsubscribe.ts";

const links = (scheme: string) =>
  Object.fromEntries(PURPOSES.map((purpose) => [purpose, `${scheme}://r.example.com/a/${purpose}`])) as Record<
    Purpose,
    string
  >;
const addressed: Addressed = { person: null, step: 1, template: null, as: "recipient", unsubscribes: true };

test("only an address by HTTPS is one that mail programs may post to", () => {
  expect(unsubscribeUrl({ addressed, links: links("https") })).toBe("https://r.example.com/a/stop");
  expect(unsubscribeUrl({ addressed, links: links("http") })).toBeNull();
  expect(unsubscribeUrl({ addressed })).toBeNull();
});

test("it is the choice of the policy's step, and what only tells that it is done is none to unsubscribe from", () => {
  const { unsubscribes, ...without } = addressed;
  expect(unsubscribes).toBe(true);
  expect(unsubscribeUrl({ links: links("https") })).toBeNull();
  expect(unsubscribeUrl({ addressed: without, links: links("https") })).toBeNull();
  expect(unsubscribeUrl({ addressed: { ...addressed, tells: true }, links: links("https") })).toBeNull();
});
