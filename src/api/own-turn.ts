import { setImmediate } from "node:timers/promises";

let last: Promise<void> = Promise.resolve();

/**
 * Resolves when it is one's turn to work for some milliseconds. Between two turns, however many wait for theirs, all else goes
 * on: requests are read, and the database's answers heard.
 */
export function ownTurn(): Promise<void> {
  last = last.then(() => setImmediate());
  return last;
}
