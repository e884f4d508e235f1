import type { Stage } from "./stage.ts";

/** One line of the report. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** This figure by the one it is measured against, in the same run. */
  ratio?: number;
  against?: string;
}

export interface Scenario {
  name: string;
  run(stage: Stage): Promise<Figure[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The value that `share` of all values don't exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}
