import type { ReminderInput, Span } from "../evidence.ts";

/** A stretch of a reminder's life under one rule: on or off, due by one series. */
export interface Regime {
  isActive: boolean;
  begins: Span;
  ends: Span;
  /** A due instant of the series; the others lie whole intervals after it. */
  anchorAt: number;
  intervalMs: number | null;
  /** Due instants before `from` don't belong to it any more; those after `until` surely do. */
  first: Span;
  /** Due once at this instant besides, whatever the series says: until then it was put off; null: it wasn't. */
  asked: Span | null;
}

/** The stretches of a reminder's life as the changes made them, flags apart. */
export function regimesOf(input: ReminderInput, readAt: number): Regime[] {
  const end: Span = { from: readAt, until: readAt };
  let current: Regime = {
    isActive: true,
    begins: input.created,
    ends: end,
    anchorAt: input.runAt,
    intervalMs: input.intervalMs,
    first: at(input.runAt),
    asked: null,
  };
  const regimes = [current];
  for (const change of input.changes) {
    if (change.kind === "triggered") continue;
    const span: Span = { from: change.from, until: change.until };
    current.ends = span;
    if (change.kind === "silenced") {
      const silent = { ...current, begins: span, ends: change.due, isActive: false };
      current = { ...current, begins: change.due, ends: end, isActive: true, first: change.due, asked: change.due };
      if (input.intervalMs === null) current.anchorAt = change.due.from;
      regimes.push(silent, current);
      continue;
    }
    current = { ...current, begins: span, ends: end, isActive: change.kind === "resumed" || change.kind === "moved" };
    current.asked = null;
    if (change.kind === "resumed" && input.intervalMs !== null) current.first = span;
    if (change.kind === "moved") {
      Object.assign(current, { anchorAt: change.runAt, first: at(change.runAt) });
    }
    regimes.push(current);
  }
  return regimes;
}

/** Whether an occurrence by this name may belong to the regime. */
export function isDueIn(regime: Regime, occurrenceAt: number): boolean {
  const { anchorAt, intervalMs, first, asked } = regime;
  if (!regime.isActive || occurrenceAt < first.from) return false;
  if (asked && occurrenceAt >= asked.from && occurrenceAt <= asked.until) return true;
  return intervalMs === null ? occurrenceAt === anchorAt : (occurrenceAt - anchorAt) % intervalMs === 0;
}

/**
 * The due instants that surely belong to the regime and lie before `until`. One in the past when the regime began means
 * "at once"; what else the series had had by then was never asked for.
 */
export function owedInstants({ anchorAt, intervalMs, first, begins, asked }: Regime, until: number): number[] {
  const isKnown = first.from === first.until;
  const wanted = asked?.until ?? (isKnown ? anchorAt : null);
  const owed = wanted !== null && wanted < until ? [wanted] : [];
  if (intervalMs === null) return owed;
  const after = Math.max(first.until, begins.until);
  const passed = Math.max(0, Math.floor((after - anchorAt) / intervalMs));
  for (let instant = anchorAt + (passed + 1) * intervalMs; instant < until; instant += intervalMs) owed.push(instant);
  return owed;
}

/** How many due instants of the regime's series lie in (from, until]. */
export function countInstants({ anchorAt, intervalMs }: Regime, from: number, until: number): number {
  if (intervalMs === null || until <= from) return 0;
  return Math.floor((until - anchorAt) / intervalMs) - Math.floor((from - anchorAt) / intervalMs);
}

function at(instant: number): Span {
  return { from: instant, until: instant };
}
