/** A rule that can't be taken as it stands. The message completes the sentence "cron ..." for its writer. */
export class RuleError extends Error {
  override name = "RuleError";
}

const MOST_REMEMBERED = 10_000;

/**
 * `compile`, but each text only once: rules are kept as text and asked at every firing. What throws isn't remembered, and
 * beyond `most` texts all are forgotten.
 */
export function remembering<T>(compile: (text: string) => T, most = MOST_REMEMBERED): (text: string) => T {
  const compiled = new Map<string, T>();
  return (text) => {
    const before = compiled.get(text);
    if (before !== undefined) return before;
    const rule = compile(text);
    if (compiled.size >= most) compiled.clear();
    compiled.set(text, rule);
    return rule;
  };
}
