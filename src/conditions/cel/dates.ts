/** True where an ISO 8601 text begins with a day that there is: `Date.parse` takes 30 February for 2 March. */
export function isRealDay(text: string): boolean {
  const day = text.slice(0, "2026-01-31".length);
  const parsed = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day);
}
