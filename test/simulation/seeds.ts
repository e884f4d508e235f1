/** The one seed that is to be lived through again; undefined: all are. */
export const only = process.env.SIMULATION_SEED;

export function seeds(from: number, until: number): number[] {
  const all = Array.from({ length: until - from }, (_, n) => from + n);
  return only ? all.filter((seed) => seed === Number(only)) : all;
}

/** The line that lives through a seed of a file's again. */
export function replay(seed: number, file: string): string {
  return `SIMULATION_SEED=${seed} npx vitest run ${file}`;
}
