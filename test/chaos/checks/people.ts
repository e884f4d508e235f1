import { type Case, type Court, groupBy } from "./case.ts";

/** Several people: each gets a message of their own at each occurrence until they have done theirs, and their word counts once. */
export function judgePeople(one: Case, court: Court): void {
  const { input, deliveries, events } = one;
  if (input.people === null) return;
  const { addresses } = input.people;
  const accuse = (what: string) => court.accuse("people", input.id, what);
  for (const person of addresses) {
    const told = events.filter(({ type, details }) => type === "done" && details.person === person).length;
    if (told > 1) accuse(`the timeline tells ${told} times that ${person} has done theirs`);
  }
  for (const [occurrenceAt, all] of groupBy(deliveries, (delivery) => delivery.occurrenceAt)) {
    const { createdAt } = all[0] as (typeof all)[number];
    const got = all.map(({ recipient }) => recipient ?? "nobody");
    const name = `occurrence ${occurrenceAt}`;
    for (const stranger of got.filter((to) => !addresses.includes(to))) accuse(`${name} was for ${stranger}, too`);
    for (const person of addresses) {
      const times = got.filter((to) => to === person).length;
      const done = input.done.find((said) => said.person === person);
      if (times > 1) accuse(`${name} was for ${person} ${times} times`);
      // What is fired was read after its instant, a while at most.
      if (times > 0 && done && done.until + court.limits.clockSlackMs < createdAt)
        accuse(`${name} was fired for ${person} ${createdAt - done.until} ms after they had done theirs`);
      if (times === 0 && !input.isLoose && (!done || done.from > createdAt + court.limits.transactionMs))
        accuse(`${name} was not for ${person}, who hadn't done theirs`);
    }
  }
}
