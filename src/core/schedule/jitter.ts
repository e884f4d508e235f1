import type { Instant } from "../instant.ts";
import type { ReminderName } from "./kinds.ts";

/** How much later than meant an occurrence is due, in [0, `seconds`): the same for the same occurrence, wherever it is asked. */
export function jitterMs({ entityType, entityId, eventType }: ReminderName, meantAt: Instant, seconds: number): number {
  return hash(`${entityType}\0${entityId}\0${eventType}\0${meantAt}`) % (seconds * 1_000);
}

/** FNV-1a, and the finish of MurmurHash3 so that neighbours lie far apart. From 0 to 2^32 - 1. */
function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) bits = Math.imul(bits ^ text.charCodeAt(index), 0x01000193);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
