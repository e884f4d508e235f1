import type { Instant } from "../instant.ts";
import { type Cap, NO_SLOTS, type Pace, place, UNUSED, whenFree } from "../pace.ts";
import { MS_PER_DAY } from "../schedule/calendar.ts";
import type { Message } from "./open-message.ts";
import type { World } from "./world.ts";

/** How many messages a day each person has had of those that they want at most. */
export class Budgets {
  readonly #budgetOf: World["budgetOf"];
  readonly #paces = new Map<string, Pace>();

  constructor({ budgetOf }: Pick<World, "budgetOf">) {
    this.#budgetOf = budgetOf;
  }

  /**
   * Asks for one place for what goes in one message, as the engine does. Null: it may leave. Else until when all of it waits.
   * `formerOf`: an older one to the same person that was promised a place and hasn't used it.
   */
  place(together: readonly Message[], formerOf: () => Message | undefined, now: Instant): Instant | null {
    const [first] = together;
    const budget = first && this.#budgetOf?.(first.to);
    if (!first || !budget) return null;
    const cap: Cap = { limit: budget.perDay, windowMs: MS_PER_DAY };
    const pace = this.#paces.get(budget.name) ?? UNUSED;
    const promised = together.find(({ slots }) => slots.person !== null) ?? formerOf();
    const slots = promised?.slots ?? NO_SLOTS;
    const gathersUntil = budget.over === "digest" ? whenFree({ cap, pace }, slots.person, now) : now;
    if (gathersUntil > now) {
      for (const message of together) message.digestAt = gathersUntil;
      return gathersUntil;
    }
    const placing = place(slots, { person: { cap, pace } }, now);
    this.#paces.set(budget.name, placing.paces.person ?? pace);
    if (promised) promised.slots = NO_SLOTS;
    first.slots = placing.slots;
    return placing.until;
  }
}
