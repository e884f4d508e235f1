/** The largest number below `tooMany` with which something fits that fits with any smaller one, too; 0 where it fits with none. Where a smaller one may not fit, one that does, and not always the largest. Pure. */
export function mostThatFit(tooMany: number, doesFit: (count: number) => boolean): number {
  let [few, many] = [0, tooMany];
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (doesFit(middle)) few = middle;
    else many = middle;
  }
  return few;
}
