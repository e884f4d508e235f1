/** How many names are remembered, right ones and wrong ones. */
const MOST_NAMES = 2_000;
const known = new Map<string, boolean>();

/** True for a name of the IANA time zone database that the runtime knows, aliases included. */
export function isZone(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  if (known.size >= MOST_NAMES) known.clear();
  const answer = isKnownToRuntime(name);
  known.set(name, answer);
  return answer;
}

function isKnownToRuntime(name: string): boolean {
  // Newer runtimes take offsets like +01:00 as well, which know no daylight saving and are no names.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The first of these that is the name of a zone, else UTC. Plain SQL may have put anything there. */
export function firstZone(...names: (string | null | undefined)[]): string {
  for (const name of names) if (name && isZone(name)) return name;
  return "UTC";
}
