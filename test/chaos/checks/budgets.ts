import type { Arrival, Evidence } from "../evidence.ts";
import { type Case, type Court, groupBy } from "./case.ts";

const DAY_MS = 24 * 3_600_000;

/** How much of what a person wants at most has been used. */
export interface Spending {
  /** Attempts of all their messages. */
  tries: number;
  /** How many of them wait. */
  waiting: number;
}

/** By the person, what the ledger tells of all their reminders. */
export function spendingOf({ inputs, tables }: Evidence): (person: string) => Spending {
  const persons = new Map(inputs.reminders.map(({ id, budget }) => [id, budget?.person ?? ""]));
  const byPerson = groupBy(tables.deliveries, ({ reminderId }) => persons.get(reminderId) ?? "");
  return (person) => {
    const all = byPerson.get(person) ?? [];
    const tries = all.reduce((sum, { attempts }) => sum + attempts, 0);
    return { tries, waiting: all.filter(({ finishedAt }) => finishedAt === null).length };
  };
}

/** Within any 24 hours a person gets no more messages than they want, tries that failed included; what goes as one counts once. */
export function judgeBudgets(cases: Case[], court: Court): void {
  const capped = cases.filter(({ input }) => input.budget !== null);
  for (const [person, all] of groupBy(capped, ({ input }) => input.budget?.person)) {
    const [first] = all as [Case];
    const perDay = first.input.budget?.perDay ?? 0;
    const arrivals = [...new Set(all.flatMap((one) => one.arrivals))].toSorted((a, b) => a.leftAt - b.leftAt);
    const beyond = arrivals.find((arrival, place) => {
      const before: Arrival | undefined = arrivals[place - perDay];
      return before !== undefined && arrival.leftAt - before.leftAt < DAY_MS;
    });
    if (beyond)
      court.accuse(
        "budget",
        first.input.id,
        `${beyond.messageId} is one more than the ${perDay} a day that ${person} wants`,
      );
  }
}
