import type { DeliveryRow, EventRow, Evidence } from "../evidence.ts";
import { ANN, arrival, completed, delivery, event, input, row, T, world } from "./quiet.ts";

export const HOOK = "http://127.0.0.1:1/410";
const DOWN_AT = T + 65_000;

/** 1 was refused for good, 2 has failed for a minute, 3 was taken at once, 4 may have arrived before it was refused, 5 is down. */
export function overs(): Evidence {
  const evidence = world();
  const hook = (id: number, leftAt: number, answer: "refused" | "refused for good" | "none" | "accepted") =>
    arrival(id, T, { messageId: `<${id}-${T}-0@webhook>`, to: HOOK, leftAt, answer });
  const first = { channel: "webhook", recipient: HOOK };
  const failed = (finishedAt: number): Partial<DeliveryRow> => ({ ...first, status: "failed", finishedAt });
  const waits = { ...first, status: "retrying", attempts: 2, finishedAt: null, nextAttemptAt: T + 4 * 60_000 + 30_000 };
  evidence.inputs = {
    reminders: [1, 2, 3, 4, 5].map((id) => input(id, { intervalMs: null, over: { to: ANN } })),
    flags: [],
  };
  evidence.arrivals = [
    hook(1, T + 10, "refused for good"),
    hook(2, T + 10, "refused"),
    hook(2, T + 5_000, "refused"),
    hook(2, DOWN_AT - 30, "refused"),
    hook(3, T + 10, "accepted"),
    hook(4, T + 10, "none"),
    hook(4, T + 5_000, "refused for good"),
    hook(5, T + 3.5 * 60_000, "refused"),
    ...[1, 2].map((id) => arrival(id, T, { messageId: messageOver(id), leftAt: (id === 1 ? T : DOWN_AT) + 50 })),
  ];
  evidence.tables = {
    reminders: [
      row(1, { occurrenceCount: 1, ...completed("one_time_sent", T + 80) }),
      row(2, { occurrenceCount: 1, ...completed("one_time_sent", DOWN_AT + 80) }),
      row(3, { occurrenceCount: 1, ...completed("one_time_sent", T + 80) }),
      row(4, { occurrenceCount: 1, ...completed("delivery_failed", T + 5_080) }),
      row(5, { occurrenceCount: 1 }),
    ],
    deliveries: [
      delivery(1, T, failed(T + 30)),
      goneOver(1, T + 30),
      delivery(2, T, { ...failed(DOWN_AT), attempts: 3 }),
      goneOver(2, DOWN_AT),
      delivery(3, T, first),
      delivery(4, T, { ...failed(T + 5_030), attempts: 2 }),
      delivery(5, T, waits),
    ],
    events: [
      ...[1, 2, 4].map((id) => event(id, T, "failed")),
      ...[1, 2].map((id) => event(id, T, "fell_back")),
      ...[1, 2, 3, 4].map((id): EventRow => event(id, T, "completed")),
    ],
  };
  return evidence;
}

export function messageOver(id: number): string {
  return `<${id}-${T}-1000@example.org>`;
}

export function goneOver(id: number, createdAt: number): DeliveryRow {
  return delivery(id, T, { recipientNo: 1_000, createdAt, finishedAt: createdAt + 50 });
}
