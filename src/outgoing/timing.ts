import { MAX_TIMEOUT_MS } from "./limits.ts";
import { Failed } from "./outcome.ts";

/** When a request ends, whatever it is doing. */
export interface Timing {
  /** Aborted at the end of the time, or when the caller gives it up; its reason is a `Failed`. */
  signal: AbortSignal;
  /** Has to be called once the request is over. */
  end(): void;
}

export function startTiming(timeoutMs: number, caller: AbortSignal | undefined): Timing {
  const ending = new AbortController();
  const ms = Math.min(timeoutMs, MAX_TIMEOUT_MS);
  const timer = setTimeout(() => ending.abort(new Failed("timed_out", `it took longer than ${ms / 1000} s`)), ms);
  const stop = (): void => ending.abort(new Failed("stopped", "it was given up"));
  if (caller?.aborted) stop();
  caller?.addEventListener("abort", stop, { once: true });
  return {
    signal: ending.signal,
    end: () => {
      clearTimeout(timer);
      caller?.removeEventListener("abort", stop);
    },
  };
}
