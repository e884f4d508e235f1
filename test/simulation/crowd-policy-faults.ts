import type { StepText } from "../../src/core/policy.ts";
import type { Crowd } from "./crowd.ts";
import type { Fired, Story } from "./crowd-story.ts";
import { DAY, END, HOUR, MINUTE } from "./year.ts";

// What docs/guide/people.md says of policies. Nothing here asks the core.

const iso = (at: number): string => new Date(at).toISOString();

/** What is wrong with the steps of a life, or null. */
export function faultInPolicy(crowd: Crowd, story: Story): string | null {
  if (crowd.policy === null) return null;
  return faultInOrder(crowd, story) ?? faultInLast(crowd, story);
}

const numberOf = ({ course }: Fired): number => course?.step.number ?? Number.NaN;

/** One step at a time, none before its time, each given as often as it says, none left out. */
function faultInOrder(crowd: Crowd, { fired }: Story): string | null {
  const steps = crowd.policy?.steps ?? [];
  const begins = steps[0]?.after ? 0 : 1;
  for (const [n, one] of fired.entries()) {
    const before = fired[n - 1];
    const number = numberOf(one);
    if (!before) {
      if (number !== begins) return `it began with step ${number}`;
      continue;
    }
    const former = numberOf(before);
    if (number < former) return `it went back from step ${former} to ${number}`;
    if (number > former + 1) return `it went from step ${former} to ${number}: one was left out`;
    const past = fired.slice(0, n);
    const given = past.filter((other) => wasGiven(crowd, other, one.at));
    const ofFormer = given.filter((other) => numberOf(other) === former);
    const { repeat = null } = steps[former - 1] ?? {};
    if (number === former) {
      if (repeat !== null && number === steps.length && ofFormer.length >= repeat && !isAskedFor(crowd, one))
        return `step ${number}, the last, was given more often than ${repeat} times`;
      continue;
    }
    if (ofFormer.length === 0) return `step ${former} was lost: step ${number} came at ${iso(one.at)}`;
    if (repeat !== null && ofFormer.length < repeat)
      return `step ${former} was given ${ofFormer.length} times of ${repeat} when step ${number} came`;
    const early = whyEarly(crowd, steps[number - 1], { first: fired[0] as Fired, at: one.at, sends: given.length });
    if (early) return `step ${number} came at ${iso(one.at)}: ${early}`;
  }
  return null;
}

/** Somebody put it off until then: it is due whatever its policy says. */
function isAskedFor({ world }: Crowd, { at }: Fired): boolean {
  return world.wishes.some(({ wish }) => typeof wish === "object" && "until" in wish && (wish.until ?? 0) <= at);
}

/**
 * Given is what left, or what nobody wanted. What is still on its way when the next fires, having been tried, is as well; with the
 * policy `all` whatever waits comes yet.
 */
function wasGiven({ reminder }: Crowd, { deliveries }: Fired, at: number): boolean {
  if (deliveries.every(({ to }) => to?.optedOut !== null)) return true;
  const { misfirePolicy } = reminder.bounds;
  if (misfirePolicy === "all") return true;
  return deliveries.some(({ attempts }) => attempts.some((attempt) => attempt.at <= at));
}

function whyEarly(
  { deadlineAt }: Crowd,
  step: StepText | undefined,
  { first, at, sends }: { first: Fired; at: number; sends: number },
): string | null {
  const after = step?.after;
  if (!after) return null;
  if ("sends" in after)
    return sends >= after.sends ? null : `that is after ${sends} occurrences, and takes ${after.sends}`;
  if ("elapsed" in after) {
    const hours = Number(/^PT(\d+)H$/.exec(after.elapsed)?.[1]);
    return at >= first.occurrenceAt + hours * HOUR ? null : `that is less than ${hours} hours after the first`;
  }
  if (!("deadline" in after)) return null;
  const begin = deadlineAt + ({ "-P1D": -DAY, PT0S: 0, PT30H: 30 * HOUR }[after.deadline] ?? Number.NaN);
  return at >= begin ? null : `it begins at ${iso(begin)}`;
}

/** Left alone, each step that begins at an instant is due then, and the last one ends it. */
function faultInLast(crowd: Crowd, { fired, end }: Story): string | null {
  const { world, policy, deadlineAt, people, isQuiet } = crowd;
  const steps = policy?.steps ?? [];
  const last = steps.at(-1);
  const { reminder } = end;
  if (reminder.completionReason === "policy_ended" && (last?.repeat ?? null) === null)
    return "its policy ended, and has no end";
  const isDisturbed = world.outages.length + world.wishes.length > 0 || world.stopMetAt !== null || isQuiet;
  const isSlow = [...people.values()].some(({ digest, budget }) => digest || budget);
  const [first] = fired;
  if (isDisturbed || isSlow || !first) return null;
  for (const [place, { after, repeat = null }] of steps.entries()) {
    const number = place + 1;
    const one = fired.find((other) => numberOf(other) === number);
    const before = fired.filter((other) => numberOf(other) === number - 1).at(-1);
    if (!after || "sends" in after || !before || repeat === undefined) continue;
    const begin =
      "elapsed" in after
        ? first.occurrenceAt + Number(/^PT(\d+)H$/.exec(after.elapsed)?.[1]) * HOUR
        : "deadline" in after
          ? deadlineAt + ({ "-P1D": -DAY, PT0S: 0, PT30H: 30 * HOUR }[after.deadline] ?? Number.NaN)
          : Number.NaN;
    const isRepeated = (steps[place - 1]?.repeat ?? null) !== null;
    const hasRoom = fired.length < (reminder.bounds.maxOccurrences ?? 0) && begin < END;
    if (!one && hasRoom && before.at < begin && !isRepeated)
      return `step ${number} was due at ${iso(begin)}, and never came`;
    // What is just being sent is waited for.
    if (one && before.at < begin && !isRepeated && one.at > begin + 2 * MINUTE)
      return `step ${number} was due at ${iso(begin)}, and came at ${iso(one.at)}`;
  }
  return null;
}
