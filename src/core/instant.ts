/** A moment in time: milliseconds since the Unix epoch, UTC. The database keeps the same precision (`timestamptz(3)`). */
export type Instant = number;

export const MS_PER_MINUTE = 60_000;

/** As people and programs read it: ISO 8601 with `Z`. */
export function toIso(instant: Instant): string;
export function toIso(instant: Instant | null): string | null;
export function toIso(instant: Instant | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
