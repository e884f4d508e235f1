import { setImmediate } from "node:timers/promises";
import type { FastifyRequest } from "fastify";
import { network } from "./access/failures.ts";

/** Who waits for a turn, those of each tenant in order; the tenant that had none for the longest time comes next. */
const waiting = new Map<string, (() => void)[]>();
let isGivingOut = false;

/**
 * Resolves when it is one's turn to work for some milliseconds. Between two turns, however many wait for theirs, all else goes
 * on: requests are read, and the database's answers heard. Tenants take turns, so that nobody waits for all of another's.
 */
export function ownTurn(whose: string): Promise<void> {
  return new Promise((resolve) => {
    const others = waiting.get(whose);
    if (others) others.push(resolve);
    else waiting.set(whose, [resolve]);
    if (!isGivingOut) void giveOut();
  });
}

async function giveOut(): Promise<void> {
  isGivingOut = true;
  while (waiting.size > 0) {
    await setImmediate();
    const [next] = waiting;
    if (!next) break;
    const [whose, turns] = next;
    const begin = turns.shift();
    waiting.delete(whose);
    if (turns.length > 0) waiting.set(whose, turns);
    begin?.();
  }
  isGivingOut = false;
}

/** Whose turn, or place, it is: who is only known by what is sent counts by the address that it comes from, which is no tenant's name. */
export function whoseTurn({ actor, ip }: FastifyRequest): string {
  return (actor as FastifyRequest["actor"] | undefined)?.tenant ?? `from ${network(ip)}`;
}
