import type { EntityName } from "./entity-name.ts";
import { type Instant, MS_PER_MINUTE } from "./instant.ts";
import { type Rota, readRota } from "./rota.ts";
import { MS_PER_DAY } from "./schedule/calendar.ts";
import { parseDuration, parseWorkingDuration } from "./schedule/duration.ts";
import { RuleError, remembering } from "./schedule/rule-error.ts";

/** To whom a step goes, as it is written and kept. `recipient`: to whom the reminder would go anyway. */
export type Target = "recipient" | "manager" | { contact: EntityName } | { address: string } | { rota: string };

/** When a step begins: after so many sends, so long after the first occurrence, or around the deadline. Durations of ISO 8601. */
export type AfterText = { sends: number } | { elapsed: string } | { working_time: string } | { deadline: string };

/** Waits that are a share of the time to the deadline or since it. In minutes. */
export interface Cadence {
  shortest_minutes: number;
  longest_minutes: number;
  share: number;
}

/** A step as it is written and kept. */
export interface StepText {
  after?: AfterText | null;
  to: Target[];
  /** The channel's name, or `preferred`: the first that the person prefers. Left out: the reminder's. */
  channel?: string | null;
  template?: string | null;
  interval_minutes?: number | null;
  cadence?: Cadence | null;
  /** The next one begins when it has been given so often; at the last one, the policy ends. */
  repeat?: number | null;
  /** Whether its e-mails may be unsubscribed from by one click (RFC 8058); left out: no. */
  one_click_unsubscribe?: boolean | null;
}

/** What makes a policy, as it is written and kept. */
export interface PolicyText {
  name: string;
  steps: StepText[];
  rotas: { [name: string]: Rota };
}

/** When a step begins, to calculate with. Durations in milliseconds. */
export type After =
  | { kind: "sends"; count: number }
  | { kind: "elapsed" | "deadline"; ms: number }
  /** Days are working days, and the rest is time that passes only while it is open. */
  | { kind: "working_time"; days: number; ms: number }
  /** Once the one before has been given as often as it says. */
  | { kind: "repeated" };

export type Interval =
  | { kind: "fixed"; ms: number }
  | { kind: "cadence"; shortestMs: number; longestMs: number; share: number };

export interface Step {
  /** As people count: 1 is the first that is written; 0: as the reminder would be without a policy. */
  number: number;
  /** Null for the one that a reminder begins with. */
  after: After | null;
  to: readonly Target[];
  channel: string | null;
  template: string | null;
  interval: Interval | null;
  repeat: number | null;
  /** True where one click unsubscribes from its e-mails. */
  unsubscribes: boolean;
}

export interface Policy {
  name: string;
  /** The first is the one that a reminder begins with. */
  steps: readonly [Step, ...Step[]];
  rotas: ReadonlyMap<string, Rota>;
}

export const DEFAULT_SHARE = 0.5;
/** The channel of a step that goes by what the person prefers. */
export const PREFERRED = "preferred";

const AS_WITHOUT: Step = {
  ...{ number: 0, after: null, to: ["recipient"], channel: null, template: null, interval: null, repeat: null },
  unsubscribes: false,
};

/** What is wrong with a policy: in which step (1 is the first), in which field of it, and what would be right. */
export interface PolicyFlaw {
  step: number;
  field: string;
  message: string;
}

/** Reads what `JSON.stringify` makes of a `PolicyText`. Throws a `RuleError` for what plain SQL may have written. */
export const readPolicy = remembering((text: string): Policy => {
  try {
    const written = JSON.parse(text) as PolicyText;
    const [flaw] = policyFlaws(written);
    if (flaw) throw new RuleError(`policy has a step ${flaw.step} whose ${flaw.field} ${flaw.message}`);
    return toPolicy(written);
  } catch (error) {
    if (error instanceof RuleError) throw error;
    throw new RuleError(`policy can't be read: ${(error as Error).message}`);
  }
}, 1_000);

function toPolicy({ name, steps, rotas }: PolicyText): Policy {
  const read = steps.map((step, place) => toStep(step, place, steps[place - 1]));
  const all = read[0]?.after === null ? read : [AS_WITHOUT, ...read];
  const entries = Object.entries(rotas ?? {}).map(([name, rota]) => [name, readRota(rota)] as const);
  return { name, steps: all as [Step, ...Step[]], rotas: new Map(entries) };
}

function toStep(step: StepText, place: number, before: StepText | undefined): Step {
  const { to, channel = null, template = null, repeat = null } = step;
  const after = step.after ? toAfter(step.after) : before ? ({ kind: "repeated" } as const) : null;
  const unsubscribes = step.one_click_unsubscribe === true;
  return { number: place + 1, after, to, channel, template, interval: intervalOf(step), repeat, unsubscribes };
}

