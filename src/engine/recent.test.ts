import { expect, test } from "vitest";
import { Recent } from "./recent.ts";

test("what fell due last is looked for as far back as rounds of claims are apart, and ten seconds more", () => {
  let nowMs = 0;
  const recent = new Recent(() => nowMs);
  const after = (ms: number) => {
    nowMs += ms;
    return recent.withinMs();
  };
  expect(after(0), "nothing is known of what came before").toBe(Number.POSITIVE_INFINITY);
  expect(after(0), "nor the second time").toBe(Number.POSITIVE_INFINITY);
  expect(after(30)).toBe(10_060);
  expect(after(8_000), "one batch took eight seconds").toBe(26_000);
  expect(after(0), "and the one beside it").toBe(26_000);
  expect(after(30)).toBe(10_060);
});
