import type { Arrival, DeliveryRow, Evidence } from "../evidence.ts";
import { arrival, completed, delivery, event, input, row, T, world } from "./quiet.ts";

const PHONE = "+4915100000001";
const TAKEN_OVER_AT = T + 12_000;

/** By SMS: 1 was sent, 2 left as its worker was killed, 3 hadn't when that was, and 4 was never answered. */
export function texted(): Evidence {
  const evidence = world();
  const text = (id: number, answer: Arrival["answer"]) =>
    arrival(id, T, { messageId: `<${id}-${T}-0@sms>`, to: PHONE, answer });
  const sms = (id: number, more: Partial<DeliveryRow> = {}) =>
    delivery(id, T, { channel: "sms", recipient: PHONE, ...more });
  const unknown = (finishedAt: number): Partial<DeliveryRow> => ({ status: "unknown", finishedAt });
  evidence.inputs = { reminders: [1, 2, 3, 4].map((id) => input(id, { intervalMs: null })), flags: [] };
  evidence.faults = [{ kind: "worker killed", hits: "worker-1", from: T + 9, until: T + 12 }];
  evidence.arrivals = [text(1, "accepted"), text(2, "accepted"), text(4, "none")];
  evidence.tables = {
    reminders: [
      row(1, { occurrenceCount: 1, ...completed("one_time_sent", T + 40) }),
      ...[2, 3].map((id) => row(id, { occurrenceCount: 1, ...completed("delivery_unknown", TAKEN_OVER_AT + 10) })),
      row(4, { occurrenceCount: 1, ...completed("delivery_unknown", T + 40) }),
    ],
    deliveries: [sms(1), ...[2, 3].map((id) => sms(id, unknown(TAKEN_OVER_AT))), sms(4, unknown(T + 30))],
    events: [
      ...[1, 2, 3, 4].map((id) => event(id, T + 40, "completed")),
      ...[2, 3, 4].map((id) => event(id, T + 40, "unknown")),
    ],
  };
  return evidence;
}

/** It comes once more, as a later attempt. */
export function again(evidence: Evidence, id: number): void {
  const of = evidence.tables.deliveries.find(({ reminderId }) => reminderId === id) as DeliveryRow;
  of.attempts = 2;
  evidence.arrivals.push(arrival(id, T, { messageId: `<${id}-${T}-0@sms>`, to: PHONE, leftAt: TAKEN_OVER_AT }));
}
