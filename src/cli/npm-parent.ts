const CHECK_MS = 200;

/**
 * Calls `ended` when npm, having started us, is gone. npm passes SIGTERM on to the shell between it and us, and many a
 * shell ends of it without telling us: `kill` would leave us running with nobody to stop us.
 */
export function whenNpmEnds(environment: NodeJS.ProcessEnv, ended: () => void): void {
  if (!environment.npm_lifecycle_event) return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    ended();
  }, CHECK_MS).unref();
}
