import { type Instant, MS_PER_MINUTE } from "./instant.ts";
import type { After, Escalation, Step } from "./policy.ts";
import type { BusinessTime } from "./schedule/business.ts";
import { addWorkingDays, addWorkingMs } from "./schedule/business-time.ts";
import { MS_PER_DAY } from "./schedule/calendar.ts";
import { saidDuration } from "./schedule/wall-text.ts";

type WorkingTime = Extract<After, { kind: "working_time" }>;

/** Why a step has begun; null: it hasn't. The one before has been given as often as it says. */
export function whyBegun(
  { after }: Step,
  { sends, firstAt }: Pick<Escalation, "sends" | "firstAt">,
  at: Instant,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): string | null {
  if (after === null || after.kind === "repeated") return "the step before was given as often as it is to be";
  if (after.kind === "sends") return sends >= after.count ? `it was sent ${counted(sends)} before` : null;
  const begin = beginOf(after, firstAt, deadlineAt, business);
  if (begin === null || at < begin) return null;
  if (after.kind === "working_time") return `the first one was ${saidWorkingTime(after)} ago or more`;
  if (after.kind !== "deadline") return `the first one was ${saidDuration(after.ms)} ago or more`;
  if (after.ms < 0) return `the deadline is ${saidDuration(-after.ms)} away or less`;
  return after.ms === 0 ? "the deadline has come" : `the deadline was ${saidDuration(after.ms)} ago or more`;
}

/** The instant at which a step begins; null: it isn't one, or nobody can say. */
export function beginOf(
  after: Step["after"],
  firstAt: Instant,
  deadlineAt: Instant | null,
  business: BusinessTime | undefined,
): Instant | null {
  switch (after?.kind) {
    case "elapsed":
      return firstAt + after.ms;
    case "working_time":
      return business ? worked(after, firstAt, business) : firstAt + after.days * MS_PER_DAY + after.ms;
    case "deadline":
      return deadlineAt === null ? null : deadlineAt + after.ms;
    default:
      return null;
  }
}

/** As offsets are counted: days are working days, at the same time of day. */
function worked({ days, ms }: WorkingTime, firstAt: Instant, { calendar }: BusinessTime): Instant | null {
  const at = addWorkingDays(calendar, firstAt, days);
  return at === null || (days > 0 && ms === 0) ? at : addWorkingMs(calendar, at, ms);
}

function saidWorkingTime({ days, ms }: WorkingTime): string {
  const minutes = Math.floor(ms / MS_PER_MINUTE);
  const units: [number, string][] = [
    [days, "working day"],
    [Math.floor(minutes / 60), "working hour"],
    [minutes % 60, "working minute"],
  ];
  const said = units.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`);
  return said.length > 0 ? said.join(" ") : "less than a minute of working time";
}

function counted(times: number): string {
  return times === 1 ? "once" : `${times} times`;
}
