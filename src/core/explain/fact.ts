import type { Instant } from "../instant.ts";
import { type DeliveryKey, deliveryId, type Reminder } from "../reminder.ts";

export const EVIDENCE_TABLES = [
  ...(["reminder_jobs", "deliveries", "reminder_events", "status_flags", "reminder_done"] as const),
  ...(["contacts", "opt_outs", "suppressions", "tenants"] as const),
] as const;

/** What a sentence rests on: a row, and which of its columns say it; none named: the whole row. */
export interface Evidence {
  table: (typeof EVIDENCE_TABLES)[number];
  /** The row's id: the reminder's, the delivery's public one, the event's, the flag's key, the contact's name, the address, the tenant. */
  id: string;
  columns: readonly string[];
}

/** A plain sentence, and what it rests on. */
export interface Fact {
  kind: string;
  /** When it happened, or will; null for what is simply so. */
  at: Instant | null;
  sentence: string;
  evidence: Evidence;
}

export function ofReminder({ id }: Pick<Reminder, "id">, ...columns: string[]): Evidence {
  return { table: "reminder_jobs", id: String(id), columns };
}

export function ofDelivery(delivery: DeliveryKey, ...columns: string[]): Evidence {
  return { table: "deliveries", id: deliveryId(delivery), columns };
}

export function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
