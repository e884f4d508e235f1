/** One of each group in turn, then the next of each, until all are through. */
export function takeTurns<T>(groups: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...groups.map((group) => group.length));
  return Array.from({ length: longest }, (_, turn) => groups.flatMap((group) => group.slice(turn, turn + 1))).flat();
}

/**
 * `total` among `places`, as evenly as whole numbers can be. What is left over goes to one each from place `first` on, so
 * that it falls to others next time when `first` moves on.
 */
export function evenly(total: number, places: number, first = 0): number[] {
  const each = Math.floor(total / places);
  const left = total - each * places;
  return Array.from({ length: places }, (_, place) => each + ((place - first + places) % places < left ? 1 : 0));
}
