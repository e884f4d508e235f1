import { describe, expect, test } from "vitest";
import { Places } from "./places.ts";

/** Takes what it may, and says how many those were. */
function takeAll(places: Places, tenant: string): number {
  let count = 0;
  while (places.tryTake(tenant)) count += 1;
  return count;
}

describe("of the places of a lane", () => {
  test("default gets all, as long as there is nobody else", () => {
    const places = new Places(10);
    expect(takeAll(places, "default")).toBe(10);
    expect(places.free).toBe(0);
  });

  test("each that takes what it may leaves some to the next", () => {
    const places = new Places(10);
    expect(["acme", "default", "globex", "initech", "zeta"].map((tenant) => takeAll(places, tenant))).toEqual([
      5, 3, 1, 1, 0,
    ]);
    expect(places.full()).toEqual(["acme", "default", "globex", "initech"]);
    places.giveBack("acme");
    places.giveBack("acme");
    expect(places.leftFor("acme")).toBe(0);
    expect(takeAll(places, "zeta")).toBe(1);
  });

  test("whoever shares a lane of one place takes turns", () => {
    const places = new Places(1);
    expect([takeAll(places, "acme"), takeAll(places, "globex")]).toEqual([1, 0]);
    places.giveBack("acme");
    expect(takeAll(places, "globex")).toBe(1);
  });

  test("a copy is planned with, and changes nothing", () => {
    const places = new Places(4);
    places.take("acme");
    expect(takeAll(places.copy(), "acme")).toBe(1);
    expect(places.leftFor("acme")).toBe(1);
  });

  test("more may be given than there are, and then nobody gets one", () => {
    const places = new Places(1);
    for (let n = 0; n < 3; n += 1) places.take("acme");
    expect([places.free, places.leftFor("globex")]).toEqual([0, 0]);
  });
});
