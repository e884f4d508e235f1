/** Between the things that a person must look at, in a reminder's `needs_attention`. */
const BETWEEN = "; ";

/** Characters that a reminder's own row keeps of them; its timeline has each. */
export const LONGEST_ATTENTION = 1_000;

/** What a person must look at, and this besides. */
export function alsoSaid(former: string | null, told: string): string {
  return former === null ? told : `${former}${BETWEEN}${told}`;
}

/**
 * The same without this, where it is one of what is told, in capitals or not; null: nothing is left. Each may have what stands
 * between them in it.
 */
export function without(all: string | null, told: string): string | null {
  if (all === null) return null;
  const between = (text: string): string => inSmallLetters(`${BETWEEN}${text}${BETWEEN}`);
  const at = between(all).indexOf(between(told));
  if (at === -1) return all;
  const before = all.slice(0, Math.max(0, at - BETWEEN.length));
  const after = all.slice(at + told.length + BETWEEN.length);
  return [before, after].filter((part) => part !== "").join(BETWEEN) || null;
}

/** Where that leaves each letter at its place. */
function inSmallLetters(text: string): string {
  const small = text.toLowerCase();
  return small.length === text.length ? small : text;
}
