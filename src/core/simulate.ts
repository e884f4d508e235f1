import type { Happening, Simulation } from "./life/happening.ts";
import { Life } from "./life/life.ts";
import type { World } from "./life/world.ts";
import type { ReminderRecord } from "./reminder.ts";

/**
 * The life of a reminder in a world of which everything is known: the engine's decisions without its clock, database and
 * network. Pure as far as `receive` and `draw` are. Previews and the simulation test ask it.
 */
export function simulate(start: ReminderRecord, world: World): Simulation {
  const steps = live(start, world);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same step by step, for whoever wants to know in between, or to stop: each gives what happened, and how it stands then. */
export function* live(
  start: ReminderRecord,
  world: World,
): Generator<{ happened: Happening | null; reminder: ReminderRecord }, Simulation> {
  const life = new Life(start, world);
  while (life.step()) yield { happened: life.happened, reminder: life.reminder };
  return { reminder: life.reminder, deliveries: life.post.deliveries, skipped: life.skipped };
}
