import type { Known } from "./steps.ts";

/** What somebody who asks remembers: things that were in answers, whether or not they are still there. */
export class Memory {
  readonly #mostEach: number;
  readonly #things = new Map<string, { list: string[][]; names: Set<string> }>();

  constructor(mostEach: number) {
    this.#mostEach = mostEach;
  }

  learn(kind: string, thing: string[]): void {
    const { list, names } = this.#things.get(kind) ?? { list: [], names: new Set() };
    this.#things.set(kind, { list, names });
    const name = thing.join("\0");
    if (names.has(name)) return;
    names.add(name);
    list.push(thing);
    if (list.length > this.#mostEach) names.delete(list.shift()?.join("\0") ?? "");
  }

  recall(kind: string, { at }: Known): string[] | undefined {
    const { list } = this.#things.get(kind) ?? { list: [] };
    return list[list.length - 1 - (at % Math.max(list.length, 1))];
  }
}

/** The objects in a JSON value, the value itself included. */
export function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}
