import type {
  Arrival,
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
import { readMessageId } from "../evidence.ts";
import { type Regime, regimesOf } from "./regimes.ts";

/** All that is known of one reminder, gathered for the judges. */
export interface Case {
  input: ReminderInput;
  row: ReminderRow | null;
  deliveries: DeliveryRow[];
  events: EventRow[];
  /** In the order of arrival; those of one occurrence under `arrivalsOf`. */
  arrivals: Arrival[];
  arrivalsOf(occurrenceAt: number): Arrival[];
  /** When its flag was set; null if never. */
  stop: Span | null;
  regimes: Regime[];
}

/** What every judge may ask and say. */
export interface Court {
  limits: Limits;
  faults: Fault[];
  readAt: number;
  accuse(rule: string, reminderId: number | null, what: string): void;
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
    deadline,
    isOwed: (instant, horizon) => instant < horizon && (horizon >= readAt || deadline(instant) < horizon),
  };
}

export function gatherCases({ inputs, tables, arrivals, readAt }: Evidence): Case[] {
  const stops = new Map(inputs.flags.map((flag) => [flag.key, flag.set]));
  const rows = new Map(tables.reminders.map((row) => [row.id, row]));
  const deliveries = groupBy(tables.deliveries, (delivery) => delivery.reminderId);
  const events = groupBy(tables.events, (event) => event.reminderId);
  const arrived = groupBy(arrivals, ({ messageId }) => readMessageId(messageId)?.reminderId ?? 0);
  return inputs.reminders.map((input) => {
    const own = (arrived.get(input.id) ?? []).toSorted((a, b) => a.leftAt - b.leftAt);
    const byOccurrence = groupBy(own, ({ messageId }) => readMessageId(messageId)?.occurrenceAt ?? 0);
    return {
      input,
      row: rows.get(input.id) ?? null,
      deliveries: (deliveries.get(input.id) ?? []).toSorted((a, b) => a.occurrenceAt - b.occurrenceAt),
      events: events.get(input.id) ?? [],
      arrivals: own,
      arrivalsOf: (occurrenceAt) => byOccurrence.get(occurrenceAt) ?? [],
      stop: input.flag === null ? null : (stops.get(input.flag) ?? null),
      regimes: regimesOf(input, readAt),
    };
  });
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
