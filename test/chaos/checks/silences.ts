import type { Case, Court } from "./case.ts";

/** What was put off comes back, tells so, and was put off once, however often that was pressed. */
export function judgeSilences({ input, row, deliveries, events, stop }: Case, court: Court): void {
  const last = input.changes.at(-1);
  for (const change of input.changes) {
    if (change.kind !== "silenced") continue;
    const { due, isPromise } = change;
    const back = deliveries.find(({ occurrenceAt }) => occurrenceAt >= due.from && occurrenceAt <= due.until);
    const type = isPromise ? "promise_ended" : "snooze_ended";
    const told = events.filter((event) => event.type === type).length;
    if (told !== (back ? 1 : 0)) court.accuse("silence", input.id, `${told} lines of the timeline are ${type}`);
    const isSilent = change === last && due.from > court.readAt && row?.status === "ACTIVE" && !stop;
    const { nextRunAt = null } = row ?? {};
    if (!isSilent || input.isLoose) continue;
    if (nextRunAt === null || nextRunAt < due.from || nextRunAt > due.until)
      court.accuse("silence", input.id, `put off until ${due.from}, it is due at ${nextRunAt}`);
  }
}
