/**
 * What `ask` answers, asked again when that is older than `freshMs`. Whoever asks meanwhile waits for the same answer. A
 * failure is told to those who waited for it, and remembered by nobody.
 */
export function remembered<T>(ask: () => Promise<T>, freshMs: number): () => T | Promise<T> {
  let known: { answer: T; askedAtMs: number } | null = null;
  let asking: Promise<T> | null = null;
  const askAgain = async (): Promise<T> => {
    const askedAtMs = performance.now();
    try {
      const answer = await ask();
      known = { answer, askedAtMs };
      return answer;
    } finally {
      asking = null;
    }
  };
  return () => {
    if (known && performance.now() - known.askedAtMs < freshMs) return known.answer;
    asking ??= askAgain();
    return asking;
  };
}
