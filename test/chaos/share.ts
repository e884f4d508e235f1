/** How long a piece of work may take here for each millisecond that it needs: 1 where nobody else wants the processor. */
export interface Share {
  /** The median of what was measured so far, 1 at least. */
  slowness(): number;
  stop(): void;
}

const EVERY_MS = 2_000;
const WORK_MS = 15;

/** Measures by small pieces of work what share of the processor one has on this machine, beside whatever else runs on it. */
export function measureShare(): Share {
  const measured: number[] = [];
  const timer = setInterval(() => measured.push(slownessNow()), EVERY_MS);
  return {
    slowness: () => Math.max(1, measured.toSorted((a, b) => a - b)[Math.floor(measured.length / 2)] ?? 1),
    stop: () => clearInterval(timer),
  };
}

function slownessNow(): number {
  const began = performance.now();
  const before = process.cpuUsage();
  let workedMs = 0;
  while (workedMs < WORK_MS) {
    const { user, system } = process.cpuUsage(before);
    workedMs = (user + system) / 1_000;
  }
  return (performance.now() - began) / workedMs;
}
