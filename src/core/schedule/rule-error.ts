/** A rule that can't be taken as it stands. The message completes the sentence "cron ..." for its writer. */
export class RuleError extends Error {
  override name = "RuleError";
}

const MOST_REMEMBERED = 10_000;

/** `compile`, but each text only once: rules are kept as text and asked at every firing. What throws isn't remembered. */
export function remembering<T>(compile: (text: string) => T): (text: string) => T {
  const compiled = new Map<string, T>();
  return (text) => {
    const before = compiled.get(text);
    if (before !== undefined) return before;
    const rule = compile(text);
    if (compiled.size >= MOST_REMEMBERED) compiled.clear();
    compiled.set(text, rule);
    return rule;
  };
}
