import type { DeliveryRow } from "../evidence.ts";
import { type Case, type Court, nameOf } from "./case.ts";
import { isFallback } from "./fallbacks.ts";
import { countInstants, isDueIn, owedInstants, type Regime } from "./regimes.ts";

/** P2, P4: what was recorded was due, never before its time and in time; what was due was recorded, or is accounted for. */
export function judgeOccurrences(one: Case, court: Court): number {
  judgeRecorded(one, court);
  // When a policy has its reminder due depends on what was given, and is judged with it.
  return one.input.isLoose || one.input.policy ? 0 : judgeDue(one, court);
}

function judgeRecorded(one: Case, court: Court): void {
  const { input, deliveries, row, stop } = one;
  const accuse = (rule: string, what: string) => court.accuse(rule, input.id, what);
  const names = new Set(deliveries.map((delivery) => delivery.occurrenceAt));
  if (new Set(deliveries.map(nameOf)).size < deliveries.length) accuse("P2", "an occurrence is recorded twice");
  if (row && row.occurrenceCount !== names.size) {
    accuse("P2", `it counts ${row.occurrenceCount} occurrences, and ${names.size} are recorded`);
  }
  // What goes over another channel is born when the first one fails, and judged with that.
  for (const delivery of deliveries.filter((one) => !isFallback(one))) {
    const { occurrenceAt, createdAt } = delivery;
    const aheadMs = occurrenceAt - createdAt;
    if (aheadMs > court.limits.fireAheadMs) accuse("P4", `${name(delivery)} was fired ${aheadMs} ms ahead`);
    if (stop && createdAt > stop.until + court.limits.clockSlackMs) {
      accuse("P3", `${name(delivery)} was fired ${createdAt - stop.until} ms after it was done`);
    }
    if (input.isLoose || input.policy) continue;
    const regime = regimeOf(one, delivery, court);
    if (!regime) accuse("P2", `${name(delivery)}, fired at ${createdAt}, was not due`);
    else if (createdAt > court.deadline(Math.max(occurrenceAt, regime.begins.until))) {
      accuse("P8", `${name(delivery)} was fired ${createdAt - occurrenceAt} ms late, and no fault explains it`);
    }
  }
}

function regimeOf(one: Case, { occurrenceAt, createdAt }: DeliveryRow, court: Court): Regime | undefined {
  const { clockSlackMs } = court.limits;
  const open = one.regimes.filter((regime) => regime.isActive && createdAt <= regime.ends.until + clockSlackMs);
  return open.find((regime) => isDueIn(regime, occurrenceAt)) ?? (isExtra(one, occurrenceAt) ? open[0] : undefined);
}

/** Off the series by right: triggered by hand, or a one-time one that a pause held back and that was due anew. */
function isExtra({ input }: Case, occurrenceAt: number): boolean {
  const wasPaused = input.changes.some((change) => change.kind === "paused" && change.from <= occurrenceAt);
  if (input.intervalMs === null && wasPaused) return true;
  return input.changes.some((change) => change.kind === "triggered" && change.occurrenceAt === occurrenceAt);
}

/** Returns how many due instants had to be dealt with. */
function judgeDue(one: Case, court: Court): number {
  let judged = 0;
  for (const regime of one.regimes.filter(({ isActive }) => isActive)) {
    const horizon = Math.min(regime.ends.from, one.stop?.from ?? Number.POSITIVE_INFINITY, court.readAt);
    for (const due of owedInstants(regime, horizon)) {
      if (!court.isOwed(Math.max(due, regime.begins.until), horizon)) continue;
      judged += 1;
      if (isAccountedFor(one, regime, due)) continue;
      court.accuse("P2", one.input.id, `it was due at ${due}: nothing was recorded, and nothing says why`);
    }
  }
  return judged;
}

function isAccountedFor(one: Case, regime: Regime, due: number): boolean {
  const { deliveries, events, input } = one;
  const wanted = regime.asked?.until === due ? regime.asked : { from: due, until: due };
  if (deliveries.some(({ occurrenceAt: at }) => at >= wanted.from && at <= wanted.until)) return true;
  // A one-time reminder whose message a pause held back goes out under a later name.
  if (input.intervalMs === null) return deliveries.some((delivery) => delivery.occurrenceAt > due);
  return deliveries.some((catchUp) => {
    const { occurrenceAt, createdAt } = catchUp;
    if (occurrenceAt >= due || createdAt < due) return false;
    const told = events.find((event) => event.type === "missed" && event.at === createdAt)?.details.occurrences;
    // When exactly the regime began isn't known, and so not whether an instant just then was missed.
    const [least, most] = [regime.begins.until, regime.begins.from].map((began) =>
      countInstants(regime, Math.max(occurrenceAt, began), createdAt),
    ) as [number, number];
    return typeof told === "number" && least <= told && told <= most;
  });
}

function name({ occurrenceAt }: DeliveryRow): string {
  return `occurrence ${occurrenceAt}`;
}
