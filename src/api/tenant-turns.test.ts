import { expect, test } from "vitest";
import { TenantTurns } from "./tenant-turns.ts";

test("so many at once of each tenant, in order, and one that fails gives its turn on", async () => {
  const turns = new TenantTurns(2);
  const begun: string[] = [];
  const ends = new Map<string, (fails: boolean) => void>();
  const take = (tenant: string, name: string) =>
    turns.take(tenant, () => {
      begun.push(name);
      return new Promise<string>((resolve, reject) => {
        ends.set(name, (fails) => (fails ? reject(new Error(name)) : resolve(name)));
      });
    });
  const all = [take("a", "a1"), take("a", "a2"), take("a", "a3"), take("a", "a4"), take("b", "b1")];
  const outcomes = Promise.allSettled(all);
  await Promise.resolve();
  expect(begun).toEqual(["a1", "a2", "b1"]);
  ends.get("a2")?.(true);
  await expect(all[1]).rejects.toThrow("a2");
  expect(begun.at(-1)).toBe("a3");
  for (const name of ["a1", "a3", "b1"]) ends.get(name)?.(false);
  await all[0];
  await all[2];
  expect(begun.at(-1)).toBe("a4");
  ends.get("a4")?.(false);
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
});
