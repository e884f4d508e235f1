/** Waits until `condition` answers with something true, and returns that. The limit only says when to give up. */
export async function until<T>(
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  what: string,
  limitMs = 120_000,
): Promise<T> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > giveUpAt) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/**
 * As long as a stop or a suppression may take to be heeded (promise P3), which is more than workers remember that there was none.
 * Nothing tells that they have forgotten; however slow the machine is, after this they must have.
 */
export const outlast = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250));
