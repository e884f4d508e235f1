import { type Decision, decide } from "../decide.ts";
import type { Escalating } from "../escalation.ts";
import type { Instant } from "../instant.ts";
import type { ReminderRecord } from "../reminder.ts";
import { timetableOf } from "../schedule/schedule.ts";
import type { FactsThen, Standing, World } from "./world.ts";

/** A reminder at a due instant, with what is kept of it besides. */
interface Due {
  reminder: ReminderRecord;
  nextRunAt: Instant;
  standing: Standing;
  isOutdated: boolean;
  escalating: Escalating | null;
}

/** What becomes of it, by the same decision as in production. */
export function decideThen(
  { reminder, nextRunAt, standing, isOutdated, escalating }: Due,
  facts: FactsThen,
  { zone = null, calendar = null }: World,
  now: Instant,
): Decision {
  const { nextWallAt, lastOccurrenceAt, createdAt, occurrenceCount, silence } = reminder;
  const { wasHeld = false, countedFrom = null } = standing;
  const timetable = timetableOf(reminder, zone, calendar);
  return decide(
    {
      nextRunAt,
      nextWallAt,
      lastOccurrenceAt,
      createdAt,
      occurrenceCount,
      isOutdated,
      silence,
      wasHeld,
      countedFrom,
      timetable,
      escalating,
    },
    facts,
    now,
  );
}
