import { onTestFinished } from "vitest";

/**
 * Watches how long this process is held at one go, and all in all, in milliseconds of its own work: how long it was kept waiting by others on the
 * machine counts for nothing.
 */
export function watchLoop(): { stop(): { longestMs: number; allMs: number } } {
  let [longestMs, allMs] = [0, 0];
  let isOver = false;
  const watch = (): void => {
    if (isOver) return;
    const before = process.cpuUsage();
    const beganAt = performance.eventLoopUtilization();
    setTimeout(() => {
      const { active } = performance.eventLoopUtilization(beganAt);
      const { user, system } = process.cpuUsage(before);
      const heldMs = Math.min(active, (user + system) / 1_000);
      longestMs = Math.max(longestMs, heldMs);
      allMs += heldMs;
      watch();
    }, 1);
  };
  watch();
  onTestFinished(() => {
    isOver = true;
  });
  return {
    stop() {
      isOver = true;
      return { longestMs, allMs };
    },
  };
}
