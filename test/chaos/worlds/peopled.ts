import type { Change, Evidence } from "../evidence.ts";
import { ANN, arrival, completed, delivery, event, input, MINUTE, row, span, T, world } from "./quiet.ts";

export const [BEN, EVE, BOSS] = ["ben@example.org", "eve@example.org", "boss@example.org"];
export const DONE_AT = T + MINUTE + 20_000;

/** Another quiet world: 1 is for three of whom two must have done theirs, 2 escalates, 3 was put off, 4 has quiet hours, 5 is refused. */
export function peopled(): Evidence {
  const evidence = world();
  const steps = [
    { begins: { afterMs: 0 }, to: [ANN], isOnce: true },
    { begins: { afterMs: 3_000 }, to: [BOSS], isOnce: true },
    { begins: { afterMs: 7_000 }, to: [ANN, BOSS], isOnce: true },
  ];
  const silenced: Change = {
    kind: "silenced",
    ...span(T - 500),
    due: { from: T + 9_000, until: T + 9_000 },
    isPromise: true,
  };
  evidence.inputs = {
    reminders: [
      input(1, {
        people: { addresses: [ANN, BEN, EVE], needed: 2 },
        done: [
          { person: BEN, ...span(T + 20_000) },
          { person: ANN, ...span(DONE_AT) },
        ],
      }),
      input(2, { policy: { steps } }),
      input(3, { intervalMs: null, changes: [silenced] }),
      input(4, { intervalMs: null, quiet: [{ from: T - 10_000, until: T + 50_000 }] }),
      input(5, { refusals: [{ address: ANN, ...span(T + 30_000), lifted: span(T + 2 * MINUTE + 30_000) }] }),
    ],
    flags: [],
  };
  const to = (recipient: string, recipientNo = 0) => ({ recipient, recipientNo });
  const ledger = [
    ...[ANN, BEN, EVE].map((person, no) => delivery(1, T, to(person, no))),
    ...[ANN, EVE].map((person, no) => delivery(1, T + MINUTE, to(person, no))),
    delivery(2, T, { step: 1 }),
    delivery(2, T + 3_000, { step: 2, ...to(BOSS) }),
    ...[ANN, BOSS].map((person, no) => delivery(2, T + 7_000, { step: 3, ...to(person, no) })),
    delivery(3, T + 9_000),
    delivery(4, T, { finishedAt: T + 50_030 }),
    delivery(5, T),
    delivery(5, T + MINUTE, { status: "suppressed", attempts: 0 }),
    delivery(5, T + 2 * MINUTE, { status: "suppressed", attempts: 0 }),
    delivery(5, T + 3 * MINUTE),
  ];
  evidence.arrivals = ledger
    .filter(({ status }) => status === "sent")
    .map(({ reminderId, occurrenceAt, recipientNo, recipient }) => {
      const leftAt = reminderId === 4 ? T + 50_010 : occurrenceAt + 10;
      const messageId = `<${reminderId}-${occurrenceAt}-${recipientNo}@example.org>`;
      return arrival(reminderId, occurrenceAt, { messageId, leftAt, to: recipient as string });
    });
  evidence.tables = {
    reminders: [
      row(1, { occurrenceCount: 2, ...completed("people_done", DONE_AT - 2) }),
      row(2, { occurrenceCount: 3, ...completed("policy_ended", T + 7_040) }),
      row(3, { occurrenceCount: 1, ...completed("one_time_sent", T + 9_040) }),
      row(4, { occurrenceCount: 1, ...completed("one_time_sent", T + 50_040) }),
      row(5, { occurrenceCount: 4, nextRunAt: T + 4 * MINUTE }),
    ],
    deliveries: ledger,
    events: [
      event(1, T + 20_000, "done", { person: BEN }),
      event(1, DONE_AT, "done", { person: ANN }),
      event(3, T + 9_000, "promise_ended"),
      ...[MINUTE, 2 * MINUTE].map((after) => event(5, T + after, "suppressed")),
      ...[1, 2, 3, 4].map((id) => event(id, T + 50_040, "completed")),
    ],
  };
  return evidence;
}
