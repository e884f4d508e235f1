import type { Arrival, Evidence, Held } from "../evidence.ts";
import { ANN, arrival, completed, delivery, event, input, READ_AT, row, T, world } from "./quiet.ts";

const DAY_MS = 24 * 3_600_000;
/** A person's time of the day; a minute after that, what was due by then leaves. */
export const ENDS_AT = T + 60_000;
export const LEAVES_AT = ENDS_AT + 60_000;
export const FEW = "few@example.org";

/** 1, 2 and 3 go together; 4 is excepted; 5 is due too late for it; 6 to 8 are of whoever wants two a day, and 8 has no room. */
export function gathered(): Evidence {
  const evidence = world();
  const once = { intervalMs: null };
  const digest = [ENDS_AT % DAY_MS];
  const budget = { person: "few", perDay: 2 };
  const waits = { status: "pending", attempts: 0, finishedAt: null, recipient: FEW };
  evidence.inputs = {
    reminders: [
      ...[1, 2, 3].map((id) => input(id, { ...once, digest, runAt: T + id * 1_000 })),
      input(4, once),
      input(5, { ...once, digest, runAt: ENDS_AT + 1 }),
      ...[6, 7, 8].map((id) => input(id, { ...once, budget })),
    ],
    flags: [],
  };
  const together = [1, 2, 3].map((id) => ({ reminderId: id, occurrenceAt: T + id * 1_000 }));
  evidence.arrivals = [
    arrival(4, T),
    ...[6, 7].map((id) => arrival(id, T, { to: FEW, holds: [{ reminderId: id, occurrenceAt: T }] })),
    digestOf(together),
  ];
  evidence.tables = {
    reminders: [
      ...[1, 2, 3].map((id) => row(id, { occurrenceCount: 1, ...completed("one_time_sent", LEAVES_AT + 30) })),
      ...[4, 6, 7].map((id) => row(id, { occurrenceCount: 1, ...completed("one_time_sent", T + 30) })),
      ...[5, 8].map((id) => row(id, { occurrenceCount: 1 })),
    ],
    deliveries: [
      ...together.map((held) => delivery(held.reminderId, held.occurrenceAt, { finishedAt: LEAVES_AT + 30 })),
      delivery(4, T),
      delivery(5, ENDS_AT + 1, { ...waits, recipient: ANN, nextAttemptAt: LEAVES_AT + DAY_MS }),
      ...[6, 7].map((id) => delivery(id, T, { recipient: FEW })),
      delivery(8, T, { ...waits, nextAttemptAt: READ_AT + DAY_MS }),
    ],
    events: [1, 2, 3, 4, 6, 7].map((id) => event(id, LEAVES_AT, "completed")),
  };
  return evidence;
}

/** A message in which these are. It has the id of the first. */
export function digestOf(holds: Held[], more: Partial<Arrival> = {}): Arrival {
  const [{ reminderId, occurrenceAt }] = holds as [Held];
  return arrival(reminderId, occurrenceAt, { leftAt: LEAVES_AT + 10, holds, ...more });
}
