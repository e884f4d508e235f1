import type { Instant } from "../instant.ts";
import { DEFAULT_FACTOR, DEFAULT_MAX_INTERVAL_MINUTES } from "./backoff.ts";
import { parseCron } from "./cron-fields.ts";
import type { Schedule } from "./kinds.ts";
import { offsetInstants } from "./offsets.ts";
import { MAX_INTERVAL_MINUTES } from "./recurring.ts";
import { parseRrule, withStart } from "./rrule.ts";
import { RuleError } from "./rule-error.ts";
import { toWallClock } from "./wall-clock.ts";

/** What somebody says about a schedule, field by field. Undefined: not said; null: taken away. */
export interface ScheduleFields {
  intervalMinutes?: number | null | undefined;
  intervalFactor?: number | null | undefined;
  maxIntervalMinutes?: number | null | undefined;
  cron?: string | null | undefined;
  rrule?: string | null | undefined;
  offsets?: readonly string[] | null | undefined;
  anchorAt?: Instant | null | undefined;
}

/** Why a wish can't be granted: which field, by its outward name, and what would be right. */
export interface Refusal {
  kind: "invalid";
  field: string;
  message: string;
}

/** The kinds of schedule that are made here; the other two have no rule to be read. */
export type RuleType = Exclude<Schedule["type"], "one_time" | "recurring">;

const NAMES: Record<keyof ScheduleFields, string> = {
  intervalMinutes: "interval_minutes",
  intervalFactor: "interval_factor",
  maxIntervalMinutes: "max_interval_minutes",
  cron: "cron",
  rrule: "rrule",
  offsets: "offsets",
  anchorAt: "anchor_at",
};

/** Which fields each kind has; the first are those that it can't be without. */
const FIELDS: Record<Schedule["type"], { needs: (keyof ScheduleFields)[]; takes: (keyof ScheduleFields)[] }> = {
  one_time: { needs: [], takes: [] },
  recurring: { needs: ["intervalMinutes"], takes: [] },
  cron: { needs: ["cron"], takes: [] },
  rrule: { needs: ["rrule"], takes: [] },
  offsets: { needs: ["offsets", "anchorAt"], takes: [] },
  backoff: { needs: ["intervalMinutes"], takes: ["intervalFactor", "maxIntervalMinutes"] },
};

const EXAMPLES: Partial<Record<keyof ScheduleFields, string>> = {
  intervalMinutes: "the minutes",
  cron: 'like "0 9 * * MON-FRI"',
  rrule: 'like "FREQ=MONTHLY;BYDAY=-1FR"',
  offsets: 'like ["-P7D", "PT0S", "P3D"]',
  anchorAt: "the instant that the offsets are counted from",
};

/** A field that is given but that this kind of schedule doesn't have, or that it needs and has not got. */
export function misplacedField(type: Schedule["type"], fields: ScheduleFields): Refusal | null {
  const { needs, takes } = FIELDS[type];
  for (const name of Object.keys(NAMES) as (keyof ScheduleFields)[]) {
    if (fields[name] == null || needs.includes(name) || takes.includes(name)) continue;
    const owners = Object.entries(FIELDS).filter(([, kind]) => kind.needs.includes(name) || kind.takes.includes(name));
    const kinds = owners.map(([kind]) => `"${kind}"`).join(" or ");
    return { kind: "invalid", field: NAMES[name], message: `must be left out, or schedule_type must be ${kinds}` };
  }
  const missing = needs.find((name) => fields[name] == null);
  if (!missing) return null;
  const message =
    type === "recurring"
      ? `is required for a recurring reminder: from 1 to ${MAX_INTERVAL_MINUTES} minutes`
      : `is required where schedule_type is "${type}": ${EXAMPLES[missing]}`;
  return { kind: "invalid", field: NAMES[missing], message };
}

/**
 * The schedule that these fields make. `former`: what it is now, whose fields stay where nothing is said; `beginsAt`: where
 * a rule begins that doesn't say it itself.
 */
export function toRule(
  type: RuleType,
  wish: ScheduleFields,
  { former, beginsAt, zone }: { former: Schedule | null; beginsAt: Instant; zone: string },
): Schedule | Refusal {
  const fields = former?.type === type ? { ...fieldsOf(former), ...said(wish) } : wish;
  const misplaced = misplacedField(type, fields);
  if (misplaced) return misplaced;
  const { needs } = FIELDS[type];
  try {
    return read(type, fields, { former, beginsAt, zone });
  } catch (error) {
    if (error instanceof RuleError) {
      return { kind: "invalid", field: NAMES[needs[0] as keyof ScheduleFields], message: error.message };
    }
    throw error;
  }
}

function read(
  type: RuleType,
  fields: ScheduleFields,
  { former, beginsAt, zone }: { former: Schedule | null; beginsAt: Instant; zone: string },
): Schedule {
  switch (type) {
    case "cron": {
      const cron = fields.cron as string;
      parseCron(cron);
      return { type, cron };
    }
    case "rrule": {
      const rrule = withStart(fields.rrule as string, toWallClock(beginsAt, zone));
      parseRrule(rrule);
      return { type, rrule };
    }
    case "offsets": {
      const schedule = { type, offsets: fields.offsets as readonly string[], anchorAt: fields.anchorAt as Instant };
      offsetInstants(schedule, zone);
      return schedule;
    }
    case "backoff": {
      const intervalMinutes = fields.intervalMinutes as number;
      const maxIntervalMinutes = fields.maxIntervalMinutes ?? Math.max(intervalMinutes, DEFAULT_MAX_INTERVAL_MINUTES);
      const factor = fields.intervalFactor ?? DEFAULT_FACTOR;
      return { type, intervalMinutes, factor, maxIntervalMinutes, anchorAt: anchorOf(former) ?? beginsAt };
    }
  }
}

/** A backoff that is edited goes on growing from where it began. */
function anchorOf(former: Schedule | null): Instant | null {
  return former?.type === "backoff" ? former.anchorAt : null;
}

function said(wish: ScheduleFields): ScheduleFields {
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
}

/** A schedule field by field, as it is shown. */
export function fieldsOf(schedule: Schedule): ScheduleFields {
  switch (schedule.type) {
    case "one_time":
      return {};
    case "recurring":
      return { intervalMinutes: schedule.intervalMinutes };
    case "cron":
      return { cron: schedule.cron };
    case "rrule":
      return { rrule: schedule.rrule };
    case "offsets":
      return { offsets: schedule.offsets, anchorAt: schedule.anchorAt };
    case "backoff": {
      const { intervalMinutes, factor, maxIntervalMinutes } = schedule;
      return { intervalMinutes, intervalFactor: factor, maxIntervalMinutes };
    }
  }
}
