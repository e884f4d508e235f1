import { expect, test } from "vitest";
import { ownTurn } from "./own-turn.ts";

test("tenants take turns, and each of theirs come in order", async () => {
  const order: string[] = [];
  const take = async (whose: string, name: string) => {
    await ownTurn(whose);
    order.push(name);
  };
  await Promise.all([
    take("a", "a1"),
    take("a", "a2"),
    take("a", "a3"),
    take("b", "b1"),
    take("c", "c1"),
    take("b", "b2"),
  ]);
  expect(order).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
});

test("between two turns all else goes on", async () => {
  let others = 0;
  let isOver = false;
  const goOn = (): void => {
    others += 1;
    if (!isOver) setImmediate(goOn);
  };
  setImmediate(goOn);
  for (let turn = 1; turn <= 5; turn += 1) {
    await ownTurn("a");
    expect(others).toBeGreaterThanOrEqual(turn);
  }
  isOver = true;
});
