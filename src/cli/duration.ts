import { CannotRun } from "./say.ts";

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_MS = 3_650 * 86_400_000;

/** A duration like 90d, 24h, 30m or 45s, in milliseconds. Throws `CannotRun`, naming the option that it was given for. */
export function durationMs(text: string, option: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = Number(digits) * (UNIT_MS[unit] ?? 0);
  if (ms > 0 && ms <= MOST_MS) return ms;
  throw new CannotRun(`${option} must be a duration up to 3650d, like 90d, 24h or 30m, not ${text}`);
}
