import type {
  Arrival,
  DeliveryName,
  DeliveryRow,
  EventRow,
  Evidence,
  Fault,
  Limits,
  ReminderInput,
  ReminderRow,
  Span,
  Violation,
} from "../evidence.ts";
import { heldBy } from "../evidence.ts";
import { spendingOf } from "./budgets.ts";
import { type Regime, regimesOf } from "./regimes.ts";

/** All that is known of one reminder, gathered for the judges. */
export interface Case {
  input: ReminderInput;
  row: ReminderRow | null;
  deliveries: DeliveryRow[];
  events: EventRow[];
  /** In the order of arrival; those of one delivery under `arrivalsOf`. */
  arrivals: Arrival[];
  arrivalsOf(delivery: Which): Arrival[];
  /** When it was done, by whichever came first: nothing is sent after; null: it never was. */
  stop: Span | null;
  /** All that made it done, by how that is called in its row. */
  causes: { reason: string; at: Span }[];
  regimes: Regime[];
}

/** What names a delivery among those of its reminder. */
type Which = Pick<DeliveryName, "occurrenceAt" | "recipientNo">;

/** What every judge may ask and say. */
export interface Court {
  limits: Limits;
  faults: Fault[];
  readAt: number;
  accuse(rule: string, reminderId: number | null, what: string): void;
  budgetOf: ReturnType<typeof spendingOf>;
  /** Until when what is due at `instant` must be dealt with: a while after the faults that may have kept it. */
  deadline(instant: number): number;
  /** Whether what is due at `instant` must be dealt with if nothing came between until `horizon`: the tables were read at rest. */
  isOwed(instant: number, horizon: number): boolean;
}

export function openCourt(evidence: Evidence, violations: Violation[]): Court {
  const { limits, readAt } = evidence;
  const faults = evidence.faults.toSorted((a, b) => a.from - b.from);
  const deadline = (instant: number) => {
    let calmFrom = instant;
    for (const fault of faults) {
      if (fault.from > calmFrom + limits.recoveryMs) break;
      calmFrom = Math.max(calmFrom, fault.until);
    }
    return calmFrom + limits.recoveryMs;
  };
  return {
    limits,
    faults,
    readAt,
    accuse: (rule, reminderId, what) => violations.push({ rule, reminderId, what }),
    budgetOf: spendingOf(evidence),
    deadline,
    isOwed: (instant, horizon) => instant < horizon && (horizon >= readAt || deadline(instant) < horizon),
  };
}

export function gatherCases({ inputs, tables, arrivals, readAt }: Evidence): Case[] {
  const flags = groupBy(inputs.flags, (flag) => flag.key);
  const rows = new Map(tables.reminders.map((row) => [row.id, row]));
  const deliveries = groupBy(tables.deliveries, (delivery) => delivery.reminderId);
  const events = groupBy(tables.events, (event) => event.reminderId);
  const arrived = groupBy(
    arrivals.flatMap((arrival) => heldBy(arrival).map((held) => ({ arrival, held }))),
    ({ held }) => held.reminderId,
  );
  return inputs.reminders.map((input) => {
    const own = (arrived.get(input.id) ?? []).toSorted((a, b) => a.arrival.leftAt - b.arrival.leftAt);
    const byDelivery = groupBy(own, ({ held }) => nameOf(held));
    const flagged = input.flag === null ? [] : (flags.get(input.flag) ?? []);
    const causes = causesOf(
      input,
      flagged.map((flag) => flag.set),
    );
    return {
      input,
      row: rows.get(input.id) ?? null,
      deliveries: (deliveries.get(input.id) ?? []).toSorted(
        (a, b) => a.occurrenceAt - b.occurrenceAt || a.recipientNo - b.recipientNo,
      ),
      events: events.get(input.id) ?? [],
      arrivals: own.map(({ arrival }) => arrival),
      arrivalsOf: (delivery) => (byDelivery.get(nameOf(delivery)) ?? []).map(({ arrival }) => arrival),
      stop: earliest(causes.map(({ at }) => at)),
      causes,
      regimes: regimesOf(input, readAt),
    };
  });
}

export function nameOf({ occurrenceAt, recipientNo }: Which): string {
  return `${occurrenceAt}-${recipientNo}`;
}

function causesOf({ people, done, said }: ReminderInput, flagged: Span[]): Case["causes"] {
  const all = people === null ? null : nth(done, people.needed);
  return [
    ...flagged.map((at) => ({ reason: "stop_condition", at })),
    ...(all ? [{ reason: "people_done", at: all }] : []),
    ...(said ? [{ reason: "done", at: said }] : []),
  ];
}

/** When so many of these had come about, whatever their order was; null: never. */
function nth(spans: Span[], count: number): Span | null {
  if (spans.length < count) return null;
  const [from, until] = (["from", "until"] as const).map(
    (end) => spans.map((span) => span[end]).toSorted((a, b) => a - b)[count - 1] as number,
  ) as [number, number];
  return { from, until };
}

function earliest(spans: Span[]): Span | null {
  return nth(spans, 1);
}

export function groupBy<K, T>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
