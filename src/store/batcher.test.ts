import { expect, test } from "vitest";
import { Batcher } from "./batcher.ts";

/** A batcher whose calls end when the test says so. */
function slow(maxBatch: number, maxCalls?: number) {
  const calls: { items: number[]; end: (error?: Error) => void }[] = [];
  const run = (items: number[]) =>
    new Promise<string[]>((resolve, reject) => {
      calls.push({ items, end: (error) => (error ? reject(error) : resolve(items.map((item) => `<${item}>`))) });
    });
  return { calls, batcher: new Batcher(run, maxBatch, maxCalls) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what is asked in one turn, or during a call, travels together, up to the limit, and each gets its own answer", async () => {
  const { calls, batcher } = slow(3);
  const first = [batcher.add(1), batcher.add(2)];
  await turn();
  const later = [3, 4, 5, 6].map((item) => batcher.add(item));
  await turn();
  expect(calls.map(({ items }) => items)).toEqual([[1, 2]]);

  calls[0]?.end();
  expect(await Promise.all(first)).toEqual(["<1>", "<2>"]);
  await turn();
  calls[1]?.end();
  await turn();
  calls[2]?.end();

  expect(await Promise.all(later)).toEqual(["<3>", "<4>", "<5>", "<6>"]);
  expect(calls.map(({ items }) => items)).toEqual([[1, 2], [3, 4, 5], [6]]);
});

test("no more calls than allowed are under way at once, and each place is taken again", async () => {
  const { calls, batcher } = slow(10, 2);
  const answers: Promise<string>[] = [];
  for (const item of [1, 2, 3, 4]) {
    answers.push(batcher.add(item));
    await turn();
  }
  expect(calls.map(({ items }) => items)).toEqual([[1], [2]]);
  calls[1]?.end();
  await turn();
  expect(calls.map(({ items }) => items)).toEqual([[1], [2], [3, 4]]);
  for (const { end } of calls) end();
  expect(await Promise.all(answers)).toEqual(["<1>", "<2>", "<3>", "<4>"]);
});

test("a call that fails fails those who asked, and nobody after them", async () => {
  const { calls, batcher } = slow(10);
  const lost = [batcher.add(1), batcher.add(2)];
  await turn();
  const next = batcher.add(3);
  calls[0]?.end(new Error("away"));
  expect(await Promise.allSettled(lost)).toMatchObject([{ status: "rejected" }, { status: "rejected" }]);
  await turn();
  calls[1]?.end();
  expect(await next).toBe("<3>");
});