function toAfter(after: AfterText): After {
  if ("sends" in after) return { kind: "sends", count: after.sends };
  if ("working_time" in after) return { kind: "working_time", ...parseWorkingDuration(after.working_time) };
  const [kind, text] = Object.entries(after)[0] as ["elapsed" | "deadline", string];
  return { kind, ms: durationMs(text) };
}

function intervalOf({ interval_minutes: minutes, cadence }: StepText): Interval | null {
  if (minutes != null) return { kind: "fixed", ms: minutes * MS_PER_MINUTE };
  if (cadence == null) return null;
  const { shortest_minutes: shortest, longest_minutes: longest, share } = cadence;
  return { kind: "cadence", shortestMs: shortest * MS_PER_MINUTE, longestMs: longest * MS_PER_MINUTE, share };
}

/** Elapsed time, a day being 24 hours. Throws a `RuleError`, also for months and years, which have no fixed length. */
export function durationMs(text: string): number {
  const { months, days, ms } = parseDuration(text);
  if (months !== 0)
    throw new RuleError(`must be in weeks, days, hours, minutes and seconds, not ${JSON.stringify(text)}`);
  return days * MS_PER_DAY + ms;
}

/** What is wrong in how its steps follow each other; what each field may hold by itself is its schema's business. */
export function policyFlaws({ steps, rotas }: PolicyText): PolicyFlaw[] {
  return steps.flatMap((step, place) => {
    const flaw = stepFlaw(step, steps[place - 1], rotas ?? {});
    return flaw ? [{ step: place + 1, ...flaw }] : [];
  });
}

function stepFlaw(
  { after, interval_minutes: minutes, cadence, to }: StepText,
  before: StepText | undefined,
  rotas: PolicyText["rotas"],
): Omit<PolicyFlaw, "step"> | null {
  const isRepeated = before?.repeat != null;
  if (before && !after && !isRepeated)
    return { field: "after", message: "must say when it begins, or the step before it how often it is repeated" };
  if (isRepeated && after && "sends" in after)
    return { field: "after", message: "must not count sends where the step before it says how often it is repeated" };
  const [kind, text] = after && !("sends" in after) ? (Object.entries(after)[0] as [string, string]) : [];
  if (kind !== undefined && text !== undefined) {
    const wrong = whyNotDuration(text, kind);
    if (wrong) return { field: `after.${kind}`, message: wrong };
  }
  if (minutes != null && cadence != null)
    return { field: "cadence", message: "must be left out where interval_minutes is given" };
  if (cadence && cadence.shortest_minutes > cadence.longest_minutes)
    return { field: "cadence.shortest_minutes", message: "must not be more than longest_minutes" };
  const unknown = to.find(
    (target) => typeof target === "object" && "rota" in target && !Object.hasOwn(rotas, target.rota),
  );
  if (!unknown) return null;
  return {
    field: "to",
    message: `must name rotas of this policy: there is no ${JSON.stringify((unknown as { rota: string }).rota)}`,
  };
}

function whyNotDuration(text: string, kind: string): string | null {
  try {
    if (kind === "working_time") parseWorkingDuration(text);
    const ms = durationMs(text);
    return ms < 0 && kind !== "deadline" ? `must not be negative, which ${text} is` : null;
  } catch (error) {
    if (error instanceof RuleError) return error.message.replace(" of anchor_at", "");
    throw error;
  }
}

/** What a policy needs of each reminder that goes by it. */
export function needsOf({ steps }: Pick<PolicyText, "steps">): {
  deadline: boolean;
  calendar: boolean;
  isEndless: boolean;
} {
  const afters = steps.flatMap(({ after }) => (after ? [after] : []));
  return {
    deadline: afters.some((after) => "deadline" in after) || steps.some(({ cadence }) => cadence != null),
    calendar: afters.some((after) => "working_time" in after),
    isEndless: steps.at(-1)?.repeat == null,
  };
}

/** Where a reminder is in its policy. Kept in its row, moved by firing alone. */
export interface Escalation {
  /** The step in force, by its number. */
  step: number;
  /** How often that one was given before the newest occurrence. */
  given: number;
  /** How many occurrences were given before the newest. */
  sends: number;
  /** The first occurrence. */
  firstAt: Instant;
  /** True where the newest occurrence counts as given, though nothing was sent: nobody wanted it. */
  isVoid: boolean;
  /** True once the last step was given as often as it is to be. */
  isOver: boolean;
}
